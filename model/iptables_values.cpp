// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/iptables_values.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>
#include <cstring>

#include "model/names.hpp"

namespace untrack::model {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
               return std::tolower(x) == std::tolower(y);
           });
}

std::size_t address_size(Family family) {
    return family == Family::ip ? 4 : 16;
}

Address prefix_mask(unsigned bits) {
    Address mask;
    for (unsigned i = 0; i < 16 && bits > 0; ++i) {
        unsigned here = std::min(bits, 8U);
        mask.bytes[i] = static_cast<std::uint8_t>(0xff00U >> here);
        bits -= here;
    }
    return mask;
}

/// Dotted decimal with one to four numbers; missing ones are zero.
std::optional<Address> parse_v4(std::string_view text) {
    Address a;
    const char* p = text.data();
    const char* end = p + text.size();
    for (unsigned i = 0; i < 4; ++i) {
        if (p == end || *p < '0' || *p > '9') return std::nullopt;
        unsigned octet = 0;
        while (p != end && *p >= '0' && *p <= '9') {
            octet = octet * 10 + static_cast<unsigned>(*p - '0');
            if (octet > 255) return std::nullopt;
            ++p;
        }
        a.bytes[i] = static_cast<std::uint8_t>(octet);
        if (p == end) return a;
        if (*p != '.') return std::nullopt;
        ++p;
    }
    return std::nullopt;
}

bool looks_like_name(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](unsigned char c) {
                           return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c >= 0x80;
                       }) &&
           std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return std::isalpha(c) || c >= 0x80; });
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text[0] == '0') {
        base = 8;
        text.remove_prefix(1);
    }
    std::uint64_t n = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return n;
}

std::optional<Address> parse_numeric_address(Family family, std::string_view text) {
    if (family == Family::ip) return parse_v4(text);
    char buffer[64];
    if (text.size() >= sizeof buffer) return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    Address a;
    if (::inet_pton(AF_INET6, buffer, a.bytes.data()) != 1) return std::nullopt;
    return a;
}

AddressParse parse_masked_address(Family family, std::string_view text, MaskedAddress& result) {
    std::size_t slash = text.find('/');
    std::string_view host = text.substr(0, slash);
    if (slash == std::string_view::npos) {
        result.mask = prefix_mask(static_cast<unsigned>(address_size(family) * 8));
    } else {
        std::string_view mask = text.substr(slash + 1);
        unsigned bits = 0;
        auto [end, error] = std::from_chars(mask.data(), mask.data() + mask.size(), bits);
        if (error == std::errc() && end == mask.data() + mask.size()) {
            if (bits > address_size(family) * 8) return AddressParse::bad;
            result.mask = prefix_mask(bits);
        } else if (auto dotted = parse_numeric_address(family, mask)) {
            result.mask = *dotted;
        } else {
            return AddressParse::bad;
        }
    }
    auto address = parse_numeric_address(family, host);
    if (!address) return looks_like_name(host) ? AddressParse::name : AddressParse::bad;
    result.value = *address;
    for (std::size_t i = 0; i < 16; ++i) result.value.bytes[i] &= result.mask.bytes[i];
    return AddressParse::ok;
}

PortParse parse_ports(std::string_view text, PortRange& result) {
    auto one = [](std::string_view s, std::uint16_t& port) {
        if (s.empty()) return PortParse::bad;
        if (auto n = parse_number(s)) {
            if (*n > 0xffff) return PortParse::bad;
            port = static_cast<std::uint16_t>(*n);
            return PortParse::ok;
        }
        if (auto n = service_port(s)) {
            port = *n;
            return PortParse::ok;
        }
        return looks_like_name(s) ? PortParse::name : PortParse::bad;
    };
    std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        PortParse r = one(text, result.first);
        result.last = result.first;
        return r;
    }
    result = {};
    std::string_view first = text.substr(0, colon);
    std::string_view last = text.substr(colon + 1);
    PortParse a = first.empty() ? PortParse::ok : one(first, result.first);
    PortParse b = last.empty() ? PortParse::ok : one(last, result.last);
    if (a != PortParse::ok) return a;
    if (b != PortParse::ok) return b;
    return PortParse::ok;
}

bool parse_mark(std::string_view text, std::uint32_t& value, std::uint32_t& mask) {
    std::size_t slash = text.find('/');
    auto v = parse_number(text.substr(0, slash));
    if (!v || *v > 0xffffffffU) return false;
    value = static_cast<std::uint32_t>(*v);
    mask = 0xffffffffU;
    if (slash != std::string_view::npos) {
        auto m = parse_number(text.substr(slash + 1));
        if (!m || *m > 0xffffffffU) return false;
        mask = static_cast<std::uint32_t>(*m);
    }
    return true;
}

bool next_piece(std::string_view& list, std::string_view& piece) {
    if (list.data() == nullptr) return false;
    std::size_t comma = list.find(',');
    piece = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    return true;
}

bool begins_word(std::string_view word, std::string_view text) {
    return !text.empty() && text.size() <= word.size() &&
           equals_ignoring_case(word.substr(0, text.size()), text);
}

std::optional<StateSet> parse_states(std::string_view text) {
    StateSet states = 0;
    for (std::string_view piece; next_piece(text, piece);) {
        if (begins_word("INVALID", piece)) {
            states |= state_invalid;
        } else if (begins_word("NEW", piece)) {
            states |= state_new;
        } else if (begins_word("RELATED", piece)) {
            states |= state_related;
        } else if (begins_word("ESTABLISHED", piece)) {
            states |= state_established;
        } else if (begins_word("UNTRACKED", piece)) {
            states |= state_untracked;
        } else if (begins_word("SNAT", piece)) {
            states |= state_snat;
        } else if (begins_word("DNAT", piece)) {
            states |= state_dnat;
        } else {
            return std::nullopt;
        }
    }
    return states;
}

std::optional<std::uint8_t> parse_tcp_flags(std::string_view text) {
    std::uint8_t flags = 0;
    for (std::string_view piece; next_piece(text, piece);) {
        if (equals_ignoring_case(piece, "FIN")) {
            flags |= 1;
        } else if (equals_ignoring_case(piece, "SYN")) {
            flags |= 2;
        } else if (equals_ignoring_case(piece, "RST")) {
            flags |= 4;
        } else if (equals_ignoring_case(piece, "PSH")) {
            flags |= 8;
        } else if (equals_ignoring_case(piece, "ACK")) {
            flags |= 16;
        } else if (equals_ignoring_case(piece, "URG")) {
            flags |= 32;
        } else if (equals_ignoring_case(piece, "ALL")) {
            flags |= 63;
        } else if (!equals_ignoring_case(piece, "NONE")) {
            return std::nullopt;
        }
    }
    return flags;
}

}  // namespace untrack::model
