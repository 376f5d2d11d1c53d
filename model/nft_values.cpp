// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_values.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::model {
namespace {

using nft::Kind;
using nft::Selector;

struct Named {
    std::string_view name;
    std::uint32_t value;
};

template <std::size_t n>
std::optional<std::uint32_t> find(const Named (&list)[n], std::string_view name) {
    for (const Named& entry : list)
        if (entry.name == name) return entry.value;
    return std::nullopt;
}

// Names as nft spells them (its src/proto.c, src/ct.c, src/fib.c).
constexpr Named icmp_types[] = {{"echo-reply", 0},           {"destination-unreachable", 3},
                                {"source-quench", 4},        {"redirect", 5},
                                {"echo-request", 8},         {"router-advertisement", 9},
                                {"router-solicitation", 10}, {"time-exceeded", 11},
                                {"parameter-problem", 12},   {"timestamp-request", 13},
                                {"timestamp-reply", 14},     {"info-request", 15},
                                {"info-reply", 16},          {"address-mask-request", 17},
                                {"address-mask-reply", 18}};
constexpr Named icmpv6_types[] = {
    {"destination-unreachable", 1},  {"packet-too-big", 2},         {"time-exceeded", 3},
    {"parameter-problem", 4},        {"echo-request", 128},         {"echo-reply", 129},
    {"mld-listener-query", 130},     {"mld-listener-report", 131},  {"mld-listener-done", 132},
    {"mld-listener-reduction", 132}, {"nd-router-solicit", 133},    {"nd-router-advert", 134},
    {"nd-neighbor-solicit", 135},    {"nd-neighbor-advert", 136},   {"nd-redirect", 137},
    {"router-renumbering", 138},     {"ind-neighbor-solicit", 141}, {"ind-neighbor-advert", 142},
    {"mld2-listener-report", 143}};
constexpr Named address_types[] = {{"unspec", type_unspec},
                                   {"unicast", type_unicast},
                                   {"local", type_local},
                                   {"broadcast", type_broadcast},
                                   {"anycast", type_anycast},
                                   {"multicast", type_multicast},
                                   {"blackhole", type_blackhole},
                                   {"unreachable", type_unreachable},
                                   {"prohibit", type_prohibit},
                                   {"throw", type_throw},
                                   {"nat", type_nat},
                                   {"xresolve", type_xresolve}};
constexpr Named states[] = {{"invalid", state_invalid},
                            {"new", state_new},
                            {"related", state_related},
                            {"established", state_established},
                            {"untracked", state_untracked}};
constexpr Named tcp_flag_names[] = {{"fin", 1},  {"syn", 2},  {"rst", 4},  {"psh", 8},
                                    {"ack", 16}, {"urg", 32}, {"ecn", 64}, {"cwr", 128}};
constexpr Named priorities[] = {{"raw", 300},  {"mangle", 150},  {"dstnat", 100},
                                {"filter", 0}, {"security", 50}, {"srcnat", 100}};
// The value is the family: 4 or 6. Ethernet's numbers have names, too.
constexpr Named families[] = {{"ipv4", 4}, {"ip", 4}, {"ipv6", 6}, {"ip6", 6},
                              {"2", 4},    {"10", 6}, {"arp", 1},  {"vlan", 1}};

constexpr std::uint8_t proto_icmp = 1, proto_tcp = 6, proto_udp = 17, proto_dccp = 33,
                       proto_icmpv6 = 58, proto_sctp = 132, proto_udplite = 136;

std::optional<std::uint32_t> number(std::string_view text) {
    auto n = parse_number(text);
    if (!n || *n > 0xffffffffU) return std::nullopt;
    return static_cast<std::uint32_t>(*n);
}

/// What a number that stands for itself (`nft -n` prints them) is in the model: the kernel's bits
/// of states (linux/netfilter/nf_conntrack_common.h) and its types of addresses
/// (linux/rtnetlink.h).
std::optional<std::uint32_t> of_number(std::uint32_t n, NftField field) {
    if (field == NftField::source_type || field == NftField::destination_type)
        return n < 12 ? std::optional(1U << n) : std::nullopt;
    if (field != NftField::state) return n;
    constexpr std::pair<std::uint32_t, std::uint32_t> bits[] = {{1, state_invalid},
                                                                {2, state_established},
                                                                {4, state_related},
                                                                {8, state_new},
                                                                {64, state_untracked}};
    std::uint32_t out = 0;
    for (auto [kernel, model] : bits) {
        if ((n & kernel) != 0) out |= model;
        n &= ~kernel;
    }
    return n == 0 ? std::optional(out) : std::nullopt;
}

std::optional<std::uint32_t> word_value(std::string_view text, const NftSelector& selector) {
    if (!text.empty() && text.front() >= '0' && text.front() <= '9' &&
        selector.field != NftField::family) {
        auto n = number(text);
        return n ? of_number(*n, selector.field) : n;
    }
    switch (selector.field) {
        case NftField::source_port:
        case NftField::destination_port:
            return service_port(text);
        case NftField::protocol:
            return protocol_number(text);
        case NftField::icmp_type:
            return selector.protocol == proto_icmp ? find(icmp_types, text)
                                                   : find(icmpv6_types, text);
        case NftField::source_type:
        case NftField::destination_type:
            return find(address_types, text);
        case NftField::state:
            return find(states, text);
        case NftField::tcp_flags:
            return find(tcp_flag_names, text);
        case NftField::family:
            return find(families, text);
        default:
            return std::nullopt;
    }
}

std::uint32_t most(NftField field) {
    switch (field) {
        case NftField::source_port:
        case NftField::destination_port:
            return 0xffff;
        case NftField::protocol:
        case NftField::icmp_type:
        case NftField::tcp_flags:
        case NftField::state:
            return 0xff;
        default:
            return 0xffffffffU;
    }
}

std::optional<Address> address_of(Family family, std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    return parse_numeric_address(family, text);
}

}  // namespace

NftSelector nft_selector(const nft::Node& node) {
    NftSelector s;
    auto is = [&](NftField field) { s.field = field; };
    auto ported = [&](NftField field, std::uint8_t protocol) {
        s.field = field;
        s.protocol = protocol;
    };
    auto of_family = [&](NftField field, Family family) {
        s.field = field;
        s.family = family;
    };
    auto entry = [&](ConntrackKey key) { s.key = key; };
    switch (node.as<Selector>()) {
        case Selector::ip_saddr:
            of_family(NftField::source, Family::ip);
            break;
        case Selector::ip_daddr:
            of_family(NftField::destination, Family::ip);
            break;
        case Selector::ip6_saddr:
            of_family(NftField::source, Family::ip6);
            break;
        case Selector::ip6_daddr:
            of_family(NftField::destination, Family::ip6);
            break;
        case Selector::ip_protocol:
            of_family(NftField::protocol, Family::ip);
            break;
        case Selector::ip6_nexthdr:
            of_family(NftField::protocol, Family::ip6);
            break;
        case Selector::meta_l4proto:
            is(NftField::protocol);
            break;
        case Selector::tcp_sport:
            ported(NftField::source_port, proto_tcp);
            break;
        case Selector::tcp_dport:
            ported(NftField::destination_port, proto_tcp);
            break;
        case Selector::udp_sport:
            ported(NftField::source_port, proto_udp);
            break;
        case Selector::udp_dport:
            ported(NftField::destination_port, proto_udp);
            break;
        case Selector::udplite_sport:
            ported(NftField::source_port, proto_udplite);
            break;
        case Selector::udplite_dport:
            ported(NftField::destination_port, proto_udplite);
            break;
        case Selector::sctp_sport:
            ported(NftField::source_port, proto_sctp);
            break;
        case Selector::sctp_dport:
            ported(NftField::destination_port, proto_sctp);
            break;
        case Selector::dccp_sport:
            ported(NftField::source_port, proto_dccp);
            break;
        case Selector::dccp_dport:
            ported(NftField::destination_port, proto_dccp);
            break;
        case Selector::th_sport:
            ported(NftField::source_port, NftSelector::any_protocol);
            break;
        case Selector::th_dport:
            ported(NftField::destination_port, NftSelector::any_protocol);
            break;
        case Selector::tcp_flags:
            ported(NftField::tcp_flags, proto_tcp);
            break;
        case Selector::icmp_type:
            ported(NftField::icmp_type, proto_icmp);
            s.family = Family::ip;
            break;
        case Selector::icmpv6_type:
            ported(NftField::icmp_type, proto_icmpv6);
            s.family = Family::ip6;
            break;
        case Selector::meta_iif:
        case Selector::meta_iifname:
            is(NftField::in_interface);
            break;
        case Selector::meta_oif:
        case Selector::meta_oifname:
            is(NftField::out_interface);
            break;
        case Selector::meta_mark:
            is(NftField::mark);
            break;
        case Selector::ct_state:
            is(NftField::state);
            break;
        case Selector::meta_nfproto:
        case Selector::meta_protocol:
        case Selector::ether_type:
            is(NftField::family);
            break;
        case Selector::fib_type: {
            constexpr std::uint8_t understood = nft::flag::fib_saddr | nft::flag::fib_daddr |
                                                nft::flag::fib_iif | nft::flag::fib_oif;
            bool source = node.has(nft::flag::fib_saddr);
            if ((node.flags & ~understood) != 0 || source == node.has(nft::flag::fib_daddr)) break;
            is(source ? NftField::source_type : NftField::destination_type);
            s.by_in_interface = node.has(nft::flag::fib_iif);
            s.by_out_interface = node.has(nft::flag::fib_oif);
            break;
        }
        case Selector::ct_mark:
            entry(ConntrackKey::connmark);
            break;
        case Selector::meta_random:
        case Selector::numgen_inc:
        case Selector::numgen_random:
            s.random = true;
            break;
        default:
            // All other keys of an entry end the rule where there is none, whatever is asked
            // (measured).
            if (nft::selector_info(node.as<Selector>()).header == nft::Header::ct)
                entry(ConntrackKey::connbytes);
            break;
    }
    return s;
}

std::optional<NftValue> nft_value(const nft::SyntaxTree& tree, const nft::Node& node,
                                  const NftSelector& selector) {
    NftValue v;
    bool address = selector.field == NftField::source || selector.field == NftField::destination;
    bool interface =
        selector.field == NftField::in_interface || selector.field == NftField::out_interface;
    Family family = selector.family.value_or(Family::ip);
    switch (node.kind) {
        case Kind::range: {
            nft::Halves halves(tree, node);
            auto low = nft_value(tree, *halves.first, selector);
            auto high = nft_value(tree, *halves.second, selector);
            if (!low || !high || interface) return std::nullopt;
            v.first = low->first;
            v.last = high->last;
            v.addresses = {low->addresses.first, high->addresses.last};
            if (address ? v.addresses.last < v.addresses.first : v.last < v.first)
                return std::nullopt;
            return v;
        }
        case Kind::prefix: {
            nft::Halves halves(tree, node);
            auto base = nft_value(tree, *halves.first, selector);
            auto length = number(tree.value_of(*halves.second));
            if (!base || !length || !address || *length > (family == Family::ip ? 32U : 128U))
                return std::nullopt;
            v.addresses = range_of(family, base->addresses.first, *length);
            return v;
        }
        case Kind::string:
        case Kind::wildcard:
        case Kind::word:
        case Kind::number:
        case Kind::ip4:
        case Kind::ip6:
        case Kind::time:
            break;
        default:
            return std::nullopt;
    }
    std::string_view text = tree.value_of(node);
    if (interface) {
        // A name's last "*" takes all that begin so, in quotation marks or not; "\*" is a star.
        if (node.kind == Kind::number) return std::nullopt;
        v.wildcard = text.ends_with('*') && !text.ends_with("\\*");
        v.name = v.wildcard ? text.substr(0, text.size() - 1) : text;
        if (text.ends_with("\\*")) return std::nullopt;
        return v;
    }
    if (address) {
        auto a = address_of(family, text);
        if (!a) return std::nullopt;
        v.addresses = {*a, *a};
        return v;
    }
    auto n = word_value(text, selector);
    if (!n || *n > most(selector.field)) return std::nullopt;
    v.first = v.last = *n;
    return v;
}

std::optional<StateSet> nft_state(std::string_view word) {
    auto bits = find(states, word);
    if (!bits) return std::nullopt;
    return static_cast<StateSet>(*bits);
}

std::optional<std::uint8_t> nft_tcp_flag(std::string_view word) {
    auto bits = find(tcp_flag_names, word);
    if (!bits) return std::nullopt;
    return static_cast<std::uint8_t>(*bits);
}

std::optional<std::int32_t> nft_priority(std::string_view word) {
    auto n = find(priorities, word);
    if (!n) return std::nullopt;
    bool negative = word == "raw" || word == "mangle" || word == "dstnat";
    return negative ? -static_cast<std::int32_t>(*n) : static_cast<std::int32_t>(*n);
}

std::optional<std::int32_t> nft_bridge_priority(std::string_view word) {
    constexpr std::pair<std::string_view, std::int32_t> places[] = {
        {"dstnat", -300}, {"filter", -200}, {"out", 100}, {"srcnat", 300}};
    for (auto [name, place] : places)
        if (name == word) return place;
    return std::nullopt;
}

std::optional<Hook> nft_hook(std::string_view word) {
    for (Hook hook : {Hook::prerouting, Hook::input, Hook::forward, Hook::output, Hook::postrouting,
                      Hook::ingress, Hook::egress})
        if (name(hook) == word) return hook;
    return std::nullopt;
}

namespace {}  // namespace

void merge(std::vector<PortRange>& ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        PortRange r = ranges[i];
        if (kept != 0 && r.first <= std::uint32_t{ranges[kept - 1].last} + 1) {
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, r.last);
        } else {
            ranges[kept++] = r;
        }
    }
    ranges.resize(kept);
}

AddressRange range_of(Family family, const Address& address, unsigned length) {
    AddressRange r{address, address};
    std::size_t bytes = family == Family::ip ? 4 : 16;
    for (std::size_t i = 0; i < bytes; ++i) {
        unsigned from = static_cast<unsigned>(i) * 8;
        unsigned kept = length <= from ? 0 : std::min(8U, length - from);
        auto mask = static_cast<std::uint8_t>(0xff00U >> kept);
        r.first.bytes[i] &= mask;
        r.last.bytes[i] =
            static_cast<std::uint8_t>(r.first.bytes[i] | static_cast<std::uint8_t>(~mask));
    }
    return r;
}

std::optional<MaskedAddress> prefix_of(Family family, const AddressRange& range) {
    const std::size_t bytes = family == Family::ip ? 4 : 16;
    std::size_t same = 0;
    while (same < bytes && range.first.bytes[same] == range.last.bytes[same]) ++same;
    auto length = static_cast<unsigned>(same * 8);
    if (same < bytes)
        length += static_cast<unsigned>(std::countl_zero(
            static_cast<std::uint8_t>(range.first.bytes[same] ^ range.last.bytes[same])));
    AddressRange whole = range_of(family, range.first, length);
    if (whole.first != range.first || whole.last != range.last) return std::nullopt;
    MaskedAddress m;
    m.value = range.first;
    Address none;
    Address all = range_of(family, none, length).last;
    for (std::size_t i = 0; i < bytes; ++i)
        m.mask.bytes[i] = static_cast<std::uint8_t>(~all.bytes[i]);
    return m;
}

}  // namespace untrack::model
