// SPDX-License-Identifier: GPL-2.0-or-later
// Values of a level: lists of intervals.
#pragma once

#include <cstdint>
#include <vector>

namespace untrack::packet {

/// First and last value, both included.
struct Interval {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    friend constexpr bool operator==(Interval, Interval) = default;
};
/// Ascending, with gaps between them.
using Intervals = std::vector<Interval>;
Intervals normalized(Intervals intervals);
/// The values of 0 ... last that are in none of the (normalized) intervals.
Intervals complement(const Intervals& intervals, std::uint32_t last);
/// The values that are in both (both normalized).
Intervals intersection(const Intervals& a, const Intervals& b);

}  // namespace untrack::packet
