// SPDX-License-Identifier: GPL-2.0-or-later
// Kinds of values that single extensions have; the ones that libxtables has for all are in
// option_values.cpp.
#include <array>
#include <utility>

#include "model/iptables_values.hpp"
#include "model/names.hpp"
#include "model/option_values.hpp"
#include "model/value_text.hpp"

namespace untrack::model::values {
namespace {

/// Four decimal numbers without leading zeros, as NAT wants them.
bool is_dotted_quad(std::string_view text) {
    const char* p = text.data();
    const char* end = p + text.size();
    for (unsigned count = 1;; ++count, ++p) {
        const char* begin = p;
        unsigned n = 0;
        for (; p != end && is_digit(*p) && p - begin < 3; ++p)
            n = n * 10 + static_cast<unsigned>(*p - '0');
        if (p == begin || n > 255 || (*begin == '0' && p - begin > 1)) return false;
        if (count == 4) return p == end;
        if (p == end || *p != '.') return false;
    }
}
bool is_nat_address(Family family, std::string_view text) {
    return family == Family::ip ? is_dotted_quad(text)
                                : parse_numeric_address(Family::ip6, text).has_value();
}

/// A number of seconds, minutes, hours or days after '/', by any beginning of its name.
bool is_unit(std::string_view text) {
    if (text.empty()) return false;
    for (std::string_view unit : {"second", "minute", "hour", "day"})
        if (text.size() <= unit.size() && same_in_any_case(unit.substr(0, text.size()), text))
            return true;
    return false;
}
std::uint64_t seconds_of_unit(std::string_view unit) {
    switch (unit.empty() ? 's' : std::tolower(static_cast<unsigned char>(unit[0]))) {
        case 'm':
            return 60;
        case 'h':
            return 3600;
        case 'd':
            return 86400;
        default:
            return 1;
    }
}
/// "5/minute" against the rate that is too fast, per second.
bool is_packet_rate(std::string_view text, std::uint64_t most) {
    std::size_t slash = text.find('/');
    std::string_view unit =
        slash == std::string_view::npos ? std::string_view("second") : text.substr(slash + 1);
    if (!is_unit(unit)) return false;
    std::uint64_t n = 0;
    std::string_view rest = text.substr(0, slash);
    return take_number(rest, 10, n) && n != 0 && n <= most * seconds_of_unit(unit);
}

}  // namespace

bool is_label(const ValueKind& kind, Family family, std::string_view text) {
    std::uint64_t n = 0;
    return !text.empty() && (!read_number(text, n) || is_number(kind, family, text));
}

/// u32: tests with "&&" between them; a test is a place, "=", and numbers or ranges. A place is
/// numbers with &, <<, >> or @ between them.
bool is_tests_of_words(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    auto blanks = [&] {
        while (!text.empty() && is_blank(text[0])) text.remove_prefix(1);
    };
    auto take = [&](std::string_view token) {
        blanks();
        if (!text.starts_with(token)) return false;
        text.remove_prefix(token.size());
        return true;
    };
    std::uint64_t n = 0;
    do {
        do {
            if (!take_number(text, 0, n) || n > u32) return false;
            blanks();
        } while (take("<<") || take(">>") || take("@") || (!text.starts_with("&&") && take("&")));
        if (!take("=")) return false;
        do {
            if (!take_number(text, 0, n) || n > u32) return false;
            if (take(":") && (!take_number(text, 0, n) || n > u32)) return false;
        } while (take(","));
    } while (take("&&"));
    blanks();
    return text.empty();
}

bool is_rate(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return is_packet_rate(text, kind.max);
}

bool is_hash_rate(const ValueKind& kind, Family /*family*/, std::string_view text) {
    if (is_packet_rate(text, kind.max)) return true;
    // Bytes: "512kb/s"; what follows the letter is not looked at.
    std::uint64_t n = 0;
    std::string_view rest = text;
    return take_number(rest, 10, n) && n != 0 && !rest.empty() &&
           (rest[0] == 'b' || rest[0] == 'k' || rest[0] == 'm');
}

bool is_hash_burst(const ValueKind& kind, Family /*family*/, std::string_view text) {
    std::uint64_t n = 0;
    std::string_view rest = text;
    if (read_number(text, n)) return n >= kind.min && n <= kind.max;
    return take_number(rest, 10, n) && !rest.empty() &&
           (rest[0] == 'b' || rest[0] == 'k' || rest[0] == 'm');
}

bool is_mss(const ValueKind& kind, Family family, std::string_view text) {
    // The maximum leaves room for the header of the family.
    return is_number(number(0, family == Family::ip ? kind.max : kind.max - 20), family, text);
}

bool is_time(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    unsigned count = 0;
    return all_pieces(text, ':',
                      [&](std::string_view piece) {
                          return ++count <= 3 && is_decimal(piece, count == 1 ? 23 : 59);
                      }) &&
           count > 1;
}

std::uint32_t seconds_of(std::string_view time) {
    std::uint32_t seconds = 0;
    std::uint32_t unit = 3600;
    all_pieces(time, ':', [&](std::string_view piece) {
        std::uint64_t n = 0;
        take_number(piece, 10, n);
        seconds += static_cast<std::uint32_t>(n) * unit;
        unit /= 60;
        return true;
    });
    return seconds;
}

bool is_date(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    std::size_t t = text.find('T');
    std::string_view day = text.substr(0, t);
    unsigned count = 0;
    bool good = all_pieces(day, '-', [&](std::string_view piece) {
        std::uint64_t n = 0;
        if (++count > 3) return false;
        if (count > 1) return is_decimal(piece, count == 2 ? 12 : 31);
        return take_number(piece, 10, n) && piece.empty() && n >= 1970 && n <= 2038;
    });
    if (!good || t == std::string_view::npos) return good;
    count = 0;
    return all_pieces(text.substr(t + 1), ':', [&](std::string_view piece) {
        return ++count <= 3 && is_decimal(piece, count == 1 ? 23 : 59);
    });
}

bool is_weekdays(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',', [&](std::string_view piece) {
        if (piece.empty()) return true;
        if (is_digit(piece[0])) return piece != "0";
        return among(kind.words, piece.substr(0, 2), same);
    });
}

bool is_monthdays(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',', [&](std::string_view p) { return is_decimal(p, kind.max); });
}

bool is_hex_string(const ValueKind& kind, Family /*family*/, std::string_view text) {
    auto hex = [&](std::size_t i) {
        return std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    };
    std::size_t bytes = 0;
    bool inside = false;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == '|') {
            inside = !inside;
            ++i;
            if (!inside) continue;
            while (i < text.size() && text[i] == ' ') ++i;
            if (i == text.size()) break;  // a `|' at the very end does no harm
        }
        if (!inside) {
            if (text[i] == '\\' && ++i == text.size()) return false;
            ++i;
        } else {
            // Two digits, then a blank or the next pair; the closing `|' must follow.
            if (i + 2 >= text.size() || !hex(i) || !hex(i + 1)) return false;
            i += text[i + 2] == ' ' ? 3 : 2;
        }
        ++bytes;
    }
    return bytes >= 1 && bytes <= kind.max;
}

std::string_view nat_port_part(Family family, std::string_view text) {
    std::size_t colon = std::string_view::npos;
    if (family == Family::ip) {
        colon = text.find(':');
    } else if (text.starts_with('[')) {
        std::size_t end = text.find(']');
        if (end != std::string_view::npos) colon = text.find(':', end);
    } else if (text.starts_with(':') && text.find(':', 1) == std::string_view::npos) {
        colon = 0;
    }
    return colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
}

bool is_nat_ports(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    std::uint64_t first = 0;
    std::string_view rest = text;
    if (!take_number(rest, 0, first) || first > u16) {
        // The name of one service; a range of names is none (measured).
        std::size_t dash = text.find('-');
        if (dash != std::string_view::npos && service_port(text.substr(0, dash)) &&
            (service_port(text.substr(dash + 1)) || is_decimal(text.substr(dash + 1), u16)))
            return false;
        return can_be_name(text) && text.find('/') == std::string_view::npos;
    }
    if (rest.empty()) return true;
    if (rest[0] != '-') return !is_digit(text[0]);
    rest.remove_prefix(1);
    std::uint64_t last = 0;
    if (!take_number(rest, 0, last) || last > u16 || last < first) return false;
    if (rest.empty()) return true;
    std::uint64_t base = 0;
    if (rest[0] != '/') return false;
    rest.remove_prefix(1);
    return (read_number(rest, base) && base >= 1 && base <= u16) || can_be_name(rest);
}

bool is_nat_range(const ValueKind& kind, Family family, std::string_view text) {
    std::string_view ports = nat_port_part(family, text);
    if (ports.data() != nullptr && !is_nat_ports(kind, family, ports)) return false;
    std::string_view address = text;
    if (family == Family::ip6 && text.starts_with('[')) {
        std::size_t end = text.find(']');
        if (end == std::string_view::npos) return false;
        address = text.substr(1, end - 1);
        if (address.empty()) return true;
    } else if (ports.data() != nullptr) {
        address = text.substr(0, text.size() - ports.size() - 1);
        if (address.empty()) return true;
    }
    std::size_t dash = address.find('-');
    return is_nat_address(family, address.substr(0, dash)) &&
           (dash == std::string_view::npos || is_nat_address(family, address.substr(dash + 1)));
}

bool is_tcp_reset(std::string_view text) {
    for (std::string_view name : {"tcp-reset", "tcp-rst"})
        if (!text.empty() && text.size() <= name.size() &&
            same_in_any_case(name.substr(0, text.size()), text))
            return true;
    return false;
}

bool is_reject_type(const ValueKind& /*kind*/, Family family, std::string_view text) {
    static constexpr std::array<std::string_view, 14> v4{
        "icmp-net-unreachable",   "net-unreach",   "icmp-host-unreachable", "host-unreach",
        "icmp-proto-unreachable", "proto-unreach", "icmp-port-unreachable", "port-unreach",
        "icmp-net-prohibited",    "net-prohib",    "icmp-host-prohibited",  "host-prohib",
        "icmp-admin-prohibited",  "admin-prohib"};
    static constexpr std::array<std::string_view, 12> v6{
        "icmp6-no-route",         "no-route",     "icmp6-adm-prohibited",   "adm-prohibited",
        "icmp6-addr-unreachable", "addr-unreach", "icmp6-port-unreachable", "port-unreach",
        "icmp6-policy-fail",      "policy-fail",  "icmp6-reject-route",     "reject-route"};
    // Any beginning of a name, in any case; the first that fits is meant (measured).
    auto fits = [&](std::string_view name) {
        return text.size() <= name.size() && same_in_any_case(name.substr(0, text.size()), text);
    };
    return is_tcp_reset(text) || (family == Family::ip ? std::any_of(v4.begin(), v4.end(), fits)
                                                       : std::any_of(v6.begin(), v6.end(), fits));
}

bool is_icmp6_type(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    // The rest is the model's business; only these names are newer than 1.8.9.
    return !text.starts_with("mld");
}

bool is_class(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    auto begins = [](std::string_view s) {
        while (!s.empty() && is_blank(s[0])) s.remove_prefix(1);
        if (!s.empty() && (s[0] == '+' || s[0] == '-')) s.remove_prefix(1);
        return !s.empty() && std::isxdigit(static_cast<unsigned char>(s[0])) != 0;
    };
    return begins(text.substr(0, colon)) && begins(text.substr(colon + 1));
}

bool is_zone(const ValueKind& kind, Family family, std::string_view text) {
    return is_number(kind, family, text) || same_in_any_case(text, "mark");
}

bool is_owner(const ValueKind& kind, Family /*family*/, std::string_view text) {
    if (can_be_name(text)) return true;
    std::size_t dash = text.find('-');
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (!read_number(text.substr(0, dash), first) || first > kind.max) return false;
    if (dash == std::string_view::npos) return true;
    return read_number(text.substr(dash + 1), last) && last <= kind.max && first <= last;
}

bool is_tcp_options(const ValueKind& kind, Family family, std::string_view text) {
    std::array<bool, 256> seen{};
    return all_pieces(text, ',', [&](std::string_view piece) {
        if (among(kind.words, piece, same)) return true;
        std::uint64_t n = 0;
        if (!is_number(kind, family, piece) || !read_number(piece, n)) return false;
        return !std::exchange(seen[n], true);
    });
}

bool is_chunk_types(const ValueKind& kind, Family /*family*/, std::string_view text) {
    return all_pieces(text, ',', [&](std::string_view piece) {
        std::size_t colon = piece.find(':');
        std::string_view name = piece.substr(0, colon);
        if (!name.empty() && !among(kind.words, name, same_in_any_case)) return false;
        if (colon == std::string_view::npos) return true;
        std::string_view flags =
            same_in_any_case(name, "DATA") || same_in_any_case(name, "I_DATA") ? "IUBEiube"
            : same_in_any_case(name, "ABORT") || same_in_any_case(name, "SHUTDOWN_COMPLETE") ? "Tt"
                                                                                             : "";
        return piece.substr(colon + 1).find_first_not_of(flags) == std::string_view::npos;
    });
}

bool is_header_options(const ValueKind& kind, Family /*family*/, std::string_view text) {
    unsigned count = 0;
    return all_pieces(text, ',', [&](std::string_view piece) {
        std::uint64_t n = 0;
        unsigned parts = 0;
        return ++count <= kind.max && all_pieces(piece, ':', [&](std::string_view part) {
            std::string_view rest = part;
            return ++parts <= 2 && take_number(rest, 0, n);
        });
    });
}

bool is_mobility_type(const ValueKind& kind, Family family, std::string_view text) {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    unsigned count = 0;
    bool numeric = true;
    bool good = all_pieces(text, ':', [&](std::string_view piece) {
        if (++count > 2) return false;
        if (piece.empty()) return true;
        if (is_number(kind, family, piece)) return read_number(piece, count == 1 ? first : last);
        numeric = false;
        return among(kind.words, piece, [](std::string_view name, std::string_view p) {
            return p.size() <= name.size() && same_in_any_case(name.substr(0, p.size()), p);
        });
    });
    return good && (!numeric || count < 2 || text.ends_with(':') || first <= last);
}

bool is_address_list(const ValueKind& kind, Family family, std::string_view text) {
    unsigned count = 0;
    return all_pieces(text, ',', [&](std::string_view piece) {
        return ++count <= kind.max && parse_numeric_address(family, piece).has_value();
    });
}

bool is_file_name(const ValueKind& /*kind*/, Family /*family*/, std::string_view text) {
    return !text.empty() && text != "." && text != ".." && text.find('/') == std::string_view::npos;
}

}  // namespace untrack::model::values
