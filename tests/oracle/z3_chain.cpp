// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/oracle/z3_chain.hpp"

#include <stdexcept>

#include "model/iptables_values.hpp"

namespace untrack::oracle {

using model::Match;
using model::MatchKind;
using model::Ruleset;
using model::TargetKind;

Z3Packets::Z3Packets(z3::context& c)
    : context(c),
      state(c.bv_const("state", 3)),
      fragment(c.bool_const("fragment")),
      protocol(c.bv_const("protocol", 8)),
      flags(c.bv_const("flags", 6)),
      source_port(c.bv_const("sport", 16)),
      destination_port(c.bv_const("dport", 16)),
      source(c.bv_const("source", 32)),
      destination(c.bv_const("destination", 32)),
      in_interface(c.bv_const("in", 8)) {}

z3::expr Z3Packets::states(model::StateSet set) {
    // NEW, ESTABLISHED (either direction), RELATED, INVALID, UNTRACKED.
    constexpr model::StateSet bits[] = {model::state_new,         model::state_established,
                                        model::state_established, model::state_related,
                                        model::state_invalid,     model::state_untracked};
    z3::expr out = context.bool_val(false);
    for (unsigned s = 0; s < 6; ++s)
        if ((set & bits[s]) != 0) out = out || state == context.bv_val(s, 3);
    return out;
}

void Z3Packets::name_interfaces(const Ruleset& r) {
    for (const Match& m : r.matches)
        if (m.kind == MatchKind::in_interface)
            interfaces.emplace(std::string(r.string(m.payload.interface.name)) +
                                   (m.payload.interface.wildcard ? "+" : ""),
                               static_cast<unsigned>(interfaces.size()) + 1);
}

z3::expr Z3Packets::interface(const std::string& name, bool wildcard) {
    z3::expr out = context.bool_val(false);
    for (const auto& [key, number] : interfaces)
        if (wildcard ? key.starts_with(name) : key == name)
            out = out || in_interface == context.bv_val(number, 8);
    return out;
}

z3::expr Z3Packets::predicate(const std::string& text) {
    return predicates.emplace(text, context.bool_const(text.c_str())).first->second;
}

z3::expr Z3Packets::ports(const Ruleset& r, const Match& m, const z3::expr& field) {
    z3::expr out = context.bool_val(false);
    auto range = [&](unsigned first, unsigned last) {
        out = out || (z3::uge(field, context.bv_val(first, 16)) &&
                      z3::ule(field, context.bv_val(last, 16)));
    };
    if (m.count == 0) range(m.payload.ports.first, m.payload.ports.last);
    for (std::uint32_t i = 0; i < m.count; ++i) {
        const model::PortRange& p = r.ports[m.payload.pool.first + i];
        range(p.first, p.last);
    }
    return out;
}

z3::expr Z3Packets::match(const Ruleset& r, const Match& m) {
    auto is_protocol = [&](unsigned n) { return protocol == context.bv_val(n, 8); };
    auto polar = [&](const z3::expr& e) { return m.negated ? !e : e; };
    auto ported = [&] {
        z3::expr out = context.bool_val(false);
        for (unsigned n : {6U, 17U, 33U, 132U, 136U}) out = out || is_protocol(n);
        return out && !fragment;
    };
    auto number = [&](std::uint32_t n) { return context.bv_val(n, 32); };
    switch (m.kind) {
        case MatchKind::comment:
            return context.bool_val(true);
        case MatchKind::protocol:
            return polar(is_protocol(m.payload.number));
        case MatchKind::source:
        case MatchKind::destination: {
            const z3::expr& field = m.kind == MatchKind::source ? source : destination;
            if (m.count > 0) throw std::runtime_error("a list of addresses");
            const auto& a = m.payload.masked_v4;
            return polar((field & number(a.mask)) == number(a.value));
        }
        case MatchKind::source_range:
        case MatchKind::destination_range: {
            const z3::expr& field = m.kind == MatchKind::source_range ? source : destination;
            const model::AddressRange a = r.address_ranges[m.payload.pool.first];
            return polar(z3::uge(field, number(model::v4_number(a.first))) &&
                         z3::ule(field, number(model::v4_number(a.last))));
        }
        case MatchKind::in_interface:
            return polar(interface(std::string(r.string(m.payload.interface.name)),
                                   m.payload.interface.wildcard));
        case MatchKind::source_port:
            return ported() && polar(ports(r, m, source_port));
        case MatchKind::destination_port:
            return ported() && polar(ports(r, m, destination_port));
        case MatchKind::either_port:
            return ported() && polar(ports(r, m, source_port) || ports(r, m, destination_port));
        case MatchKind::tcp_flags: {
            const auto& f = m.payload.tcp_flags;
            return is_protocol(6) && !fragment &&
                   polar((flags & context.bv_val(f.mask & 0x3f, 6)) ==
                         context.bv_val(f.value & 0x3f, 6));
        }
        case MatchKind::icmp: {
            const auto& i = m.payload.icmp;
            z3::expr hit = source_port == context.bv_val(i.type, 16) &&
                           z3::uge(destination_port, context.bv_val(i.code_first, 16)) &&
                           z3::ule(destination_port, context.bv_val(i.code_last, 16));
            if (i.any) hit = context.bool_val(true);
            return (is_protocol(1) || is_protocol(58)) && !fragment && polar(hit);
        }
        case MatchKind::fragment:
            return polar(fragment);
        case MatchKind::state:
            return polar(states(m.payload.state));
        case MatchKind::conntrack: {
            const model::ConntrackMatch& c = r.conntrack[m.payload.pool.first];
            if (c.has != model::ConntrackMatch::ctstate) throw std::runtime_error("conntrack");
            z3::expr hit = states(c.states);
            return (c.negated & model::ConntrackMatch::ctstate) != 0 ? !hit : hit;
        }
        case MatchKind::opaque:
            if (m.payload.opaque.key != model::ConntrackKey{})
                throw std::runtime_error("a match on connections");
            return polar(predicate(std::string(r.string(m.payload.opaque.text))));
        default:
            throw std::runtime_error("a match that z3 is not told about");
    }
}

z3::expr Z3Packets::condition(const Ruleset& r, model::RuleId id) {
    z3::expr out = context.bool_val(true);
    for (const Match& m : r.matches_of(r.rule(id))) out = out && match(r, m);
    return out;
}

Z3Packets::Verdicts Z3Packets::chain(const Ruleset& r, model::ChainId id, Chains& known) {
    if (auto it = known.find(id.value); it != known.end()) return it->second;
    z3::expr accepted = context.bool_val(false);
    z3::expr dropped = context.bool_val(false);
    std::span<const model::RuleId> rules = r.rules_of(r.chain(id));
    // From the last rule up: what a rule does not decide, those below it do.
    for (auto it = rules.rbegin(); it != rules.rend(); ++it) {
        const model::Rule& rule = r.rule(*it);
        z3::expr here = condition(r, *it);
        switch (rule.target) {
            case TargetKind::accept:
                accepted = here || accepted;
                dropped = !here && dropped;
                break;
            case TargetKind::drop:
            case TargetKind::reject:
                accepted = !here && accepted;
                dropped = here || dropped;
                break;
            case TargetKind::return_:
                accepted = !here && accepted;
                dropped = !here && dropped;
                break;
            case TargetKind::jump: {
                auto [in, out] = chain(r, rule.jump, known);
                z3::expr decided = here && (in || out);
                accepted = (here && in) || (!decided && accepted);
                dropped = (here && out) || (!decided && dropped);
                break;
            }
            case TargetKind::none:
            case TargetKind::log:
                break;
            default:
                throw std::runtime_error("a target that z3 is not told about");
        }
    }
    return known.emplace(id.value, Verdicts{accepted, dropped}).first->second;
}

z3::expr Z3Packets::accepted(const Ruleset& r, model::ChainId id) {
    Chains known;
    auto [accepted, dropped] = chain(r, id, known);
    return r.chain(id).policy == TargetKind::accept ? !dropped : accepted;
}

}  // namespace untrack::oracle
