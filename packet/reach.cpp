// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/reach.hpp"

#include <algorithm>

namespace untrack::packet {

using model::ChainId;
using model::ChainRole;
using model::Hook;
using model::Rule;
using model::RuleId;
using model::Ruleset;
using model::TargetKind;

namespace {

constexpr std::size_t most_forgotten = 64;

bool leads_through(Way way, Hook hook) {
    std::vector<Hook> hooks = hooks_of(way);
    return std::find(hooks.begin(), hooks.end(), hook) != hooks.end();
}

/// Over lo, what comes in has met conntrack where it went out.
bool is_before_conntrack(Way way, const model::Chain& chain) {
    if (chain.hook == Hook::ingress) return way != Way::loopback;
    return chain.priority < model::priority_conntrack && chain.hook != Hook::egress &&
           !(way == Way::loopback && chain.hook == Hook::prerouting);
}

Deed deed_of(const Outcome& o, const Effect& effect) {
    switch (o.fate) {
        case Fate::on:
            return Deed::none;
        case Fate::back:
            return Deed::back;
        case Fate::accept:
            return effect.nat == 0 ? Deed::accept : Deed::other;
        case Fate::drop:
            return Deed::drop;
        case Fate::reject:
            return Deed::reject;
        case Fate::lost:
            break;
    }
    // What was done is not followed: it may go on.
    return Deed::none;
}

/// What a rule does with all packets that match it; none when some may go on, or for jumps.
Deed deed_of(const Rule& rule) {
    switch (rule.target) {
        case TargetKind::accept:
            return Deed::accept;
        case TargetKind::drop:
            return Deed::drop;
        case TargetKind::reject:
            return Deed::reject;
        case TargetKind::return_:
            return Deed::back;
        case TargetKind::queue:
        case TargetKind::tproxy:
        case TargetKind::dnat:
        case TargetKind::snat:
        case TargetKind::masquerade:
        case TargetKind::redirect:
        case TargetKind::netmap:
            return Deed::other;
        case TargetKind::external:
            // Gone to a chain of somebody else's, packets do not come back here.
            return rule.data != 0 ? Deed::other : Deed::none;
        default:
            // SYNPROXY lets packets with neither SYN nor ACK go on.
            return Deed::none;
    }
}

Diagram leaf(Deed deed) {
    return DiagramPool::leaf(static_cast<std::uint32_t>(deed));
}

bool rewrites_addresses(const Ruleset& r, const Rule& rule) {
    return rule.target == TargetKind::rewrite_header && r.target_name(rule) != "HMARK";
}

/// Whether NOTRACK may have come before: no chain for it is in the file, or it has such a rule.
bool may_be_untracked(const Ruleset& r) {
    return std::none_of(r.chains.begin(), r.chains.end(),
                        [](const model::Chain& c) {
                            return c.base && c.role == ChainRole::raw && c.hook != Hook::ingress;
                        }) ||
           std::any_of(r.rules.begin(), r.rules.end(), [](const Rule& rule) {
               return rule.live && rule.target == TargetKind::notrack;
           });
}

}  // namespace

Reach::Reach(const Ruleset& r, model::TableId table, const ChainGraph& graph, FieldOrder order,
             std::size_t most_words)
    : ruleset_(r),
      graph_(graph),
      host_{&r},
      space_(r.family, host_, order, most_words),
      pool_(space_.pool()),
      evaluator_(space_, outcomes_, host_, {}),
      coming_(r.chains.size()),
      of_chain_(r.chains.size()) {
    Diagram possible = space_.possible();
    fields_ = pool_.for_some(possible, space_.level(Field::state));
    tracked_ = possible;
    if (may_be_untracked(r))
        tracked_ = pool_.over(tracked_,
                              pool_.inside(fields_, space_.value(Field::state, value_untracked)));
    for (std::size_t i = 0; i < r.chains.size(); ++i) {
        const model::Chain& c = r.chains[i];
        // Once nothing needs conntrack there are no nat chains (measured).
        if (c.table != table || !c.base || (c.role == ChainRole::nat && !evaluator_.tracks()))
            continue;
        templates_ = templates_ || graph.facts(ChainId(i)).templates;
        enter_base(ChainId(i));
    }
    for (ChainId id : graph.callers_first()) {
        if (r.chain(id).table != table) continue;
        for (Coming& c : coming_[id.value]) pass(id, c);
        coming_[id.value] = {};
    }
}

Diagram Reach::possible_at(Hook hook, Way way, const model::Chain& chain) {
    Diagram d = is_before_conntrack(way, chain)
                    ? pool_.inside(fields_, space_.value(Field::state, value_invalid))
                    : tracked_;
    if (chain.role == ChainRole::nat) {
        // nat chains see the first packet of a tracked flow.
        Diagram icmp = pool_.over(space_.value(Field::protocol, proto_icmp),
                                  space_.value(Field::protocol, proto_icmpv6));
        Diagram first = pool_.over(space_.value(Field::state, value_new),
                                   pool_.outside(icmp, space_.value(Field::state, value_related)));
        d = pool_.inside(first, d);
    }
    Sight sight = evaluator_.sight(way, hook);
    std::uint32_t lo = space_.interface_value("lo");
    Intervals none_or_lo = normalized({{0, 0}, {lo, lo}});
    auto interface = [&](Field field) {
        if (way == Way::loopback) return space_.value(field, lo);
        Intervals others = complement(none_or_lo, space_.interface_count() - 1);
        return space_.values(field, others);
    };
    if (sight.in) d = pool_.inside(interface(Field::in_interface), d);
    if (sight.out) d = pool_.inside(interface(Field::out_interface), d);
    return d;
}

void Reach::enter_base(ChainId id) {
    const model::Chain& chain = ruleset_.chain(id);
    for (Way way : all_ways) {
        if (!leads_through(way, chain.hook)) continue;
        Entrance e;
        e.sight = evaluator_.sight(way, chain.hook);
        e.before_conntrack = is_before_conntrack(way, chain);
        e.places = place(chain.hook, way);
        e.possible = e.asked = e.packets = possible_at(chain.hook, way, chain);
        enter(id, e, nullptr);
    }
}

void Reach::enter(ChainId id, Entrance e, const Caller* caller) {
    if (e.packets == nothing && e.asked == nothing) return;
    const ChainFacts& facts = graph_.facts(id);
    if (!facts.interfaces) e.sight.in = e.sight.out = true;
    if (!facts.address_types)
        e.sight.own_source = e.sight.foreign_source = e.sight.own_destination = e.sight.forwarded =
            false;
    std::vector<Coming>& all = coming_[id.value];
    auto it = std::find_if(all.begin(), all.end(), [&](const Coming& c) {
        return c.entrance.sight == e.sight && c.entrance.before_conntrack == e.before_conntrack;
    });
    if (it == all.end()) {
        it = all.emplace(all.end());
        it->entrance = e;
        it->entrance.places = 0;
    }
    it->entrance.places |= e.places;
    auto add = [](std::vector<Diagram>& list, Diagram d) {
        if (list.empty() || !(list.back() == d)) list.push_back(d);
    };
    add(it->possible, e.possible);
    add(it->asked, e.asked);
    add(it->packets, e.packets);
    if (caller != nullptr) it->callers.push_back(*caller);
}

void Reach::pass(ChainId id, Coming& coming) {
    auto number = static_cast<std::uint32_t>(passes_.size());
    of_chain_[id.value].push_back(number);
    Pass& p = passes_.emplace_back();
    p.chain = id;
    p.entrance = coming.entrance;
    p.entrance.possible = pool_.over_all(coming.possible);
    p.entrance.asked = pool_.over_all(coming.asked);
    p.entrance.packets = pool_.over_all(coming.packets);
    p.callers = std::move(coming.callers);
    fill(p);
    split(p);
    std::span<const RuleId> rules = ruleset_.rules_of(ruleset_.chain(id));
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const Rule& rule = ruleset_.rule(rules[i]);
        if (!rule.jump.valid()) continue;
        Entrance e = p.entrance;
        // Behind a rule that changed packets nobody knows any more what they were.
        Diagram asked = i < p.blocks[0].last ? e.asked : e.possible;
        e.asked = pool_.inside(asked, p.conditions[i]);
        e.packets = p.arriving[i];
        Caller caller{number, static_cast<std::uint32_t>(i)};
        enter(rule.jump, e, &caller);
    }
}

/// What the chain that a rule jumps to does with packets.
Reach::Decided Reach::called(const Rule& rule, const Entrance& e) {
    bool gone_to = rule.target == TargetKind::goto_;
    Diagram d = decides(rule.jump, e);
    auto [it, added] = decided_.try_emplace(std::uint64_t{d.handle} << 1U | (gone_to ? 1U : 0U));
    if (added) {
        constexpr auto back = static_cast<std::uint32_t>(Deed::back);
        Diagram deeds = pool_.map_leaves(d, [&](std::uint32_t deed) {
            if (deed != back && deed != 0) return deed;
            return gone_to ? back : 0;
        });
        it->second = {deeds, pool_.where(deeds, [](std::uint32_t deed) { return deed != 0; })};
    }
    return it->second;
}

/// The deeds of a chain; RETURN is one.
Diagram Reach::decides(ChainId id, const Entrance& e) {
    const ChainFacts& facts = graph_.facts(id);
    // A predicate may answer otherwise behind a rule of that chain: what it does stays open.
    if (facts.changes_predicates && facts.reads_predicates) return nothing;
    std::uint32_t key = 0;
    if (facts.interfaces) key |= (e.sight.in ? 1U : 0U) | (e.sight.out ? 2U : 0U);
    if (facts.address_types)
        key |= (e.sight.own_source ? 4U : 0U) | (e.sight.foreign_source ? 8U : 0U) |
               (e.sight.own_destination ? 16U : 0U) | (e.sight.forwarded ? 64U : 0U);
    if (e.before_conntrack) key |= 32U;
    auto known = decides_.find({id.value, key});
    if (known != decides_.end()) return known->second;
    Diagram d = nothing;
    if ((facts.changes_marks && facts.reads_marks) || (facts.changes_state && facts.reads_state)) {
        d = pool_.map_leaves(
            evaluator_.chain(ruleset_, id, e.sight, e.before_conntrack), [&](std::uint32_t number) {
                const Outcome& o = outcomes_[number];
                return static_cast<std::uint32_t>(deed_of(o, outcomes_.effect_of(o)));
            });
    } else {
        std::vector<Diagram> parts;
        for (RuleId rule_id : ruleset_.rules_of(ruleset_.chain(id))) {
            const Rule& rule = ruleset_.rule(rule_id);
            Deed deed = deed_of(rule);
            if (deed == Deed::none && !rule.jump.valid()) continue;
            Diagram there = evaluator_.conditions().rule(
                ruleset_, rule_id, e.sight, deed == Deed::none ? everything : leaf(deed));
            if (there == nothing) continue;
            if (rule.jump.valid()) there = pool_.inside(there, called(rule, e).deeds);
            if (!(there == nothing)) parts.push_back(there);
            if (DiagramPool::is_leaf(there) && !(there == nothing)) break;
        }
        d = pool_.over_all(parts);
    }
    decides_.emplace(std::pair(id.value, key), d);
    return d;
}

void Reach::fill(Pass& p) {
    for (RuleId id : ruleset_.rules_of(ruleset_.chain(p.chain))) {
        const Rule& rule = ruleset_.rule(id);
        Diagram condition = evaluator_.conditions().rule(ruleset_, id, p.entrance.sight);
        p.conditions.push_back(condition);
        Deed deed = deed_of(rule);
        Decided d{leaf(deed), deed == Deed::none ? nothing : everything};
        if (rule.jump.valid() && !(condition == nothing)) d = called(rule, p.entrance);
        p.takes.push_back(pool_.inside(condition, d.takes));
        p.deeds.push_back(d.deeds);
    }
}

/// Cuts the chain where a rule changes what a later one reads, and finds what arrives at each.
void Reach::split(Pass& p) {
    std::span<const RuleId> rules = ruleset_.rules_of(ruleset_.chain(p.chain));
    std::size_t n = rules.size();
    std::vector<std::size_t> cuts;
    ChainFacts later;
    auto facts_at = [&](std::size_t i) {
        const Rule& rule = ruleset_.rule(rules[i]);
        ChainFacts f = facts_of(ruleset_, rule);
        if (rule.jump.valid()) f.add(graph_.facts(rule.jump));
        return f;
    };
    for (std::size_t i = n; i-- > 0;) {
        ChainFacts f = facts_at(i);
        bool matters = (f.changes_marks && later.reads_marks) ||
                       (f.changes_state && later.reads_state) ||
                       (f.changes_predicates && later.reads_predicates) ||
                       rewrites_addresses(ruleset_, ruleset_.rule(rules[i]));
        if (matters && i + 1 < n) cuts.push_back(i + 1);
        later.add(f);
    }
    std::reverse(cuts.begin(), cuts.end());
    cuts.push_back(n);
    p.arriving.resize(n);
    Diagram entering = p.entrance.packets;
    std::size_t first = 0;
    for (std::size_t last : cuts) {
        auto part = [&](const std::vector<Diagram>& list) {
            return std::span(list).subspan(first, last - first);
        };
        p.blocks.push_back({first, last, entering, {pool_, part(p.conditions), part(p.takes)}});
        Segments& segments = p.blocks.back().segments;
        segments.arriving(entering,
                          [&](std::size_t i, Diagram packets) { p.arriving[first + i] = packets; });
        entering = pool_.outside(segments.takes(), entering);
        if (last != n) {
            const Rule& rule = ruleset_.rule(rules[last - 1]);
            Diagram met = pool_.outside(p.takes[last - 1], p.arriving[last - 1]);
            entering =
                pool_.over(pool_.outside(met, entering), changed(p, rule, facts_at(last - 1), met));
        }
        first = last;
    }
    p.falls = entering;
}

Diagram Reach::forget_marks(Diagram packets) {
    for (const PacketSpace::MarkGroup& g : space_.mark_groups())
        packets = pool_.for_some(packets, g.level);
    return packets;
}

/// The packets as they are behind a rule; more when it is not known how they are.
Diagram Reach::changed(const Pass& p, const Rule& rule, const ChainFacts& facts, Diagram packets) {
    if (packets == nothing) return packets;
    if (rewrites_addresses(ruleset_, rule)) return p.entrance.possible;
    if (rule.target == TargetKind::mark) {
        const model::MarkChange& change = ruleset_.marks[rule.data];
        for (const PacketSpace::MarkGroup& g : space_.mark_groups()) {
            bool kept = (change.keep & g.mask) != 0;
            if (kept && (change.toggle & g.mask) == 0) continue;
            packets = pool_.for_some(packets, g.level);
            std::uint32_t v = PacketSpace::extract(change.toggle, g.mask);
            Interval fixed{v, v};
            if (!kept) packets = pool_.inside(pool_.values(g.level, {&fixed, 1}), packets);
        }
    } else if (facts.changes_marks) {
        packets = forget_marks(packets);
    }
    if (facts.changes_state && p.entrance.before_conntrack) {
        Diagram in_any_state = pool_.for_some(packets, space_.level(Field::state));
        Diagram untracked = pool_.inside(space_.value(Field::state, value_untracked), in_any_state);
        // After another CT target, or when only some rule of a chain did it, they stay as they are.
        bool all = rule.target == TargetKind::notrack && !templates_;
        packets = all ? untracked : pool_.over(packets, untracked);
        if (facts.takes_back)
            packets = pool_.over(packets,
                                 pool_.inside(space_.value(Field::state, value_new), in_any_state));
    }
    if (facts.changes_predicates) {
        std::span<const std::uint32_t> levels = space_.predicate_levels();
        if (levels.size() > most_forgotten) return p.entrance.possible;
        for (std::uint32_t level : levels)
            if (pool_.asks(packets, level)) packets = pool_.for_some(packets, level);
    }
    return packets;
}

}  // namespace untrack::packet
