// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the texts of values piece by piece, for those who judge them.
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace untrack::model::values {

inline bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
inline bool same_in_any_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
               return std::tolower(x) == std::tolower(y);
           });
}

/// Takes a number off the front of the text as strtoul does with the base; false when there is
/// none or it is too large. A minus sign is not taken: iptables refuses it.
inline bool take_number(std::string_view& text, int base, std::uint64_t& number) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (!text.empty() && text.front() == '+') text.remove_prefix(1);
    bool hexadecimal = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
                       std::isxdigit(static_cast<unsigned char>(text[2])) != 0;
    if (base == 0) {
        base = hexadecimal ? 16 : text.size() > 1 && text[0] == '0' ? 8 : 10;
        if (hexadecimal) text.remove_prefix(2);
    }
    if (!text.empty() && text.front() == '-') return false;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

/// Calls f(piece) for the pieces between separators until one is refused.
template <typename F>
bool all_pieces(std::string_view text, char separator, F f) {
    for (;;) {
        std::size_t at = text.find(separator);
        if (!f(text.substr(0, at))) return false;
        if (at == std::string_view::npos) return true;
        text.remove_prefix(at + 1);
    }
}

template <typename Same>
bool among(std::string_view words, std::string_view text, Same same) {
    return !all_pieces(words, ' ', [&](std::string_view word) { return !same(word, text); });
}
inline bool same(std::string_view a, std::string_view b) {
    return a == b;
}

/// Whether the text can be what /etc/services, /etc/hosts or the like may name on some host.
inline bool can_be_name(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return std::isalpha(c) != 0 || c >= 0x80; }) &&
           std::all_of(text.begin(), text.end(),
                       [](unsigned char c) {
                           return std::isalnum(c) != 0 || c >= 0x80 ||
                                  std::strchr("-_.+*", c) != nullptr;
                       }) &&
           !(text[0] == '0' && text.size() > 1 && (text[1] == 'x' || text[1] == 'X'));
}

/// A number that strtoul reads with base 10, blanks and sign before it let be.
inline bool is_decimal(std::string_view text, std::uint64_t most) {
    if (!text.empty() && (is_blank(text[0]) || text[0] == '+' || text[0] == '-')) return true;
    std::uint64_t n = 0;
    return text.empty() || (take_number(text, 10, n) && text.empty() && n <= most);
}

}  // namespace untrack::model::values
