// SPDX-License-Identifier: GPL-2.0-or-later
// All packets through the hooks of a way: base chains in their order, conntrack, NAT.
#include <algorithm>

#include "packet/evaluate.hpp"

namespace untrack::packet {

using model::Hook;
using model::TargetKind;

std::vector<Hook> hooks_of(Way way) {
    switch (way) {
        case Way::input:
            return {Hook::ingress, Hook::prerouting, Hook::input};
        case Way::output:
            return {Hook::output, Hook::postrouting, Hook::egress};
        case Way::forward:
            return {Hook::ingress, Hook::prerouting, Hook::forward, Hook::postrouting,
                    Hook::egress};
        case Way::loopback:
            break;
    }
    return {Hook::output,  Hook::postrouting, Hook::egress,
            Hook::ingress, Hook::prerouting,  Hook::input};
}

Sight Evaluator::sight(Way way, Hook hook) const {
    Sight s;
    bool comes = hook == Hook::ingress || hook == Hook::prerouting;
    s.in = comes || hook == Hook::input || hook == Hook::forward;
    s.out = !comes && hook != Hook::input;
    bool from_here = way == Way::output || way == Way::loopback;
    s.own_source = from_here && !comes;
    s.foreign_source = !from_here;
    s.own_destination = way == Way::input || way == Way::loopback;
    s.forwarded = way == Way::forward;
    s.answer = options_.answers;
    return s;
}

/// nat chains see the first packet of a tracked flow.
Diagram Evaluator::seen_by_nat() {
    Diagram icmp = pool_.over(space_.value(Field::protocol, proto_icmp),
                              space_.value(Field::protocol, proto_icmpv6));
    return pool_.over(space_.value(Field::state, value_new),
                      pool_.outside(icmp, space_.value(Field::state, value_related)));
}

/// What a base chain makes of packets: what it accepts, and where its policy does so what it has no
/// word about, goes on.
Evaluator::Part Evaluator::with_policy(Diagram chain, TargetKind policy) {
    auto known = with_policy_.find({chain.handle, policy});
    if (known != with_policy_.end()) return known->second;
    bool changes = false;
    Diagram d = pool_.map_leaves(chain, [&](std::uint32_t number) {
        Outcome o = outcomes_[number];
        if (o.fate == Fate::accept)
            o.fate = Fate::on;
        else if (o.fate == Fate::on || o.fate == Fate::back)
            o.fate = policy == TargetKind::drop ? Fate::drop : Fate::on;
        changes = changes || (o.fate == Fate::on && o.effect != 0);
        return outcomes_.number(o);
    });
    return with_policy_[{chain.handle, policy}] = {d, changes};
}

Evaluator::Part Evaluator::base_chain(const BaseChain& base, Way way, Hook hook,
                                      bool before_conntrack) {
    const model::Chain& c = base.ruleset->chain(base.chain);
    auto [d, changes] =
        with_policy(chain(*base.ruleset, base.chain, sight(way, hook), before_conntrack), c.policy);
    if (base.nat) d = pool_.inside(seen_by_nat(), d);
    if (way == Way::loopback) {
        // One interface on all hooks, whatever the level says of the first of them.
        std::uint32_t lo = space_.interface_value("lo");
        d = pool_.with_value(d, space_.level(Field::in_interface), lo);
        d = pool_.with_value(d, space_.level(Field::out_interface), lo);
    }
    return {d, changes};
}

/// Conntrack's own place in the hook: from here on packets have their state.
Evaluator::Part Evaluator::attach(const Part& part) {
    bool changes = false;
    Diagram d = pool_.map_leaves(part.diagram, [&](std::uint32_t number) {
        Outcome o = outcomes_[number];
        if (o.fate != Fate::on) return number;
        Effect e = outcomes_.effect_of(o);
        e.state = e.notracked ? SeenState::untracked : SeenState::given;
        // Rules that come later assign nothing any more; what was assigned is known by now.
        e.assigned = e.notracked;
        e.takes_back = false;
        o.effect = outcomes_.effect(e);
        changes = changes || o.effect != 0;
        return outcomes_.number(o);
    });
    return {d, changes};
}

/// Over lo each side of a translation is settled where it comes up first.
bool Evaluator::nat_settled(Way way, Hook hook) {
    // NAT has its place at every hook as soon as one of them has a chain for it
    // (nf_nat_inet_fn() in net/netfilter/nf_nat_core.c; measured).
    return way == Way::loopback && (hook == Hook::prerouting || hook == Hook::input);
}

/// Chains for NAT see a packet one after the other until one of them translates it. These outcomes
/// wait for the end.
Evaluator::Part Evaluator::held(const Part& nat) {
    bool changes = false;
    Diagram d = pool_.map_leaves(nat.diagram, [&](std::uint32_t number) {
        Outcome o = outcomes_[number];
        if (o.fate == Fate::on && outcomes_.effect_of(o).nat != 0) o.fate = Fate::accept;
        changes = changes || (o.fate == Fate::on && o.effect != 0);
        return outcomes_.number(o);
    });
    return {d, changes};
}
Evaluator::Part Evaluator::released(const Part& nat) {
    bool changes = false;
    Diagram d = pool_.map_leaves(nat.diagram, [&](std::uint32_t number) {
        Outcome o = outcomes_[number];
        if (o.fate == Fate::accept) o.fate = Fate::on;
        changes = changes || (o.fate == Fate::on && o.effect != 0);
        return outcomes_.number(o);
    });
    return {d, changes};
}

/// Through all base chains of the way. `split` is called with what has come so far wherever NAT has
/// its place in a hook, and may begin anew.
template <typename Split>
Evaluator::Part Evaluator::walk(Way way, Split split) {
    Effect before;
    before.state = SeenState::invalid;
    Part now{leaf(Fate::on, before), true};
    bool attached = false;
    for (Hook hook : hooks_of(way)) {
        bool destination = hook == Hook::prerouting || hook == Hook::output;
        std::int32_t nat_place = destination ? model::priority_nat_dst : model::priority_nat_src;
        bool of_device = hook == Hook::ingress || hook == Hook::egress;
        bool translates = hook != Hook::forward && !of_device;
        std::span<const BaseChain> chains = hooks_[static_cast<std::size_t>(hook)];
        for (std::size_t i = 0; i < chains.size(); ++i) {
            const BaseChain& base = chains[i];
            if (!attached && !of_device && base.priority > model::priority_conntrack) {
                now = attach(now);
                attached = true;
            }
            if (translates && base.priority > nat_place) {
                split(now);
                translates = false;
            }
            if (base.nat && (!tracks_ || nat_settled(way, hook))) continue;
            Part part = base_chain(base, way, hook, !attached);
            if (base.nat && i + 1 < chains.size() && chains[i + 1].nat) {
                while (i + 1 < chains.size() && chains[i + 1].nat)
                    part = join(held(part), base_chain(chains[++i], way, hook, !attached));
                part = released(part);
            }
            now = join(now, part);
        }
        if (of_device) continue;
        if (!attached) now = attach(now);
        attached = true;
        if (translates) split(now);
    }
    return now;
}

/// What the rules saw last is no effect; what raw decided is.
Diagram Evaluator::ended(const Part& part) {
    return pool_.map_leaves(part.diagram, [&](std::uint32_t number) {
        Outcome o = outcomes_[number];
        if (o.fate == Fate::on) o.fate = Fate::accept;
        Effect e = outcomes_.effect_of(o);
        e.state = SeenState::given;
        e.assigned = e.takes_back = false;
        e.writes = 0;
        o.effect = outcomes_.effect(e);
        return outcomes_.number(o);
    });
}

Diagram Evaluator::way(Way way) {
    return ended(walk(way, [](Part&) {}));
}

std::vector<Diagram> Evaluator::segments(Way way) {
    std::vector<Diagram> out;
    Part last = walk(way, [&](Part& now) {
        out.push_back(ended(now));
        now = {};
    });
    out.push_back(ended(last));
    return out;
}

}  // namespace untrack::packet
