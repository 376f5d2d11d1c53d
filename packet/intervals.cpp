// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/intervals.hpp"

#include <algorithm>

namespace untrack::packet {

Intervals normalized(Intervals intervals) {
    std::sort(intervals.begin(), intervals.end(),
              [](Interval a, Interval b) { return a.first < b.first; });
    Intervals out;
    for (Interval i : intervals) {
        if (i.first > i.last) continue;
        if (!out.empty() && (out.back().last == 0xffffffffU || i.first <= out.back().last + 1))
            out.back().last = std::max(out.back().last, i.last);
        else
            out.push_back(i);
    }
    return out;
}

Intervals complement(const Intervals& intervals, std::uint32_t last) {
    Intervals out;
    std::uint64_t at = 0;
    for (Interval i : intervals) {
        if (i.first > at) out.push_back({static_cast<std::uint32_t>(at), i.first - 1});
        at = std::uint64_t{i.last} + 1;
    }
    if (at <= last) out.push_back({static_cast<std::uint32_t>(at), last});
    return out;
}

Intervals intersection(const Intervals& a, const Intervals& b) {
    Intervals out;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        std::uint32_t first = std::max(a[i].first, b[j].first);
        std::uint32_t last = std::min(a[i].last, b[j].last);
        if (first <= last) out.push_back({first, last});
        if (a[i].last < b[j].last)
            ++i;
        else
            ++j;
    }
    return out;
}

}  // namespace untrack::packet
