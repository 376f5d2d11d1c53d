// SPDX-License-Identifier: GPL-2.0-or-later
// Where the tokens of nftables text end: what flex does in nft (scanner.l), by hand, because a PEG
// takes the first alternative where flex takes the longest.
#pragma once

#include <array>
#include <cstdint>

#include "parser/nft/syntax.hpp"

namespace untrack::parser::nft {

enum CharClass : std::uint8_t {
    letter = 1,     ///< A-Z a-z
    digit = 2,      ///< 0-9
    hex = 4,        ///< 0-9 A-F a-f
    word_char = 8,  ///< what words go on with: letters, digits, / - _ .
    word_start = 16,
    name_end = 32,  ///< what ends a name
};
constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> classes{};
    for (unsigned c = 0; c < 256; ++c) {
        bool low = c >= 'a' && c <= 'z';
        bool high = c >= 'A' && c <= 'Z';
        bool number = c >= '0' && c <= '9';
        if (low || high) classes[c] |= letter | word_char | word_start;
        if (number) classes[c] |= digit | hex | word_char;
        if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) classes[c] |= hex;
        if (c == '_' || c == '.') classes[c] |= word_char | word_start;
        if (c == '/' || c == '-') classes[c] |= word_char;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '{' || c == '}' || c == ';' ||
            c == '#')
            classes[c] |= name_end;
    }
    return classes;
}
inline constexpr std::array<std::uint8_t, 256> char_classes = make_classes();
inline bool is(char c, std::uint8_t classes) {
    return (char_classes[static_cast<unsigned char>(c)] & classes) != 0;
}

/// True at "\n", "\r\n".
inline bool at_newline(const char* p, const char* end) {
    return p != end && (*p == '\n' || (*p == '\r' && p + 1 != end && p[1] == '\n'));
}
inline const char* skip_newline(const char* p) {
    return *p == '\r' ? p + 2 : p + 1;
}
/// The end of the line that p is in: its line end, or the end of the input.
const char* find_line_end(const char* p, const char* end);

/// Skips blanks, and a backslash that is the last byte of its line together with the line end.
inline const char* skip_blanks(const char* p, const char* end) {
    for (;;) {
        while (p != end && (*p == ' ' || *p == '\t')) ++p;
        if (p == end || *p != '\\' || !at_newline(p + 1, end)) return p;
        p = skip_newline(p + 1);
    }
}

/// The end of the word that starts at p, or p.
inline const char* scan_word(const char* p, const char* end) {
    if (p == end || !is(*p, word_start)) return p;
    do ++p;
    while (p != end && is(*p, word_char));
    return p;
}

/// The end of the number that starts at p, or p. Letters may follow.
inline const char* scan_number(const char* p, const char* end) {
    if (p == end || !is(*p, digit)) return p;
    if (*p == '0' && end - p > 2 && (p[1] == 'x' || p[1] == 'X') && is(p[2], hex)) {
        for (p += 2; p != end && is(*p, hex); ++p) {
        }
        return p;
    }
    do ++p;
    while (p != end && is(*p, digit));
    return p;
}

/// The end of a string with its quotation marks, or p; the end of the line when it is not closed
/// anywhere (strings have no escapes, and may span lines).
struct ScannedString {
    const char* end;
    bool closed;
};
ScannedString scan_string(const char* p, const char* end);

/// The end of a name: quoted, a variable, or anything up to blanks, braces and separators. Chains
/// that iptables-nft made have names that nft itself would not read. p when there is none.
const char* scan_name(const char* p, const char* end, bool in_braces);

struct ScannedValue {
    const char* end;  ///< p itself when no value starts here
    Kind kind;
    std::uint16_t split;  ///< of a range or prefix: bytes before "-" or "/"
};
/// One value: what may stand to the right of a match, as far as it is one token, and ranges and
/// prefixes written without blanks.
ScannedValue scan_value(const char* p, const char* end);
/// The same without ranges and prefixes.
ScannedValue scan_atom(const char* p, const char* end);

}  // namespace untrack::parser::nft
