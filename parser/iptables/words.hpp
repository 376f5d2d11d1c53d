// SPDX-License-Identifier: GPL-2.0-or-later
// How iptables-restore cuts a line into words, shared by the grammar and by whoever reads words
// again.
#pragma once

namespace untrack::parser::iptables {

struct ScannedWord {
    const char* end;
    bool quoted;
    bool unterminated;
};

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
    while (p != end) {
        char c = *p;
        if (static_cast<unsigned char>(c) <= ' ' &&
            (c == ' ' || c == '\t' || c == '\n' || c == '\0' || (c == '\r' && at_line_end(p, end))))
            return {p, false, false};
        if (c == '"') break;
        ++p;
    }
    if (p == end) return {p, false, false};
    ++p;
    while (p != end && *p != '\n') {
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
