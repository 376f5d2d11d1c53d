// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace untrack {
namespace {

constexpr char32_t replacement = 0xfffd;

struct Shape {
    std::size_t size;        ///< of the whole character; 0: no byte that begins one
    std::uint8_t low, high;  ///< what the second byte may be
};

/// Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
Shape shape(std::uint8_t lead) {
    if (lead < 0x80) return {1, 0, 0};
    if (lead < 0xc2 || lead > 0xf4) return {0, 0, 0};
    if (lead < 0xe0) return {2, 0x80, 0xbf};
    if (lead == 0xe0) return {3, 0xa0, 0xbf};
    if (lead == 0xed) return {3, 0x80, 0x9f};
    if (lead < 0xf0) return {3, 0x80, 0xbf};
    if (lead == 0xf0) return {4, 0x90, 0xbf};
    if (lead == 0xf4) return {4, 0x80, 0x8f};
    return {4, 0x80, 0xbf};
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Utf8Piece utf8_piece(std::string_view text) {
    if (text.empty()) return {};
    auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    Shape s = shape(byte(0));
    if (s.size == 1) return {1, byte(0), true};
    if (s.size == 0) return {1, replacement, false};
    char32_t c = byte(0) & (0xffU >> (s.size + 1));
    for (std::size_t i = 1; i < s.size; ++i) {
        std::uint8_t low = i == 1 ? s.low : 0x80;
        std::uint8_t high = i == 1 ? s.high : 0xbf;
        if (i == text.size() || byte(i) < low || byte(i) > high) return {i, replacement, false};
        c = c << 6U | (byte(i) & 0x3fU);
    }
    return {s.size, c, true};
}

std::size_t utf8_length(std::string_view text) {
    if (is_plain(text)) return text.size();
    std::size_t length = 0;
    for (; !text.empty(); ++length) text.remove_prefix(utf8_piece(text).size);
    return length;
}

std::string utf8_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        Utf8Piece piece = utf8_piece(text);
        out += piece.valid ? text.substr(0, piece.size) : "\xef\xbf\xbd";
        text.remove_prefix(piece.size);
    }
    return out;
}

}  // namespace untrack
