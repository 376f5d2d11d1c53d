// SPDX-License-Identifier: GPL-2.0-or-later
// How iptables-restore cuts a line into words, shared by the grammar and by whoever reads words
// again.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace untrack::parser::iptables {

struct ScannedWord {
    const char* end;
    bool quoted;
    bool unterminated;
};

/// The first place from p on with a byte that may be one of a set: `flags` gets eight bytes and
/// sets the highest bit of those that are (and perhaps of bytes after the first such). Words are
/// most of a file, and eight bytes at a time read them twice as fast.
template <typename Flags>
const char* skip_eight_by_eight(const char* p, const char* end, Flags flags) {
    if constexpr (std::endian::native == std::endian::little) {
        for (; end - p >= 8; p += 8) {
            std::uint64_t bytes = 0;
            std::memcpy(&bytes, p, sizeof bytes);
            std::uint64_t found = flags(bytes) & 0x8080808080808080ULL;
            if (found != 0) return p + std::countr_zero(found) / 8;
        }
    }
    return p;
}
/// The bytes that are zero have their highest bit set in the result; exact up to the first of them.
constexpr std::uint64_t zero_bytes(std::uint64_t v) {
    return (v - 0x0101010101010101ULL) & ~v;
}
constexpr std::uint64_t eight_times(char c) {
    return 0x0101010101010101ULL * static_cast<unsigned char>(c);
}

/// True at the line end: "\n", "\r\n", or the end of the input.
inline bool at_line_end(const char* p, const char* end) {
    return p == end || *p == '\n' || (*p == '\r' && (p + 1 == end || p[1] == '\n'));
}

/// Skips blanks, and a lone backslash with the line end after it.
inline const char* skip_gap(const char* p, const char* end) {
    for (;;) {
        while (p != end && (*p == ' ' || *p == '\t')) ++p;
        if (p == end || *p != '\\' || p + 1 == end) return p;
        const char* q = p + 1;
        if (*q == '\r') ++q;
        if (q == end || *q != '\n') return p;
        p = q + 1;
    }
}

/// The end of the word that starts at p: blanks and line ends end it, and so does a closing
/// quotation mark; a quotation mark may open in mid-word, and a backslash inside protects the next
/// byte (xshared.c, add_param_to_argv; measured). p is at neither blank nor line end.
inline ScannedWord scan_word(const char* p, const char* end) {
    for (;;) {
        // Bytes below '!' or a quotation mark may end the word.
        p = skip_eight_by_eight(p, end, [](std::uint64_t v) {
            return ((v - eight_times('!')) & ~v) | zero_bytes(v ^ eight_times('"'));
        });
        if (p == end) break;
        char c = *p;
        if (static_cast<unsigned char>(c) <= ' ' &&
            (c == ' ' || c == '\t' || c == '\n' || c == '\0' || (c == '\r' && at_line_end(p, end))))
            return {p, false, false};
        if (c == '"') break;
        ++p;
    }
    if (p == end) return {p, false, false};
    ++p;
    for (;;) {
        p = skip_eight_by_eight(p, end, [](std::uint64_t v) {
            return zero_bytes(v ^ eight_times('"')) | zero_bytes(v ^ eight_times('\\')) |
                   zero_bytes(v ^ eight_times('\n'));
        });
        if (p == end || *p == '\n') break;
        if (*p == '\\' && p + 1 != end && p[1] != '\n') {
            p += 2;
        } else if (*p == '"') {
            return {p + 1, true, false};
        } else {
            ++p;
        }
    }
    if (p != end && p[-1] == '\r') --p;
    return {p, true, true};
}

}  // namespace untrack::parser::iptables
