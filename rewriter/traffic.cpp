// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/traffic.hpp"

#include <algorithm>

#include "model/iptables_values.hpp"

namespace untrack::rewriter {
namespace {

using model::Match;
using model::MatchKind;

std::span<const model::PortRange> ranges_of(const model::Ruleset& r, const Match& m) {
    if (m.count == 0) return {&m.payload.ports, 1};
    return std::span(r.ports).subspan(m.payload.pool.first, m.count);
}

bool overlap(std::span<const model::PortRange> a, std::span<const model::PortRange> b) {
    for (const model::PortRange& x : a)
        for (const model::PortRange& y : b)
            if (x.first <= y.last && y.first <= x.last) return true;
    return false;
}

/// Every port of a lies in one of the ranges of b.
bool within(std::span<const model::PortRange> a, std::span<const model::PortRange> b) {
    return std::all_of(a.begin(), a.end(), [&](const model::PortRange& x) {
        return std::any_of(b.begin(), b.end(), [&](const model::PortRange& y) {
            return y.first <= x.first && x.last <= y.last;
        });
    });
}

bool ports_may_match(const model::Ruleset& r, const Match& m, const Service& service) {
    return m.negated ? !within(service.ports, ranges_of(r, m))
                     : overlap(service.ports, ranges_of(r, m));
}

/// Whether an address match and the service's address have an address in common.
bool address_may_match(const model::Ruleset& r, const Match& m, const model::MaskedAddress& own) {
    if (m.negated) return true;
    auto common = [&](const model::MaskedAddress& a) {
        for (std::size_t i = 0; i < 16; ++i) {
            auto both = static_cast<std::uint8_t>(a.mask.bytes[i] & own.mask.bytes[i]);
            if ((a.value.bytes[i] & both) != (own.value.bytes[i] & both)) return false;
        }
        return true;
    };
    if (m.count == 0)
        return common({model::v4_address(m.payload.masked_v4.value),
                       model::v4_address(m.payload.masked_v4.mask)});
    for (std::uint32_t i = 0; i < m.count; ++i)
        if (common(r.addresses[m.payload.pool.first + i])) return true;
    return false;
}

}  // namespace

bool may_match(const model::Ruleset& r, const model::Rule& rule, const Traffic& t,
               std::optional<std::uint8_t> flags) {
    for (const Match& m : r.matches_of(rule)) {
        switch (m.kind) {
            case MatchKind::protocol:
                if ((m.payload.number == t.service->protocol) == m.negated) return false;
                break;
            case MatchKind::source_port:
                if (t.answer && !ports_may_match(r, m, *t.service)) return false;
                break;
            case MatchKind::destination_port:
                if (!t.answer && !ports_may_match(r, m, *t.service)) return false;
                break;
            case MatchKind::tcp_flags:
                if (t.service->protocol != packet::proto_tcp) return false;
                if (flags &&
                    ((*flags & m.payload.tcp_flags.mask) == m.payload.tcp_flags.value) == m.negated)
                    return false;
                break;
            case MatchKind::icmp:
            case MatchKind::fragment:
                if (!m.negated) return false;
                break;
            case MatchKind::source:
                if (t.answer && t.request->address && !address_may_match(r, m, *t.request->address))
                    return false;
                break;
            case MatchKind::destination:
                if (!t.answer && t.request->address &&
                    !address_may_match(r, m, *t.request->address))
                    return false;
                break;
            case MatchKind::in_interface: {
                if (t.answer || t.request->interface.empty()) break;
                std::string_view name = r.string(m.payload.interface.name);
                bool hit = m.payload.interface.wildcard
                               ? std::string_view(t.request->interface).starts_with(name)
                               : t.request->interface == name;
                if (hit == m.negated) return false;
                break;
            }
            default:
                break;
        }
    }
    return true;
}

model::StateSet matched_states(const model::Ruleset& r, const model::Rule& rule) {
    constexpr model::StateSet all = 31;
    model::StateSet states = all;
    for (const Match& m : r.matches_of(rule)) {
        if (m.kind == MatchKind::state)
            states &=
                static_cast<model::StateSet>(m.negated ? all & ~m.payload.state : m.payload.state);
        if (m.kind != MatchKind::conntrack) continue;
        const model::ConntrackMatch& c = r.conntrack[m.payload.pool.first];
        if ((c.has & model::ConntrackMatch::ctstate) == 0) {
            states &= static_cast<model::StateSet>(
                all & ~(model::state_untracked | model::state_invalid));
        } else {
            bool negated = (c.negated & model::ConntrackMatch::ctstate) != 0;
            states &= static_cast<model::StateSet>(negated ? all & ~c.states : c.states & all);
        }
    }
    return states;
}

bool tests_state(const model::Ruleset& r, const model::Rule& rule) {
    std::span<const Match> matches = r.matches_of(rule);
    return std::any_of(matches.begin(), matches.end(), [](const Match& m) {
        return m.kind == MatchKind::state || m.kind == MatchKind::conntrack;
    });
}

bool has_interfaces_of(model::Hook hook, const model::Ruleset& r, const model::Rule& rule) {
    bool no_in = hook == model::Hook::output || hook == model::Hook::postrouting;
    bool no_out = hook == model::Hook::prerouting || hook == model::Hook::input;
    return std::none_of(
        r.matches_of(rule).begin(), r.matches_of(rule).end(), [&](const model::Match& m) {
            bool absent = (m.kind == MatchKind::in_interface && no_in) ||
                          (m.kind == MatchKind::out_interface && no_out);
            // "+" means any interface, none included.
            bool any =
                m.kind == MatchKind::in_interface || m.kind == MatchKind::out_interface
                    ? m.payload.interface.wildcard && r.string(m.payload.interface.name).empty()
                    : false;
            return absent && m.negated == any;
        });
}

bool asks_only_for(const model::Ruleset& r, const model::Rule& rule, const Traffic& traffic) {
    MatchKind kind = traffic.answer ? MatchKind::source_port : MatchKind::destination_port;
    auto own = [&](const model::PortRange& asked) {
        return std::any_of(traffic.service->ports.begin(), traffic.service->ports.end(),
                           [&](const model::PortRange& p) {
                               return p.first <= asked.first && asked.last <= p.last;
                           });
    };
    for (const model::Match& m : r.matches_of(rule)) {
        if (m.kind != kind || m.negated) continue;
        std::span<const model::PortRange> asked(&m.payload.ports, 1);
        if (m.count != 0) asked = std::span(r.ports).subspan(m.payload.pool.first, m.count);
        if (std::all_of(asked.begin(), asked.end(), own)) return true;
    }
    return false;
}

}  // namespace untrack::rewriter
