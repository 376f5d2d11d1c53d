// SPDX-License-Identifier: GPL-2.0-or-later
// Positions in a file: every layer above speaks of text by these ranges, never by copies.
#pragma once

#include <cstdint>

namespace untrack {

/// Bytes [begin, end) of one file, as offsets from its first byte. A file is smaller than 4 GiB.
struct TextRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    [[nodiscard]] constexpr std::uint32_t size() const { return end - begin; }
    [[nodiscard]] constexpr bool empty() const { return begin == end; }
    friend constexpr bool operator==(TextRange, TextRange) = default;
};

/// A place as people count it: both from 1, columns in bytes.
struct LineColumn {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    friend constexpr bool operator==(LineColumn, LineColumn) = default;
};

}  // namespace untrack
