// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/scan.hpp"

#include <cstring>

namespace untrack::parser::nft {
namespace {

bool follows(const char* p, const char* end, std::uint8_t classes) {
    return p != end && is(*p, classes);
}

/// 1 to 3 digits, three times a dot and 1 to 3 digits; p when it is something else.
const char* scan_ip4(const char* p, const char* end) {
    const char* q = p;
    for (int part = 0; part < 4; ++part) {
        if (part != 0) {
            if (q == end || *q != '.') return p;
            ++q;
        }
        const char* first = q;
        while (q != end && is(*q, digit)) ++q;
        if (q == first || q - first > 3) return p;
    }
    return q;
}

/// Whether [p, q) is an IPv6 address: eight groups, or fewer with "::"; the last two may be IPv4.
bool is_ip6(const char* p, const char* q) {
    int groups = 0;
    bool gap = false;
    if (q - p >= 2 && p[0] == ':' && p[1] == ':') {
        gap = true;
        p += 2;
        if (p == q) return true;
    }
    for (;;) {
        const char* first = p;
        while (p != q && is(*p, hex)) ++p;
        if (p == first) return false;
        if (p != q && *p == '.') {
            if (scan_ip4(first, q) != q) return false;
            groups += 2;
            break;
        }
        if (p - first > 4) return false;
        ++groups;
        if (p == q) break;
        if (*p != ':') return false;
        ++p;
        if (p == q) return false;
        if (*p == ':') {
            if (gap) return false;
            gap = true;
            ++p;
            if (p == q) break;
        }
    }
    return gap ? groups <= 7 : groups == 8;
}

bool is_mac(const char* p, const char* q) {
    for (int part = 0; part < 6; ++part) {
        const char* first = p;
        while (p != q && is(*p, hex)) ++p;
        if (p == first || p - first > 2) return false;
        if (part == 5) return p == q;
        if (p == q || *p != ':') return false;
        ++p;
    }
    return false;
}

/// What has a colon among hexadecimal digits: a MAC or IPv6 address, or a class (1:10).
ScannedValue scan_colons(const char* p, const char* end) {
    const char* q = p;
    while (q != end && (is(*q, hex) || *q == ':' || *q == '.')) ++q;
    // "::1:accept" goes too far: take back what belongs to a word.
    while (q != p) {
        if (!follows(q, end, letter | digit) && !(q != end && *q == '_')) {
            if (is_mac(p, q)) return {q, Kind::mac, 0};
            if (is_ip6(p, q)) return {q, Kind::ip6, 0};
        }
        const char* colon = q;
        while (colon != p && colon[-1] != ':') --colon;
        if (colon == p) break;
        q = colon - 1;
    }
    const char* major = p;
    while (major != end && is(*major, hex)) ++major;
    if (major == p || major - p > 4 || major == end || *major != ':') return {p, Kind::word, 0};
    const char* minor = major + 1;
    while (minor != end && is(*minor, hex)) ++minor;
    if (minor == major + 1 || minor - major > 5) return {p, Kind::word, 0};
    if (minor != end && std::strchr(" \t\r\n:-},;", *minor) == nullptr) return {p, Kind::word, 0};
    return {minor, Kind::classid, 0};
}

/// 1d2h3m4s5ms, at least one of them; p when it is something else.
const char* scan_time(const char* p, const char* end) {
    const char* q = p;
    while (follows(q, end, digit)) {
        while (q != end && is(*q, digit)) ++q;
        if (q == end) return p;
        if (*q == 'm' && q + 1 != end && q[1] == 's')
            q += 2;
        else if (*q == 'd' || *q == 'h' || *q == 'm' || *q == 's' || *q == 'w')
            ++q;
        else
            return p;
    }
    return follows(q, end, letter) || (q != end && *q == '_') ? p : q;
}

ScannedValue scan_digits(const char* p, const char* end) {
    const char* q = p;
    while (q != end && is(*q, digit)) ++q;
    if (q == end) return {q, Kind::number, 0};
    if (*q == '.') {
        const char* ip4 = scan_ip4(p, end);
        return ip4 != p ? ScannedValue{ip4, Kind::ip4, 0} : ScannedValue{q, Kind::number, 0};
    }
    const char* run = q;
    while (run != end && is(*run, hex)) ++run;
    if (run != end && *run == ':') {
        ScannedValue colons = scan_colons(p, end);
        if (colons.end != p) return colons;
    }
    if (!is(*q, letter)) return {q, Kind::number, 0};
    if (const char* time = scan_time(p, end); time != p) return {time, Kind::time, 0};
    const char* number = scan_number(p, end);
    if (number != q) return {number, Kind::number, 0};
    // The only words that begin with a digit (ether type).
    std::string_view rest(q, static_cast<std::size_t>(end - q));
    for (std::string_view tail : {"q", "ad"})
        if (std::string_view(p, static_cast<std::size_t>(q - p)) == "8021" &&
            rest.starts_with(tail) && !follows(q + tail.size(), end, word_char))
            return {q + tail.size(), Kind::word, 0};
    return {q, Kind::number, 0};
}

ScannedValue scan_letters(const char* p, const char* end) {
    if (is(*p, hex)) {
        const char* run = p;
        while (run != end && is(*run, hex)) ++run;
        if (run != end && *run == ':') {
            ScannedValue colons = scan_colons(p, end);
            if (colons.end != p) return colons;
        }
    }
    const char* q = scan_word(p, end);
    if (q != end && *q == '*') return {q + 1, Kind::wildcard, 0};
    if (q != end && *q == '\\' && q + 1 != end && q[1] == '*') {
        q += 2;
        return {scan_word(q, end), Kind::wildcard, 0};
    }
    // A dot alone joins; it is no word.
    if (q == p + 1 && *p == '.') return {p, Kind::word, 0};
    return {q, Kind::word, 0};
}

ScannedValue scan_signed(const char* p, const char* end, Kind kind) {
    const char* q = scan_word(p + 1, end);
    return q == p + 1 ? ScannedValue{p, kind, 0} : ScannedValue{q, kind, 0};
}

}  // namespace

const char* find_line_end(const char* p, const char* end) {
    const void* newline =
        p == end ? nullptr : std::memchr(p, '\n', static_cast<std::size_t>(end - p));
    if (newline == nullptr) return end;
    const auto* q = static_cast<const char*>(newline);
    return q != p && q[-1] == '\r' ? q - 1 : q;
}

ScannedString scan_string(const char* p, const char* end) {
    if (p == end || *p != '"') return {p, false};
    const void* close = std::memchr(p + 1, '"', static_cast<std::size_t>(end - p - 1));
    if (close == nullptr) return {find_line_end(p, end), false};
    return {static_cast<const char*>(close) + 1, true};
}

const char* scan_name(const char* p, const char* end, bool in_braces) {
    if (p == end) return p;
    if (*p == '"') return scan_string(p, end).end;
    while (p != end && !is(*p, name_end) && !(in_braces && *p == ',')) ++p;
    return p;
}

ScannedValue scan_atom(const char* p, const char* end) {
    if (p == end) return {p, Kind::word, 0};
    if (is(*p, digit)) return scan_digits(p, end);
    if (is(*p, word_start)) return scan_letters(p, end);
    switch (*p) {
        case '"':
            return {scan_string(p, end).end, Kind::string, 0};
        case '$':
            return scan_signed(p, end, Kind::variable);
        case '@':
            return scan_signed(p, end, Kind::set_ref);
        case ':':
            if (p + 1 != end && p[1] == ':') {
                ScannedValue colons = scan_colons(p, end);
                if (colons.kind == Kind::ip6) return colons;
            }
            return {p, Kind::word, 0};
        case '[': {
            const char* q = p + 1;
            while (q != end && (is(*q, hex) || *q == ':' || *q == '.')) ++q;
            if (q != end && *q == ']' && is_ip6(p + 1, q)) return {q + 1, Kind::ip6, 0};
            return {p, Kind::word, 0};
        }
        case '*':
            return {p + 1, Kind::any, 0};
        case '\\':
            if (p + 1 != end && p[1] == '*') return {p + 2, Kind::wildcard, 0};
            return {p, Kind::word, 0};
        default:
            return {p, Kind::word, 0};
    }
}

ScannedValue scan_value(const char* p, const char* end) {
    ScannedValue value = scan_atom(p, end);
    const char* q = value.end;
    if (q == end || (*q != '-' && *q != '/')) return value;
    bool plain = value.kind == Kind::number || value.kind == Kind::ip4 || value.kind == Kind::ip6;
    if (!plain && (value.kind != Kind::mac && value.kind != Kind::time)) return value;
    // Where it is no second value, or one that is more than a token, children tell.
    ScannedValue second = scan_atom(q + 1, end);
    if (second.end == q + 1 || q - p > 0xffff) return value;
    auto split = static_cast<std::uint16_t>(q - p);
    if (*q == '/')
        return second.kind == Kind::number && plain ? ScannedValue{second.end, Kind::prefix, split}
                                                    : value;
    return second.kind == value.kind ? ScannedValue{second.end, Kind::range, split} : value;
}

}  // namespace untrack::parser::nft
