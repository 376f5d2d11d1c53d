// SPDX-License-Identifier: GPL-2.0-or-later
// From byte offsets to the lines and columns that people and editors use. Built only when a place
// is printed.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text_range.hpp"

namespace untrack {

/// The line starts of one text. A line ends after its '\n'; the last line may lack one.
class LineIndex {
  public:
    explicit LineIndex(std::string_view text);
    /// For who knows already where the lines begin: the first at 0.
    LineIndex(std::string_view text, std::vector<std::uint32_t> starts)
        : text_(text), starts_(std::move(starts)) {}

    /// The place of an offset (the end of the text is allowed).
    [[nodiscard]] LineColumn place(std::uint32_t offset) const;
    /// The bytes of line n (from 1) without its line end ("\n" or "\r\n").
    [[nodiscard]] TextRange line(std::uint32_t n) const;
    [[nodiscard]] std::uint32_t line_count() const {
        return static_cast<std::uint32_t>(starts_.size());
    }

  private:
    std::string_view text_;
    std::vector<std::uint32_t> starts_;
};

}  // namespace untrack
