// SPDX-License-Identifier: GPL-2.0-or-later
// What a table leaves open at its end, and what it breaks: connections that are let in and whose
// later packets a rule refuses before the rule that accepts established ones.
#include <algorithm>

#include "packet/coverage_table.hpp"

namespace untrack::packet {

using model::ChainId;
using model::RuleId;
using model::TargetKind;

namespace {

constexpr std::size_t most_openers = 256;
/// Ports from which Linux chooses those of outgoing connections: first, some, last.
constexpr std::uint16_t ephemeral[] = {32768, 40000, 45678, 53210, 60999};

bool accepts_established(const model::Ruleset& r, const model::Rule& rule) {
    if (rule.target != TargetKind::accept) return false;
    auto matches = r.matches_of(rule);
    return std::any_of(matches.begin(), matches.end(), [&](const model::Match& m) {
        if (m.kind == model::MatchKind::state)
            return ((m.payload.state & model::state_established) != 0) != m.negated && !m.negated;
        if (m.kind != model::MatchKind::conntrack) return false;
        const model::ConntrackMatch& c = r.conntrack[m.payload.pool.first];
        return (c.has & model::ConntrackMatch::ctstate) != 0 &&
               (c.negated & model::ConntrackMatch::ctstate) == 0 &&
               (c.states & model::state_established) != 0;
    });
}

/// A refusal of kinds of traffic, not of somebody: who bars an address means all its packets.
bool bars_nobody(const model::Ruleset& r, const model::Rule& rule) {
    using K = model::MatchKind;
    if (rule.target != TargetKind::drop && rule.target != TargetKind::reject) return false;
    auto matches = r.matches_of(rule);
    return std::all_of(matches.begin(), matches.end(), [](const model::Match& m) {
        return m.kind == K::protocol || m.kind == K::source_port || m.kind == K::destination_port ||
               m.kind == K::either_port || m.kind == K::tcp_flags || m.kind == K::state ||
               m.kind == K::comment || m.kind == K::in_interface || m.kind == K::out_interface;
    });
}

Packet opening(Packet p) {
    p.state = ConntrackState::new_;
    if (p.protocol == proto_tcp) p.tcp_flags = tcp_syn;
    return p;
}

}  // namespace

void CoverageTable::open_end(ChainId id) {
    const model::Chain& chain = ruleset_.chain(id);
    if (chain.hook == model::Hook::output || !chain.is_declared || chain.rule_count == 0 ||
        chain.policy != TargetKind::accept)
        return;
    for (std::uint32_t n : reach_.passes_of(id)) {
        const Reach::Pass& p = pass(n);
        Diagram opens = pool_.inside(space_.value(Field::state, value_new), p.falls);
        Interval ported[] = {{proto_tcp, proto_tcp}, {proto_udp, proto_udp}};
        opens = pool_.inside(space_.values(Field::protocol, ported), opens);
        bool open =
            !(opens == nothing) && some_packet(opens, p.entrance, [&](const Packet& packet, bool) {
                Trace trace = tracer_.trace(packet);
                bool fell = std::any_of(trace.steps.begin(), trace.steps.end(), [&](const Step& s) {
                    return s.chain == id && !s.rule.valid();
                });
                if (trace.verdict != Verdict::accept || !fell || is_loopback(packet)) return false;
                found_.open_ends.push_back({id, packet});
                return true;
            });
        if (open) return;
    }
}

void CoverageTable::broken_flows(ChainId id) {
    std::span<const RuleId> rules = rules_of(id);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (!accepts_established(ruleset_, ruleset_.rule(rules[i]))) continue;
        bool broken = false;
        for (std::uint32_t n : reach_.passes_of(id)) {
            if (broken) break;
            const Reach::Pass& p = pass(n);
            Interval states{value_established, value_reply};
            Diagram carried = pool_.inside(space_.values(Field::state, {&states, 1}),
                                           pool_.inside(p.conditions[i], p.entrance.packets));
            reach_.follow(n, carried, 0, i, [&](std::size_t j, Diagram taken) {
                broken =
                    bars_nobody(ruleset_, ruleset_.rule(rules[j])) && broken_flow(n, i, j, taken);
                return broken ? Segments::Step::end : Segments::Step::take;
            });
        }
    }
}

bool CoverageTable::broken_flow(std::uint32_t number, std::size_t accept, std::size_t refusal,
                                Diagram taken) {
    std::span<const RuleId> rules = rules_of(pass(number).chain);
    BrokenFlow flow{rules[accept], rules[refusal], {}, {}};
    if (!answer_refused(number, flow, taken) && !carried_refused(number, refusal, flow, taken))
        return false;
    found_.broken_flows.push_back(std::move(flow));
    return true;
}

/// Whether the ruleset lets the connection begin with that packet, and the refusal meets the later
/// one; then these are the flow's.
bool CoverageTable::is_shown(BrokenFlow& flow, const Packet& first, const Packet& later) const {
    Trace refused = tracer_.trace(later);
    if (refused.verdict != Verdict::drop && refused.verdict != Verdict::reject) return false;
    if (refused.decision.rule != flow.refusal || !state_holds(first) ||
        tracer_.trace(first, false).verdict != Verdict::accept)
        return false;
    flow.first = first;
    flow.later = later;
    return true;
}

/// Answers to connections from an ephemeral port, whichever port that is.
bool CoverageTable::answer_refused(std::uint32_t number, BrokenFlow& flow, Diagram taken) {
    const Reach::Pass& p = pass(number);
    for (std::uint8_t protocol : {proto_tcp, proto_udp}) {
        Diagram answers = pool_.inside(space_.value(Field::protocol, protocol), taken);
        answers = pool_.inside(space_.value(Field::state, value_reply), answers);
        answers = pool_.inside(
            space_.value(Field::tcp_flags, protocol == proto_tcp ? tcp_syn | tcp_ack : 0), answers);
        answers = pool_.inside(space_.value(Field::source_port, protocol == proto_tcp ? 443 : 53),
                               answers);
        // All of the range: a single port of it may well be barred on purpose.
        Diagram all = answers;
        std::uint32_t level = space_.level(Field::destination_port);
        for (std::uint16_t port : ephemeral)
            all = pool_.inside(pool_.with_value(answers, level, port), all);
        all = pool_.inside(space_.value(Field::destination_port, 40000), all);
        if (all == nothing) continue;
        bool found = some_packet(all, p.entrance, [&](const Packet& answer, bool) {
            return is_shown(flow, opening(reverse(answer)), answer);
        });
        if (found) return true;
    }
    return false;
}

/// Later packets of a connection whose first one a rule before the refusal accepts.
bool CoverageTable::carried_refused(std::uint32_t number, std::size_t refusal, BrokenFlow& flow,
                                    Diagram taken) {
    const Reach::Pass& p = pass(number);
    std::span<const RuleId> rules = rules_of(p.chain);
    Diagram carried = pool_.inside(space_.value(Field::state, value_established), taken);
    std::size_t tried = 0;
    for (std::size_t k = 0; k < refusal && tried < most_openers; ++k) {
        if (!(pool_.inside(p.takes[k], taken) == nothing) ||
            ruleset_.rule(rules[k]).target != TargetKind::accept)
            continue;
        Diagram opened = pool_.with_value(p.arriving[k], space_.level(Field::state), value_new);
        Diagram tcp = space_.value(Field::protocol, proto_tcp);
        Diagram syn = pool_.with_value(opened, space_.level(Field::tcp_flags), tcp_syn);
        Diagram ack = space_.value(Field::tcp_flags, tcp_ack);
        opened = pool_.over(pool_.inside(tcp, pool_.inside(ack, syn)), pool_.outside(tcp, opened));
        Diagram both = pool_.inside(opened, carried);
        if (both == nothing) continue;
        ++tried;
        bool found = some_packet(both, p.entrance, [&](const Packet& later, bool) {
            return is_shown(flow, opening(later), later);
        });
        if (found) return true;
    }
    return false;
}

}  // namespace untrack::packet
