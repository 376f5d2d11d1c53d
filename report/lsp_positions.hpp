// SPDX-License-Identifier: GPL-2.0-or-later
// Places as editors count them, and back: lines and columns from 0, columns in units of UTF-16 or
// in bytes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/text_range.hpp"

namespace untrack::report {

enum class PositionEncoding : std::uint8_t { utf8, utf16 };

struct LspPosition {
    std::uint32_t line = 0;
    std::uint32_t character = 0;
    friend constexpr bool operator==(LspPosition, LspPosition) = default;
};

/// The lines of one text, which ends them by "\n", "\r\n" or "\r", as the protocol has it.
class LspLines {
  public:
    LspLines(std::string_view text, PositionEncoding encoding);

    [[nodiscard]] LspPosition position(std::uint32_t offset) const;
    /// What is behind the end of a line is its end; what is behind the last line is the text's end.
    /// Inside a character: its begin.
    [[nodiscard]] std::uint32_t offset(LspPosition position) const;

  private:
    std::string_view text_;
    PositionEncoding encoding_;
    std::vector<std::uint32_t> starts_;
};

}  // namespace untrack::report
