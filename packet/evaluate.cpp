// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/evaluate.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "model/conntrack_facts.hpp"

namespace untrack::packet {
namespace {

using model::ChainId;
using model::MatchKind;
using model::Rule;
using model::RuleId;
using model::Ruleset;
using model::TargetKind;

bool is_nat_target(TargetKind t) {
    return model::conntrack_need(t) == model::ConntrackNeed::nat;
}

/// Whether a rule changes connections' marks or sets.
bool writes(const Ruleset& r, const Rule& rule) {
    return (rule.target == TargetKind::connmark && rule.data == 0) ||
           r.target_name(rule) == "SET" || r.target_name(rule) == "set";
}

/// Whether rules change what others of the ruleset read of a connection or a set.
bool rereads(const Ruleset& r) {
    return std::any_of(r.rules.begin(), r.rules.end(),
                       [&](const Rule& rule) { return rule.live && writes(r, rule); }) &&
           (std::any_of(r.matches.begin(), r.matches.end(),
                        [&](const auto& m) {
                            return m.kind == MatchKind::opaque &&
                                   (m.payload.opaque.key == model::ConntrackKey::connmark ||
                                    r.string(m.payload.opaque.text).starts_with("set "));
                        }) ||
            std::any_of(r.rules.begin(), r.rules.end(), [](const Rule& rule) {
                return rule.target == TargetKind::connmark && rule.data != 0;
            }));
}

}  // namespace

Evaluator::Evaluator(PacketSpace& space, Outcomes& outcomes, Host host,
                     const EvaluateOptions& options)
    : space_(space),
      pool_(space.pool()),
      outcomes_(outcomes),
      options_(options),
      has_nat_(std::any_of(host.begin(), host.end(),
                           [&](const Ruleset* r) {
                               return r->family == space.family() &&
                                      std::any_of(
                                          r->rules.begin(), r->rules.end(), [](const Rule& rule) {
                                              return rule.live && is_nat_target(rule.target);
                                          });
                           })),
      conditions_(space, has_nat_, options.occurrences, true) {
    for (const Ruleset* r : host) {
        // A mark may be read by the other family's rules of an inet table, hence of all.
        marks_matter_ = marks_matter_ || options.effects ||
                        std::any_of(r->matches.begin(), r->matches.end(),
                                    [](const auto& m) { return m.kind == MatchKind::mark; });
        if (r->family != space.family()) continue;
        rereads_ = rereads_ || rereads(*r);
        tracks_ = tracks_ || model::needs_conntrack(*r, model::KernelProfile::modern);
        for (ChainId id : r->base_chains()) {
            const model::Chain& c = r->chain(id);
            // A nat chain settles its side of the translation even when it is empty.
            bool nat = c.role == model::ChainRole::nat;
            if (c.rule_count == 0 && c.policy == TargetKind::accept && !nat) continue;
            hooks_[static_cast<std::size_t>(c.hook)].push_back({r, id, r->place_in_hook(c), nat});
        }
    }
    for (auto& chains : hooks_)
        std::stable_sort(chains.begin(), chains.end(), [](const BaseChain& a, const BaseChain& b) {
            return a.priority < b.priority;
        });
}

// -- parts one after the other
// ---------------------------------------------------------------------

/// What later rules see of the effect: fields that have changed.
std::vector<DiagramPool::Substitution> Evaluator::changes_of(std::uint32_t outcome,
                                                             std::span<const std::uint32_t> asked) {
    const Effect e = outcomes_.effect_of(outcomes_[outcome]);
    std::vector<DiagramPool::Substitution> changes;
    if (e.state != SeenState::given)
        changes.push_back({space_.level(Field::state),
                           e.state == SeenState::invalid ? value_invalid
                           : e.state == SeenState::new_  ? value_new
                                                         : value_untracked,
                           false});
    for (std::size_t i = 0; i < e.marks.size(); ++i)
        if (e.marks[i].kind != MarkSource::Kind::kept)
            changes.push_back({space_.mark_groups()[i].level, e.marks[i].value,
                               e.marks[i].kind == MarkSource::Kind::level});
    if (e.writes != 0)
        for (std::uint32_t level : asked)
            changes.push_back({level, level_after(e.writes, level), true});
    return changes;
}

/// What a level is to be asked for after the writes. A level that is asked after some already is
/// asked after these and those.
std::uint32_t Evaluator::level_after(std::uint32_t writes, std::uint32_t level) {
    Predicate p = *space_.predicate_at(level);
    if (p.writes.empty()) p.first_level = level;
    std::vector<std::string> earlier = outcomes_.events(writes);
    p.writes.insert(p.writes.begin(), earlier.begin(), earlier.end());
    std::string all = fmt::format("{}", fmt::join(p.writes, ", "));
    p.text = space_.predicate_at(p.first_level)->text + " after " + all;
    return space_.predicate(fmt::format("\7{} {}", p.first_level, all), p,
                            pool_.last_value(p.first_level));
}

/// An outcome of packets to which the effect has happened before; a mark that was taken from a
/// connection is what the effect has made of it.
std::uint32_t Evaluator::outcome_after(std::uint32_t effect, std::uint32_t later) {
    std::uint32_t writes = outcomes_.effect_of({Fate::on, effect, 0}).writes;
    Outcome o = outcomes_[later];
    Effect e = outcomes_.effect_of(o);
    if (writes != 0) {
        for (MarkSource& m : e.marks)
            if (m.kind == MarkSource::Kind::level && space_.predicate_at(m.value)->changeable)
                m.value = level_after(writes, m.value);
        o.effect = outcomes_.effect(e);
        later = outcomes_.number(o);
    }
    return outcomes_.outcome_after(effect, later);
}

Evaluator::Part Evaluator::join(const Part& first, const Part& then) {
    if (!first.changes) return {pool_.over(first.diagram, then.diagram), then.changes};
    // Ways have their first hooks in common.
    std::tuple key{first.diagram.handle, then.diagram.handle, then.changes};
    auto known = joined_.find(key);
    if (known == joined_.end()) known = joined_.emplace(key, join_changed(first, then)).first;
    return known->second;
}

Evaluator::Part Evaluator::join_changed(const Part& first, const Part& then) {
    // Packets that go on, by the fields that have changed.
    struct Group {
        std::vector<DiagramPool::Substitution> changes;
        std::set<std::uint32_t> numbers;
    };
    std::vector<Group> groups;
    // What rules may have changed of what comes next: only that gets levels of its own.
    std::vector<std::uint32_t> asked;
    if (rereads_)
        for (std::uint32_t level : space_.predicate_levels())
            if (space_.predicate_at(level)->changeable && pool_.asks(then.diagram, level))
                asked.push_back(level);
    bool any = false;
    for (std::uint32_t number : pool_.leaves(first.diagram)) {
        if (outcomes_[number].fate != Fate::on || number == 0) continue;
        any = true;
        auto changes = changes_of(number, asked);
        if (changes.empty()) continue;
        auto group = std::find_if(groups.begin(), groups.end(),
                                  [&](const Group& g) { return g.changes == changes; });
        if (group == groups.end()) group = groups.insert(groups.end(), {changes, {}});
        group->numbers.insert(number);
    }
    if (!any) return {pool_.over(first.diagram, then.diagram), then.changes};
    auto ended = [&](std::uint32_t number) { return outcomes_[number].fate != Fate::on; };
    auto after = [&](std::uint32_t number, std::uint32_t later) {
        return outcome_after(outcomes_[number].effect, later);
    };
    std::vector<Diagram> parts;
    for (const Group& g : groups) {
        Diagram these = pool_.map_leaves(first.diagram, [&](std::uint32_t number) {
            return g.numbers.contains(number) ? number : 0;
        });
        Diagram seen =
            pool_.substituted(then.diagram, g.changes, [](std::uint32_t number) { return number; });
        parts.push_back(pool_.chained(these, seen, DiagramPool::Zero::stays, ended, after));
    }
    // After an effect no number is 0, so that the last part is only for packets of no group.
    parts.push_back(pool_.chained(
        first.diagram, then.diagram, DiagramPool::Zero::gives_way,
        [&](std::uint32_t number) {
            return ended(number) || std::any_of(groups.begin(), groups.end(), [&](const Group& g) {
                       return g.numbers.contains(number);
                   });
        },
        after));
    return {pool_.over_all(parts), true};
}

Evaluator::Part Evaluator::join_all(std::span<const Part> parts) {
    if (parts.size() == 1) return parts[0];
    bool plain = std::none_of(parts.begin(), parts.end(), [](const Part& p) { return p.changes; });
    if (plain) {
        std::vector<Diagram> diagrams(parts.size());
        std::transform(parts.begin(), parts.end(), diagrams.begin(),
                       [](const Part& p) { return p.diagram; });
        return {pool_.over_all(diagrams), false};
    }
    std::size_t half = parts.size() / 2;
    Part first = join_all(parts.first(half));
    return join(first, join_all(parts.subspan(half)));
}

// -- rules
// -----------------------------------------------------------------------------------------

Diagram Evaluator::leaf(Fate fate, const Effect& effect, std::uint32_t label) {
    return DiagramPool::leaf(outcomes_.number({fate, outcomes_.effect(effect), label}));
}

Diagram Evaluator::condition(const Ruleset& r, RuleId id, const Sight& sight, Diagram inside) {
    Diagram d = conditions_.rule(r, id, sight, inside);
    return pool_.inside(options_.scope, d);
}

std::string Evaluator::target_text(const Ruleset& r, RuleId id) {
    std::string_view text = r.target_text(id);
    return std::string(text.empty() ? r.target_name(r.rule(id)) : text);
}

std::string Evaluator::nat_text(const Ruleset& r, RuleId id) {
    const Rule& rule = r.rule(id);
    const model::Translation& gives = r.translation(rule);
    return gives.known ? gives.text(r.family, rule.target) : target_text(r, id);
}

Effect Evaluator::event(const Ruleset& r, RuleId id) {
    Effect e;
    std::string text = target_text(r, id);
    // A rule without a target counts; which one it is, its matches say.
    if (text.empty()) text = "count " + signature(r, id);
    std::uint32_t it = outcomes_.sequence(0, outcomes_.text(text));
    if (options_.effects) e.events = it;
    if (rereads_ && writes(r, r.rule(id))) e.writes = it;
    return e;
}

Evaluator::Part Evaluator::with_effect(const Ruleset& r, RuleId id, const Sight& sight,
                                       const Effect& effect) {
    Diagram there = leaf(Fate::on, effect);
    if (there == nothing) return {};
    return {condition(r, id, sight, there), true};
}

std::uint32_t Evaluator::unknown_level(const Ruleset& r, RuleId id,
                                       const PacketSpace::MarkGroup& group) {
    std::string text = target_text(r, id);
    Predicate p;
    p.text = "the mark that " + text + " gives";
    p.kind = "mark";
    p.changeable = r.rule(id).target == TargetKind::connmark;
    p.answer = options_.answers;
    return space_.predicate(fmt::format("\3{} {:x}{}", text, group.mask, p.answer ? "\1" : ""), p,
                            pool_.last_value(group.level));
}

Effect Evaluator::mark_effect(const Ruleset& r, RuleId id) {
    const model::MarkChange& change = r.marks[r.rule(id).data];
    Effect e;
    for (const PacketSpace::MarkGroup& g : space_.mark_groups()) {
        MarkSource source;
        if ((change.keep & g.mask) == 0)
            source = {MarkSource::Kind::fixed, PacketSpace::extract(change.toggle, g.mask)};
        else if ((change.toggle & g.mask) != 0)
            // Bits turned over: what comes of it is not followed.
            source = {MarkSource::Kind::level, unknown_level(r, id, g)};
        e.marks.push_back(source);
    }
    return e;
}

/// A mark that comes from elsewhere, such as the connection's: the same for the same packet.
Evaluator::Part Evaluator::unknown_mark(const Ruleset& r, RuleId id, const Sight& sight) {
    Effect e;
    for (const PacketSpace::MarkGroup& g : space_.mark_groups())
        e.marks.push_back({MarkSource::Kind::level, unknown_level(r, id, g)});
    Part part = with_effect(r, id, sight, e);
    if (r.rule(id).target == TargetKind::connmark) {
        // Without an entry nothing is restored (measured).
        Interval without{value_invalid, value_untracked};
        part.diagram =
            pool_.outside(pool_.values(space_.level(Field::state), {&without, 1}), part.diagram);
    }
    return part;
}

/// A verdict that a program, or a chain that is not in the file, gives: the same for the same
/// packet.
Evaluator::Part Evaluator::decided_elsewhere(const Ruleset& r, RuleId id, const Sight& sight) {
    TargetKind kind = r.rule(id).target;
    std::string text = target_text(r, id);
    // SYNPROXY lets packets with neither SYN nor ACK go on.
    bool returns =
        kind == TargetKind::external || kind == TargetKind::unknown || kind == TargetKind::synproxy;
    Diagram accepts = conditions_.predicate("\4" + text, text + " accepts", sight);
    Diagram rest = leaf(Fate::drop);
    if (returns) {
        Diagram drops = conditions_.predicate("\5" + text, text + " drops", sight);
        bool gone = kind == TargetKind::external && r.rule(id).data != 0;
        rest = pool_.over(pool_.inside(drops, leaf(Fate::drop)), gone ? leaf(Fate::back) : nothing);
    }
    Diagram d = pool_.over(pool_.inside(accepts, leaf(Fate::accept)), rest);
    return {pool_.inside(condition(r, id, sight), d), false};
}

Evaluator::Part Evaluator::jump(const Ruleset& r, RuleId id, const Sight& sight,
                                bool before_conntrack) {
    const Rule& rule = r.rule(id);
    Diagram there = condition(r, id, sight);
    if (there == nothing) return {};
    Diagram d = chain(r, rule.jump, sight, before_conntrack);
    bool gone = rule.target == TargetKind::goto_;
    bool changes = false;
    d = pool_.map_leaves(d, [&](std::uint32_t number) {
        Outcome o = outcomes_[number];
        if (o.fate == Fate::on && gone)
            o.fate = Fate::back;
        else if (o.fate == Fate::back)
            o.fate = gone ? Fate::back : Fate::on;
        changes = changes || (o.fate == Fate::on && o.effect != 0);
        return outcomes_.number(o);
    });
    d = pool_.inside(there, d);
    // Often the rule's own condition leaves none of those that the chain lets go on.
    if (changes) {
        std::vector<std::uint32_t> numbers = pool_.leaves(d);
        changes = std::any_of(numbers.begin(), numbers.end(), [&](std::uint32_t number) {
            return number != 0 && outcomes_[number].fate == Fate::on;
        });
    }
    return {d, changes};
}

Evaluator::Part Evaluator::rule(const Ruleset& r, RuleId id, const Sight& sight,
                                bool before_conntrack) {
    const Rule& rule = r.rule(id);
    auto ends = [&](Fate fate, const Effect& effect = {}, std::uint32_t label = 0) {
        return Part{condition(r, id, sight, leaf(fate, effect, label)), false};
    };
    switch (rule.target) {
        case TargetKind::accept:
            return ends(Fate::accept);
        case TargetKind::drop:
            return ends(Fate::drop);
        case TargetKind::reject:
            return ends(Fate::reject, {},
                        options_.effects ? outcomes_.text(target_text(r, id)) : 0);
        case TargetKind::return_:
            return ends(Fate::back);
        case TargetKind::jump:
        case TargetKind::goto_:
            return jump(r, id, sight, before_conntrack);
        case TargetKind::notrack: {
            Effect e;
            if (!before_conntrack) {
                // All that it does so late: what is INVALID looks UNTRACKED (measured).
                e.state = SeenState::untracked;
                Part late = with_effect(r, id, sight, e);
                late.diagram =
                    pool_.inside(space_.value(Field::state, value_invalid), late.diagram);
                return late;
            }
            e.state = SeenState::untracked;
            e.notracked = e.assigned = true;
            return with_effect(r, id, sight, e);
        }
        case TargetKind::ct_template: {
            bool takes_back = r.rule(id).data != 0;
            if (!before_conntrack) {
                if (!takes_back) return {};
                // What packets without an entry become so late is not followed.
                Part late = ends(Fate::lost, {}, outcomes_.text(target_text(r, id)));
                Diagram without = pool_.over(space_.value(Field::state, value_untracked),
                                             space_.value(Field::state, value_invalid));
                late.diagram = pool_.inside(without, late.diagram);
                return late;
            }
            Effect e;
            if (options_.effects) e = event(r, id);
            e.assigned = true;
            if (takes_back) {
                e.takes_back = true;
                e.state = SeenState::new_;
            }
            return with_effect(r, id, sight, e);
        }
        case TargetKind::mark:
            return marks_matter_ ? with_effect(r, id, sight, mark_effect(r, id)) : Part{};
        case TargetKind::connmark:
            if (rule.data != 0) return marks_matter_ ? unknown_mark(r, id, sight) : Part{};
            [[fallthrough]];
        case TargetKind::log:
        case TargetKind::connsecmark:
        case TargetKind::flow_offload:
        case TargetKind::side_effect:
            return options_.effects || (rereads_ && writes(r, rule))
                       ? with_effect(r, id, sight, event(r, id))
                       : Part{};
        case TargetKind::none:
            return options_.counters ? with_effect(r, id, sight, event(r, id)) : Part{};
        case TargetKind::dnat:
        case TargetKind::snat:
        case TargetKind::masquerade:
        case TargetKind::redirect:
        case TargetKind::netmap: {
            Effect e;
            e.nat = outcomes_.sequence(0, outcomes_.text(nat_text(r, id)));
            return ends(Fate::accept, e);
        }
        case TargetKind::rewrite_header: {
            bool prefix = r.target_name(rule) == "SNPT" || r.target_name(rule) == "DNPT";
            if (!prefix) return unknown_mark(r, id, sight);
            return ends(Fate::lost, {}, outcomes_.text(target_text(r, id)));
        }
        case TargetKind::queue:
        case TargetKind::synproxy:
        case TargetKind::tproxy:
        case TargetKind::external:
        case TargetKind::unknown:
            return decided_elsewhere(r, id, sight);
    }
    return {};
}

// -- chains
// ----------------------------------------------------------------------------------------

const Evaluator::Features& Evaluator::features(const Ruleset& r, ChainId id) {
    auto [it, added] = features_.try_emplace({&r, id.value});
    if (!added) return it->second;
    Features f;
    for (RuleId rule_id : r.rules_of(r.chain(id))) {
        const Rule& rule = r.rule(rule_id);
        f.ct_targets = f.ct_targets || rule.target == TargetKind::notrack ||
                       rule.target == TargetKind::ct_template;
        for (const model::Match& m : r.matches_of(rule)) {
            f.interfaces = f.interfaces || m.kind == MatchKind::in_interface ||
                           m.kind == MatchKind::out_interface;
            f.address_types = f.address_types || m.kind == MatchKind::address_type;
        }
        if (!rule.jump.valid()) continue;
        Features more = features(r, rule.jump);
        f.interfaces = f.interfaces || more.interfaces;
        f.address_types = f.address_types || more.address_types;
        f.ct_targets = f.ct_targets || more.ct_targets;
    }
    return features_[{&r, id.value}] = f;
}

Diagram Evaluator::chain(const Ruleset& r, ChainId id, const Sight& sight, bool before_conntrack) {
    const Features& f = features(r, id);
    std::uint32_t key = 0;
    if (f.interfaces) key |= (sight.in ? 1U : 0U) | (sight.out ? 2U : 0U);
    if (f.address_types)
        key |= (sight.own_source ? 4U : 0U) | (sight.foreign_source ? 8U : 0U) |
               (sight.own_destination ? 16U : 0U) | (sight.forwarded ? 32U : 0U);
    if (f.ct_targets && before_conntrack) key |= 64U;
    auto known = chains_.find({&r, id.value, key});
    if (known != chains_.end()) return known->second.diagram;
    // The kernel loads no ruleset whose jumps go round; such a file is judged by others.
    std::pair<const Ruleset*, std::uint32_t> self{&r, id.value};
    if (std::find(open_.begin(), open_.end(), self) != open_.end())
        return leaf(Fate::lost, {}, outcomes_.text("jumps that go round"));
    open_.push_back(self);
    std::vector<Part> parts;
    std::span<const RuleId> rules = r.rules_of(r.chain(id));
    bool sampled = options_.stride > 1 && rules.size() > 100;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (sampled && i % options_.stride != 0) continue;
        Part part = rule(r, rules[i], sight, before_conntrack);
        if (part.diagram == nothing) continue;
        parts.push_back(part);
        bool all =
            DiagramPool::is_leaf(part.diagram) && outcomes_[part.diagram.handle].fate != Fate::on;
        if (all) break;
    }
    open_.pop_back();
    Part whole = join_all(parts);
    chains_.emplace(ChainKey{&r, id.value, key}, whole);
    return whole.diagram;
}

}  // namespace untrack::packet
