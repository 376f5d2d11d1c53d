// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/refusal_checks.hpp"

#include <fmt/format.h>

#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::model {
namespace {

using Result = std::optional<Complaint>;

std::uint64_t number_of(const UsedOption* option) {
    std::uint64_t n = 0;
    if (option != nullptr) values::read_number(option->value, n);
    return n;
}

constexpr std::uint8_t tcp = 6;

Result cluster(const UseInLine& use) {
    std::uint64_t total = number_of(use.find("--cluster-total-nodes"));
    const UsedOption* node = use.find("--cluster-local-node");
    const UsedOption* mask = use.find("--cluster-local-nodemask");
    if (node != nullptr && number_of(node) > total)
        return Complaint{node->value_range,
                         "iptables 1.8.9 refuses a `--cluster-local-node' above "
                         "`--cluster-total-nodes'"};
    if (mask != nullptr && number_of(mask) >> total != 0)
        return Complaint{mask->value_range,
                         "iptables 1.8.9 refuses a `--cluster-local-nodemask' with nodes above "
                         "`--cluster-total-nodes'"};
    return {};
}

Result ct(const UseInLine& use) {
    const UsedOption* helper = use.find("--helper");
    if (helper == nullptr || use.protocol || use.find("--notrack") != nullptr) return {};
    return Complaint{helper->range, "the kernel refuses `--helper' without -p"};
}

Result ecn(const UseInLine& use) {
    if (use.protocol == tcp) return {};
    for (const UsedOption& o : use.options)
        if (o.name().starts_with("--ecn-tcp"))
            return Complaint{o.range,
                             fmt::format("the kernel refuses `{}' without -p tcp", o.name())};
    return {};
}

/// Ports in NAT need a protocol that has ports; what this extension takes of them.
Result nat(const UseInLine& use) {
    for (const UsedOption& o : use.options) {
        if (!o.name().starts_with("--to-")) continue;
        bool plain = o.name() == "--to-ports";
        std::string_view ports = plain ? o.value : values::nat_port_part(use.family, o.value);
        if (ports.data() == nullptr) continue;
        std::uint8_t p = use.protocol.value_or(0);
        if (p != 6 && p != 17 && p != 132 && p != 33 && p != 1)
            return Complaint{o.value_range,
                             fmt::format("iptables 1.8.9 refuses ports in `{}' without -p tcp, "
                                         "udp, sctp, dccp or icmp",
                                         o.name())};
        if (plain && ipt::extensions()[use.extension].name == "REDIRECT" &&
            ports.find('/') != std::string_view::npos)
            return Complaint{o.value_range, "iptables 1.8.9 refuses `/' in the ports of REDIRECT"};
    }
    return {};
}

/// Both prefixes are at most 64 bits long, and nothing stands behind them.
Result npt(const UseInLine& use) {
    for (const UsedOption& o : use.options) {
        std::size_t slash = o.value.find('/');
        std::uint64_t length = 128;
        if (slash != std::string_view::npos &&
            !values::read_number(o.value.substr(slash + 1), length))
            continue;
        if (length > 64)
            return Complaint{o.value_range,
                             fmt::format("the kernel refuses a prefix of {} bits in `{}': at most "
                                         "64",
                                         length, o.name())};
        auto address = parse_numeric_address(Family::ip6, o.value.substr(0, slash));
        MaskedAddress masked;
        if (address && parse_masked_address(Family::ip6, o.value, masked) == AddressParse::ok &&
            masked.value != *address)
            return Complaint{
                o.value_range,
                fmt::format("the kernel refuses bits behind the prefix in `{}'", o.name())};
    }
    return {};
}

Result owner(const UseInLine& use) {
    for (const UsedOption& o : use.options) {
        if (o.name() == "--gid-owner") break;
        if (o.name() == "--suppl-groups")
            return Complaint{o.range,
                             "iptables 1.8.9 refuses `--suppl-groups' before `--gid-owner'"};
    }
    return {};
}

Result physdev(const UseInLine& use) {
    if (!use.base || (use.hooks & hook_bit(Hook::output)) == 0) return {};
    const UsedOption* bridged = use.find("--physdev-is-bridged");
    if (bridged != nullptr && !bridged->negated()) return {};
    for (const UsedOption& o : use.options)
        if (o.name() == "--physdev-out" || (o.name() == "--physdev-is-out" && !o.negated()))
            return Complaint{
                o.range,
                fmt::format("the kernel refuses `{}' in OUTPUT without `--physdev-is-bridged'",
                            o.name())};
    return {};
}

Result policy(const UseInLine& use) {
    const UsedOption* direction = use.find("--dir");
    const UsedOption* strict = use.find("--strict");
    const UsedOption* pol = use.find("--pol");
    constexpr HookBits before = hook_bit(Hook::prerouting) | hook_bit(Hook::input);
    constexpr HookBits behind = hook_bit(Hook::output) | hook_bit(Hook::postrouting);
    if (direction != nullptr && use.base) {
        HookBits wrong = use.hooks & (direction->value == "in" ? behind : before);
        if (wrong != 0)
            return Complaint{direction->value_range,
                             fmt::format("the kernel refuses `--dir {}' in {}", direction->value,
                                         hook_names(wrong))};
    }
    if (strict != nullptr && pol != nullptr && pol->value == "none")
        return Complaint{strict->range, "iptables 1.8.9 refuses `--strict' beside `--pol none'"};
    if (pol == nullptr || pol->value != "ipsec") return {};

    constexpr unsigned deepest = 4;
    unsigned depth = 1;
    std::vector<const UsedOption*> element;
    auto named = [&](std::string_view name) -> const UsedOption* {
        for (const UsedOption* o : element)
            if (o->name() == name) return o;
        return nullptr;
    };
    auto finish = [&](TextRange where) -> Result {
        if (element.empty() && strict != nullptr)
            return Complaint{where,
                             "iptables 1.8.9 refuses `--strict' with an element that says "
                             "nothing"};
        const UsedOption* mode = named("--mode");
        for (std::string_view end : {"--tunnel-src", "--tunnel-dst"})
            if (const UsedOption* o = named(end);
                o != nullptr && (mode == nullptr || mode->negated() || mode->value != "tunnel"))
                return Complaint{
                    o->range,
                    fmt::format("iptables 1.8.9 refuses `{}' without `--mode tunnel'", end)};
        element.clear();
        return {};
    };
    for (const UsedOption& o : use.options) {
        if (o.name() == "--next") {
            if (Result r = finish(o.range)) return r;
            if (++depth > deepest)
                return Complaint{o.range, "iptables 1.8.9 refuses more than 4 elements"};
        } else if (o.name() != "--dir" && o.name() != "--pol" && o.name() != "--strict") {
            if (named(o.name()) != nullptr)
                return Complaint{
                    o.range,
                    fmt::format("iptables 1.8.9 refuses a second `{}' in one element", o.name())};
            if (o.name() == "--proto") {
                auto p = protocol_number(o.value);
                if (p && *p != 50 && *p != 51 && *p != 108)
                    return Complaint{o.value_range,
                                     "iptables 1.8.9 refuses other protocols than ah, esp and "
                                     "ipcomp in `--proto'"};
            }
            element.push_back(&o);
        }
    }
    return finish(strict != nullptr ? strict->range : TextRange{});
}

Result reject(const UseInLine& use) {
    const UsedOption* with = use.find("--reject-with");
    if (with == nullptr || use.protocol == tcp || !values::is_tcp_reset(with->value)) return {};
    return Complaint{with->value_range, "the kernel refuses a TCP reset without -p tcp"};
}

Result rt(const UseInLine& use) {
    bool type_zero = false;
    bool addresses = false;
    for (const UsedOption& o : use.options) {
        if (o.name() == "--rt-type") type_zero = !o.negated() && number_of(&o) == 0;
        if (o.name() == "--rt-0-not-strict" && !addresses)
            return Complaint{o.range,
                             "iptables 1.8.9 refuses `--rt-0-not-strict' before `--rt-0-addrs'"};
        if (o.name().starts_with("--rt-0") && !type_zero)
            return Complaint{o.range, fmt::format("iptables 1.8.9 refuses `{}' without "
                                                  "`--rt-type 0' before it",
                                                  o.name())};
        addresses = addresses || o.name() == "--rt-0-addrs";
    }
    return {};
}

Result sctp(const UseInLine& use) {
    const UsedOption* chunks = use.find("--chunk-types");
    const ValueKind which = values::word_in_any_case("all any only");
    if (chunks == nullptr || which.accepts(which, use.family, chunks->first)) return {};
    return Complaint{chunks->range,
                     fmt::format("iptables 1.8.9 refuses `{}' for `--chunk-types': expected {}",
                                 chunks->first, expectation(which))};
}

Result statistic(const UseInLine& use) {
    const UsedOption* mode = use.find("--mode");
    const UsedOption* every = use.find("--every");
    const UsedOption* packet = use.find("--packet");
    if (mode == nullptr) return {};
    if (mode->value == "random" && use.find("--probability") == nullptr)
        return Complaint{mode->range,
                         "iptables 1.8.9 refuses `--mode random' without `--probability'"};
    if (mode->value == "nth" && (every == nullptr || packet == nullptr))
        return Complaint{mode->range,
                         "iptables 1.8.9 refuses `--mode nth' without `--every' and `--packet'"};
    if (packet != nullptr && every != nullptr && number_of(packet) >= number_of(every))
        return Complaint{packet->value_range,
                         fmt::format("iptables 1.8.9 refuses `--packet {}': packets are counted "
                                     "from 0 to one less than `--every'",
                                     packet->value)};
    return {};
}

Result string(const UseInLine& use) {
    const UsedOption* from = use.find("--from");
    const UsedOption* to = use.find("--to");
    if (from == nullptr || to == nullptr || number_of(from) <= number_of(to)) return {};
    return Complaint{to->value_range, "the kernel refuses a `--to' that is smaller than `--from'"};
}

Result time(const UseInLine& use) {
    const UsedOption* contiguous = use.find("--contiguous");
    if (contiguous == nullptr) return {};
    const UsedOption* start = use.find("--timestart");
    const UsedOption* stop = use.find("--timestop");
    constexpr std::uint32_t end_of_day = 24 * 3600 - 1;
    std::uint32_t from = start == nullptr ? 0 : values::seconds_of(start->value);
    std::uint32_t till = stop == nullptr ? end_of_day : values::seconds_of(stop->value);
    if (till < from) return {};
    return Complaint{contiguous->range,
                     "iptables 1.8.9 refuses `--contiguous' unless `--timestop' is before "
                     "`--timestart'"};
}

}  // namespace

std::optional<Complaint> check_specially(SpecialCheck check, const UseInLine& use) {
    switch (check) {
        case SpecialCheck::none:
            return {};
        case SpecialCheck::cluster:
            return cluster(use);
        case SpecialCheck::ct:
            return ct(use);
        case SpecialCheck::ecn:
            return ecn(use);
        case SpecialCheck::nat:
            return nat(use);
        case SpecialCheck::npt:
            return npt(use);
        case SpecialCheck::owner:
            return owner(use);
        case SpecialCheck::physdev:
            return physdev(use);
        case SpecialCheck::policy:
            return policy(use);
        case SpecialCheck::reject:
            return reject(use);
        case SpecialCheck::rt:
            return rt(use);
        case SpecialCheck::sctp:
            return sctp(use);
        case SpecialCheck::statistic:
            return statistic(use);
        case SpecialCheck::string:
            return string(use);
        case SpecialCheck::time:
            return time(use);
    }
    return {};
}

}  // namespace untrack::model
