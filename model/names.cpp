// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/names.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <span>
#include <string>

#include "model/iptables_values.hpp"

namespace untrack::model {
namespace {

struct NamedPort {
    std::string_view name;
    std::uint16_t port;
};
constexpr NamedPort services[] = {
#define SERVICE(name, port) {name, port},
#include "model/services.def"
#undef SERVICE
};

struct NamedProtocol {
    std::string_view name;
    std::uint8_t number;
};
// The first name of a number is the one iptables-save prints.
constexpr NamedProtocol protocols[] = {
    {"tcp", 6},         {"udp", 17},       {"icmp", 1},        {"ipv6-icmp", 58},
    {"icmpv6", 58},     {"icmp6", 58},     {"esp", 50},        {"ah", 51},
    {"gre", 47},        {"igmp", 2},       {"sctp", 132},      {"dccp", 33},
    {"udplite", 136},   {"ospf", 89},      {"vrrp", 112},      {"pim", 103},
    {"ipv6", 41},       {"ipencap", 4},    {"ipip", 94},       {"ipcomp", 108},
    {"l2tp", 115},      {"hopopt", 0},     {"ipv6-route", 43}, {"ipv6-frag", 44},
    {"ipv6-nonxt", 59}, {"ipv6-opts", 60}, {"ipv6-mh", 135},   {"mobility-header", 135},
    {"mh", 135},        {"eigrp", 88},     {"etherip", 97},    {"encap", 98},
    {"egp", 8},         {"igp", 9},        {"rsvp", 46},       {"skip", 57},
    {"ggp", 3},         {"st", 5},         {"pup", 12},        {"hmp", 20},
    {"xns-idp", 22},    {"rdp", 27},       {"iso-tp4", 29},    {"xtp", 36},
    {"ddp", 37},        {"idpr-cmtp", 38}, {"idrp", 45},       {"rspf", 73},
    {"ax.25", 93},      {"isis", 124},     {"fc", 133},        {"mpls-in-ip", 137},
    {"manet", 138},     {"hip", 139},      {"shim6", 140},     {"wesp", 141},
    {"rohc", 142},      {"ethernet", 143},
};

struct NamedIcmp {
    std::string_view name;
    std::uint8_t type, code_first, code_last;
};
// The names of iptables' own icmp and icmp6 extensions.
constexpr NamedIcmp icmp4[] = {
    {"echo-reply", 0, 0, 255},
    {"pong", 0, 0, 255},
    {"destination-unreachable", 3, 0, 255},
    {"network-unreachable", 3, 0, 0},
    {"host-unreachable", 3, 1, 1},
    {"protocol-unreachable", 3, 2, 2},
    {"port-unreachable", 3, 3, 3},
    {"fragmentation-needed", 3, 4, 4},
    {"source-route-failed", 3, 5, 5},
    {"network-unknown", 3, 6, 6},
    {"host-unknown", 3, 7, 7},
    {"network-prohibited", 3, 9, 9},
    {"host-prohibited", 3, 10, 10},
    {"tos-network-unreachable", 3, 11, 11},
    {"tos-host-unreachable", 3, 12, 12},
    {"communication-prohibited", 3, 13, 13},
    {"host-precedence-violation", 3, 14, 14},
    {"precedence-cutoff", 3, 15, 15},
    {"source-quench", 4, 0, 255},
    {"redirect", 5, 0, 255},
    {"network-redirect", 5, 0, 0},
    {"host-redirect", 5, 1, 1},
    {"tos-network-redirect", 5, 2, 2},
    {"tos-host-redirect", 5, 3, 3},
    {"echo-request", 8, 0, 255},
    {"ping", 8, 0, 255},
    {"router-advertisement", 9, 0, 255},
    {"router-solicitation", 10, 0, 255},
    {"time-exceeded", 11, 0, 255},
    {"ttl-exceeded", 11, 0, 255},
    {"ttl-zero-during-transit", 11, 0, 0},
    {"ttl-zero-during-reassembly", 11, 1, 1},
    {"parameter-problem", 12, 0, 255},
    {"ip-header-bad", 12, 0, 0},
    {"required-option-missing", 12, 1, 1},
    {"timestamp-request", 13, 0, 255},
    {"timestamp-reply", 14, 0, 255},
    {"address-mask-request", 17, 0, 255},
    {"address-mask-reply", 18, 0, 255},
};
constexpr NamedIcmp icmp6[] = {
    {"destination-unreachable", 1, 0, 255},
    {"no-route", 1, 0, 0},
    {"communication-prohibited", 1, 1, 1},
    {"beyond-scope", 1, 2, 2},
    {"address-unreachable", 1, 3, 3},
    {"port-unreachable", 1, 4, 4},
    {"failed-policy", 1, 5, 5},
    {"reject-route", 1, 6, 6},
    {"packet-too-big", 2, 0, 255},
    {"time-exceeded", 3, 0, 255},
    {"ttl-exceeded", 3, 0, 255},
    {"ttl-zero-during-transit", 3, 0, 0},
    {"ttl-zero-during-reassembly", 3, 1, 1},
    {"parameter-problem", 4, 0, 255},
    {"bad-header", 4, 0, 0},
    {"unknown-header-type", 4, 1, 1},
    {"unknown-option", 4, 2, 2},
    {"echo-request", 128, 0, 255},
    {"ping", 128, 0, 255},
    {"echo-reply", 129, 0, 255},
    {"pong", 129, 0, 255},
    {"mld-listener-query", 130, 0, 255},
    {"mld-listener-report", 131, 0, 255},
    {"mld-listener-done", 132, 0, 255},
    {"mld-listener-reduction", 132, 0, 255},
    {"router-solicitation", 133, 0, 255},
    {"router-advertisement", 134, 0, 255},
    {"neighbour-solicitation", 135, 0, 255},
    {"neighbor-solicitation", 135, 0, 255},
    {"neighbour-advertisement", 136, 0, 255},
    {"neighbor-advertisement", 136, 0, 255},
    {"redirect", 137, 0, 255},
};

std::string lower_case(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

}  // namespace

std::optional<std::uint8_t> protocol_number(std::string_view name) {
    if (name == "tcp") return std::uint8_t{6};
    if (name == "udp") return std::uint8_t{17};
    if (auto number = parse_number(name)) {
        if (*number > 255) return std::nullopt;
        return static_cast<std::uint8_t>(*number);
    }
    std::string lower = lower_case(name);
    if (lower == "all" || lower == "ip") return std::uint8_t{0};
    for (const NamedProtocol& p : protocols)
        if (p.name == lower) return p.number;
    return std::nullopt;
}

std::string_view protocol_name(std::uint8_t number) {
    for (const NamedProtocol& p : protocols)
        if (p.number == number) return p.name;
    return {};
}

std::optional<std::uint16_t> service_port(std::string_view name) {
    std::string lower = lower_case(name);
    const auto* it =
        std::lower_bound(std::begin(services), std::end(services), lower,
                         [](const NamedPort& a, const std::string& b) { return a.name < b; });
    if (it == std::end(services) || it->name != lower) return std::nullopt;
    return it->port;
}

std::optional<IcmpType> icmp_type(Family family, std::string_view text) {
    if (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front()))) {
        std::size_t slash = text.find('/');
        auto type = parse_number(text.substr(0, slash));
        if (!type || *type > 255) return std::nullopt;
        IcmpType result{static_cast<std::uint8_t>(*type), 0, 0xff,
                        family == Family::ip && *type == 255};
        if (slash != std::string_view::npos) {
            auto code = parse_number(text.substr(slash + 1));
            if (!code || *code > 255) return std::nullopt;
            result.code_first = result.code_last = static_cast<std::uint8_t>(*code);
        }
        return result;
    }
    std::string lower = lower_case(text);
    if (lower.empty()) return std::nullopt;
    if (family == Family::ip && lower == "any") return IcmpType{255, 0, 255, true};
    std::span<const NamedIcmp> names = icmp6;
    if (family == Family::ip) names = icmp4;
    const NamedIcmp* hit = nullptr;
    for (const NamedIcmp& n : names) {
        if (n.name == lower) return IcmpType{n.type, n.code_first, n.code_last, false};
        if (!n.name.starts_with(lower)) continue;
        if (hit != nullptr) return std::nullopt;
        hit = &n;
    }
    if (hit == nullptr) return std::nullopt;
    return IcmpType{hit->type, hit->code_first, hit->code_last, false};
}

}  // namespace untrack::model
