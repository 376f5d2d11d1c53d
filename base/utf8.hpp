// SPDX-License-Identifier: GPL-2.0-or-later
// Files hold any bytes; most reports must be UTF-8. What is none becomes U+FFFD, as Unicode
// recommends: one for each longest piece that could have begun a character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace untrack {

/// What stands at the begin of a text.
struct Utf8Piece {
    std::size_t size = 0;    ///< in bytes; 0 at the end of the text
    char32_t character = 0;  ///< U+FFFD for what is no UTF-8
    bool valid = false;
};
Utf8Piece utf8_piece(std::string_view text);

/// How many characters a reader sees who puts U+FFFD in the place of what is no UTF-8.
std::size_t utf8_length(std::string_view text);

/// The text with U+FFFD in the place of what is no UTF-8.
std::string utf8_text(std::string_view text);

}  // namespace untrack
