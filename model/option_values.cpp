// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/option_values.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

#include "model/iptables_values.hpp"
#include "model/value_text.hpp"

namespace untrack::model {

std::string expectation(const ValueKind& kind) {
    if (kind.accepts == values::is_number_range || kind.accepts == values::is_ordered_range ||
        kind.accepts == values::is_queue_range)
        return fmt::format("{} {}", kind.expected, kind.max);
    if (!kind.expected.empty()) return std::string(kind.expected);
    if (!kind.words.empty()) {
        bool one = kind.accepts == values::is_word || kind.accepts == values::is_word_in_any_case;
        std::string out = one ? "" : "a list of ";
        std::string_view rest = kind.words;
        for (std::size_t blank = 0; blank != std::string_view::npos;) {
            blank = rest.find(' ');
            if (&rest.front() != &kind.words.front())
                out += blank == std::string_view::npos && one ? " or " : ", ";
            out += rest.substr(0, blank);
            if (blank != std::string_view::npos) rest.remove_prefix(blank + 1);
        }
        return out;
    }
    if (kind.accepts == values::is_text)
        return kind.max == 0 ? "a text that is not empty"
                             : fmt::format("{} to {} bytes", kind.min, kind.max);
    return fmt::format("a number from {} to {}", kind.min, kind.max);
}

namespace values {
namespace {

/// At most two numbers with ':' between them; a number that is left out is 0 or `max`.
bool read_range(std::string_view text, std::uint64_t max, std::uint64_t& first, std::uint64_t& last,
                unsigned& count) {
    count = 0;
    first = 0;
    last = max;
    return all_pieces(text, ':', [&](std::string_view piece) {
        if (++count > 2) return false;
        std::uint64_t n = count == 1 ? 0 : max;
        if (!piece.empty() && (!read_number(piece, n) || n > max)) return false;
        (count == 1 ? first : last) = n;
        return true;
    });
}

bool is_v4_number(std::string_view text) {
    char buffer[64];
    if (text.empty() || text.size() >= sizeof buffer) return false;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    in_addr address{};
    return ::inet_aton(buffer, &address) != 0;
}

}  // namespace

bool read_number(std::string_view text, std::uint64_t& number) {
    return take_number(text, 0, number) && text.empty();
}

bool is_number(const ValueKind& kind, Family /*family*/, std::string_view text) {
    std::uint64_t n = 0;
    return read_number(text, n) && n >= kind.min && n <= kind.max;
}

bool is_number_range(const ValueKind& kind, Family /*family*/, std::string_view text) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    unsigned count = 0;
    return read_range(text, kind.max, first, last, count);
}

bool is_ordered_range(const ValueKind& kind, Family /*family*/, std::string_view text) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    unsigned count = 0;
    return read_range(text, kind.max, first, last, count) && (count == 1 || first <= last);
}

bool is_queue_range(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    unsigned count = 0;
    // All 65536 queues are one too many for the kernel.
    return read_range(text, u16, first, last, count) && count == 2 && first < last &&
           last - first < u16;
}

bool is_fraction(const ValueKind& kind, Family /*family*/, std::string_view text) {
    // "0.5", as iptables-save writes it.
    if (text.size() > 2 && text[0] == '0' && text[1] == '.' &&
        std::all_of(text.begin() + 2, text.end(), is_digit))
        return true;
    std::string copy(text);
    char* end = nullptr;
    double d = std::strtod(copy.c_str(), &end);
    if (end == copy.c_str() || *end != '\0') return false;
    return !(d < static_cast<double>(kind.min) || d > static_cast<double>(kind.max));
}

bool is_text(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return text.size() >= kind.min && (kind.max == 0 || text.size() <= kind.max);
}

bool is_word(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return among(kind.words, text, same);
}
bool is_word_in_any_case(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return among(kind.words, text, same_in_any_case);
}
bool is_list(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',',
                      [&](std::string_view piece) { return among(kind.words, piece, same); });
}
bool is_list_with_gaps(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',', [&](std::string_view piece) {
        return piece.empty() || among(kind.words, piece, same);
    });
}
bool is_list_in_any_case(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',', [&](std::string_view piece) {
        return among(kind.words, piece, same_in_any_case);
    });
}
bool is_gappy_list_in_any_case(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',', [&](std::string_view piece) {
        return piece.empty() || among(kind.words, piece, same_in_any_case);
    });
}

bool is_mark(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    std::uint64_t n = 0;
    std::size_t slash = text.find('/');
    if (!read_number(text.substr(0, slash), n) || n > u32) return false;
    return slash == std::string_view::npos || (read_number(text.substr(slash + 1), n) && n <= u32);
}

bool is_number_or_name_with_mask(const ValueKind& kind, Family family, std::string_view text) {
    return is_mark(kind, family, text) ||
           (can_be_name(text) && text.find('/') == std::string_view::npos);
}

bool is_tos(const ValueKind& kind, Family family, std::string_view text) {
    std::size_t slash = text.find('/');
    const ValueKind byte = number(0, u8);
    if (slash == std::string_view::npos)
        return is_number(byte, family, text) || is_word_in_any_case(kind, family, text);
    return is_number(byte, family, text.substr(0, slash)) &&
           is_number(byte, family, text.substr(slash + 1));
}

bool is_log_level(const ValueKind& kind, Family family, std::string_view text) {
    return is_number(kind, family, text) || among(kind.words, text, same);
}

bool is_host(const ValueKind& /*kind*/, Family family, std::string_view text) {
    if (can_be_name(text)) return true;
    if (family == Family::ip) return is_v4_number(text);
    // A scope may follow: fe80::1%eth0.
    return text.find('%') != std::string_view::npos ||
           parse_numeric_address(Family::ip6, text).has_value();
}

bool is_prefix(const ValueKind& kind, Family family, std::string_view text) {
    std::uint64_t n = 0;
    if (read_number(text, n) && n <= (family == Family::ip ? 32 : 128)) return true;
    if (kind.max != 0) {
        auto mask = parse_numeric_address(family, text);
        if (!mask || text.find_first_of(".:") == std::string_view::npos) return false;
        bool end = false;
        for (std::uint8_t byte : mask->bytes)
            for (unsigned bit = 0x80; bit != 0; bit >>= 1)
                if ((byte & bit) == 0) {
                    end = true;
                } else if (end) {
                    return false;
                }
        return true;
    }
    // 1.8.9 takes a number that is too large for the IPv4 mask 0.0.0.33 (measured).
    return family == Family::ip ? is_v4_number(text)
                                : parse_numeric_address(Family::ip6, text).has_value();
}

bool is_network(const ValueKind& kind, Family family, std::string_view text) {
    std::size_t slash = text.find('/');
    return is_host(kind, family, text.substr(0, slash)) &&
           (slash == std::string_view::npos || is_prefix(kind, family, text.substr(slash + 1)));
}

bool is_port(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    return (!text.empty() && is_decimal(text, u64) && text[0] != '-') || can_be_name(text);
}

bool is_port_range(const ValueKind& kind, Family family, std::string_view text) {
    unsigned count = 0;
    return all_pieces(text, ':', [&](std::string_view piece) {
        return ++count <= 2 && (piece.empty() || is_port(kind, family, piece));
    });
}

bool is_protocol(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    std::uint64_t n = 0;
    return can_be_name(text) || (read_number(text, n) && n <= 255);
}

bool is_ethernet_address(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    unsigned count = 0;
    return all_pieces(text, ':',
                      [&](std::string_view piece) {
                          if (++count > 6 || piece.size() > 2) return false;
                          // strtoul takes a blank or a sign, and nothing at all, for a part of a
                          // number.
                          if (piece.size() == 2 &&
                              (is_blank(piece[0]) || piece[0] == '+' || piece[0] == '-'))
                              piece.remove_prefix(1);
                          return std::all_of(piece.begin(), piece.end(),
                                             [](unsigned char c) { return std::isxdigit(c) != 0; });
                      }) &&
           count == 6;
}

}  // namespace values
}  // namespace untrack::model
