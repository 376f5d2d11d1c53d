// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/coverage_table.hpp"

#include <algorithm>

namespace untrack::packet {

using model::ChainId;
using model::RuleId;
using model::TargetKind;

namespace {

constexpr std::size_t most_blockers = 1024;
constexpr unsigned most_callers = 64;
constexpr unsigned most_levels = 16;

}  // namespace

CoverageTable::CoverageTable(const model::Ruleset& ruleset, model::TableId table,
                             const ChainGraph& graph, FieldOrder order, std::size_t most_words,
                             const Tracer& tracer, const CoverageOptions& options, Coverage& found)
    : ruleset_(ruleset),
      table_(table),
      graph_(graph),
      tracer_(tracer),
      options_(options),
      found_(found),
      reach_(ruleset, table, graph, order, most_words),
      space_(reach_.space()),
      pool_(space_.pool()) {}

void CoverageTable::run() {
    for (ChainId id : graph_.callers_first()) {
        if (ruleset_.chain(id).table != table_) continue;
        chain(id);
        if (ruleset_.chain(id).role != model::ChainRole::filter) continue;
        if (ruleset_.chain(id).base) open_end(id);
        broken_flows(id);
    }
}

void CoverageTable::chain(ChainId id) {
    std::span<const RuleId> rules = rules_of(id);
    const std::vector<std::uint32_t>& passes = reach_.passes_of(id);
    bool entered = std::any_of(passes.begin(), passes.end(), [&](std::uint32_t n) {
        return !(pass(n).entrance.packets == nothing);
    });
    if (!entered) {
        // nat chains without conntrack are another matter: they are not entered by packets at all.
        if (!ruleset_.chain(id).base && !rules.empty()) found_.unentered.push_back(id);
        return;
    }
    dead_.assign(rules.size(), true);
    for (std::uint32_t n : passes)
        for (std::size_t i = 0; i < rules.size(); ++i)
            if (!(pass(n).arriving[i] == nothing)) dead_[i] = false;
    for (std::size_t i = 0; i < rules.size(); ++i)
        if (dead_[i]) dead_rule(id, i);
    followed(id);
}

// -- who takes a rule's packets
// --------------------------------------------------------------------

std::uint32_t CoverageTable::text_id(RuleId id) {
    std::string text(ruleset_.target_text(id));
    if (text.empty()) text = ruleset_.target_name(ruleset_.rule(id));
    if (text == "REJECT")
        text += ruleset_.family == model::Family::ip ? " --reject-with icmp-port-unreachable"
                                                     : " --reject-with icmp6-port-unreachable";
    return texts_.emplace(std::move(text), static_cast<std::uint32_t>(texts_.size()) + 1)
        .first->second;
}

/// How a chain and those it leads to reject, when they all do it the same way.
std::uint32_t CoverageTable::reject_text(ChainId id) {
    auto [it, added] = reject_texts_.try_emplace(id.value, 0);
    if (!added) return it->second;
    std::uint32_t text = 0;
    auto add = [&](std::uint32_t other) {
        if (other != 0) text = text == 0 || text == other ? other : several;
    };
    for (RuleId rule_id : rules_of(id)) {
        const model::Rule& rule = ruleset_.rule(rule_id);
        if (rule.target == TargetKind::reject) add(text_id(rule_id));
        if (rule.jump.valid()) add(reject_text(rule.jump));
    }
    return reject_texts_[id.value] = text;
}

CoverageTable::Act CoverageTable::act(const model::Rule& rule, RuleId id) {
    switch (rule.target) {
        case TargetKind::accept:
            return {Deed::accept, 0};
        case TargetKind::drop:
            return {Deed::drop, 0};
        case TargetKind::return_:
            return {Deed::back, 0};
        case TargetKind::reject:
            return {Deed::reject, text_id(id)};
        case TargetKind::dnat:
        case TargetKind::snat:
        case TargetKind::masquerade:
        case TargetKind::redirect:
        case TargetKind::netmap:
        case TargetKind::queue:
        case TargetKind::tproxy:
            return {Deed::other, text_id(id)};
        default:
            return {};
    }
}

/// What the rule at that place does with packets that it takes.
std::vector<CoverageTable::Act> CoverageTable::acts(const Reach::Pass& p, std::size_t place,
                                                    Diagram taken) {
    RuleId id = rules_of(p.chain)[place];
    const model::Rule& rule = ruleset_.rule(id);
    if (!rule.jump.valid()) return {act(rule, id)};
    std::vector<Act> out;
    for (std::uint32_t leaf : pool_.leaves(pool_.inside(taken, p.deeds[place]))) {
        auto deed = static_cast<Deed>(leaf);
        if (deed == Deed::reject)
            out.push_back({deed, reject_text(rule.jump)});
        else if (deed == Deed::other)
            out.push_back({deed, several});
        else if (deed != Deed::none)
            out.push_back({deed, 0});
    }
    return out;
}

Segments::Step CoverageTable::note(const Reach::Pass& p, std::size_t place, Diagram taken) {
    if (takings_.size() == most_blockers) {
        too_many_ = true;
        return Segments::Step::end;
    }
    Taking t;
    t.blocker.rule = rules_of(p.chain)[place];
    for (const Act& a : acts(p, place, taken))
        t.blocker.otherwise =
            t.blocker.otherwise || own_.deed == Deed::none || a.text == several || !(a == own_);
    others_ = others_ || t.blocker.otherwise;
    t.packets = taken;
    takings_.push_back(t);
    return Segments::Step::take;
}

/// Which rules take those packets before they come to that place; of packets that do not come into
/// the chain, which rules take them before the jumps to it.
void CoverageTable::find_blockers(std::uint32_t number, std::size_t place, Diagram packets,
                                  unsigned depth) {
    const Reach::Pass& p = pass(number);
    Diagram here = pool_.inside(p.entrance.packets, packets);
    reach_.follow(number, here, 0, place,
                  [&](std::size_t i, Diagram taken) { return note(p, i, taken); });
    Diagram outside = pool_.outside(p.entrance.packets, packets);
    if (outside == nothing || depth == most_levels) return;
    for (std::size_t c = 0; c < std::min<std::size_t>(p.callers.size(), most_callers); ++c) {
        const Reach::Caller& caller = p.callers[c];
        Diagram asked = pool_.inside(outside, pass(caller.pass).conditions[caller.rule]);
        if (!(asked == nothing)) find_blockers(caller.pass, caller.rule, asked, depth + 1);
    }
}

/// The one match that no packet can satisfy there, or two that exclude each other.
void CoverageTable::contradiction(IdleRule& idle, const Reach::Pass& p) {
    const model::Rule& rule = ruleset_.rule(idle.rule);
    Conditions conditions(space_, true, Occurrences::by_rule);
    std::vector<Diagram> sets;
    auto matches = ruleset_.matches_of(rule);
    for (std::size_t i = 0; i < matches.size(); ++i) {
        Diagram d =
            pool_.inside(p.entrance.possible,
                         conditions.match(ruleset_, idle.rule, matches[i], p.entrance.sight));
        if (d == nothing) {
            idle.matches = {i};
            return;
        }
        sets.push_back(d);
    }
    for (std::size_t i = 0; i < sets.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (pool_.inside(sets[i], sets[j]) == nothing) {
                idle.matches = {j, i};
                return;
            }
}

void CoverageTable::dead_rule(ChainId chain, std::size_t i) {
    IdleRule idle;
    idle.rule = rules_of(chain)[i];
    const model::Rule& rule = ruleset_.rule(idle.rule);
    takings_.clear();
    own_ = act(rule, idle.rule);
    others_ = too_many_ = false;
    bool possible = false;
    bool asked = false;
    for (std::uint32_t n : reach_.passes_of(chain)) {
        const Reach::Pass& p = pass(n);
        possible = possible || !(pool_.inside(p.entrance.possible, p.conditions[i]) == nothing);
        Diagram spoken_of = pool_.inside(p.entrance.asked, p.conditions[i]);
        if (spoken_of == nothing) continue;
        asked = true;
        std::size_t before = takings_.size();
        find_blockers(n, i, spoken_of, 0);
        for (std::size_t t = before; t < takings_.size(); ++t) takings_[t].pass = n;
    }
    if (!possible || !asked) {
        idle.why = possible ? Idleness::excluded : Idleness::contradictory;
        for (std::uint32_t n : reach_.passes_of(chain)) {
            const Reach::Pass& p = pass(n);
            if (!possible && idle.matches.empty()) contradiction(idle, p);
            for (const Reach::Caller& c : p.callers)
                if (idle.jumps.size() < most_callers)
                    idle.jumps.push_back(rules_of(pass(c.pass).chain)[c.rule]);
        }
        found_.idle.push_back(std::move(idle));
        return;
    }
    if (takings_.empty()) {
        // It hangs on what an earlier rule changed: there is nobody to name.
        ++found_.unconfirmed;
        return;
    }
    idle.why = others_ ? Idleness::shadowed : Idleness::repeated;
    idle.more_blockers = too_many_;
    for (Taking& t : takings_) {
        t.blocker.packets = pool_.count(t.packets);
        // The same rule again, for packets that come by another entrance.
        auto known = std::find_if(idle.blockers.begin(), idle.blockers.end(),
                                  [&](const Blocker& b) { return b.rule == t.blocker.rule; });
        if (known == idle.blockers.end()) {
            idle.blockers.push_back(t.blocker);
        } else {
            known->packets += t.blocker.packets;
            known->otherwise = known->otherwise || t.blocker.otherwise;
        }
    }
    std::vector<std::size_t> by_size(takings_.size());
    for (std::size_t t = 0; t < by_size.size(); ++t) by_size[t] = t;
    // New packets count first: a catch-all rather than the accept of established ones.
    std::vector<long double> fresh;
    for (const Taking& t : takings_)
        fresh.push_back(
            pool_.count(pool_.inside(space_.value(Field::state, value_new), t.packets)));
    auto weight = [&](std::size_t t) {
        return std::tuple(takings_[t].blocker.otherwise, fresh[t], takings_[t].blocker.packets);
    };
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](std::size_t a, std::size_t b) { return weight(a) > weight(b); });
    for (std::size_t k = 0; k < std::min<std::size_t>(by_size.size(), 4); ++k) {
        const Taking& t = takings_[by_size[k]];
        if (k != 0 && t.blocker.otherwise != takings_[by_size[0]].blocker.otherwise) break;
        idle.taker = t.blocker.rule;
        const Reach::Pass& p = pass(t.pass);
        bool shown = some_packet(t.packets, p.entrance, [&](const Packet& packet, bool hangs) {
            Trace trace = tracer_.trace(packet);
            bool taken = false;
            for (const Step& step : trace.steps) {
                if (step.rule == idle.rule && step.matched == Truth::yes) return false;
                taken = taken || step.rule == idle.taker;
            }
            if (!taken && !hangs) return false;
            idle.witness = packet;
            return true;
        });
        if (!shown) continue;
        found_.idle.push_back(std::move(idle));
        return;
    }
    ++found_.unconfirmed;
}

// -- what follows does the same
// --------------------------------------------------------------------

bool CoverageTable::touches(const model::Rule& rule) const {
    if (facts_of(ruleset_, rule).effects) return true;
    if (!rule.jump.valid()) return false;
    return graph_.facts(rule.jump).effects || ruleset_.chain(rule.jump).rule_count == 0 ||
           options_.filled_later(rule.jump);
}

void CoverageTable::followed(ChainId id) {
    std::span<const RuleId> rules = rules_of(id);
    const std::vector<std::uint32_t>& passes = reach_.passes_of(id);
    bool own_chain = !options_.filled_later(id);
    touches_.resize(rules.size());
    for (std::size_t i = 0; i < rules.size(); ++i) touches_[i] = touches(ruleset_.rule(rules[i]));
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const model::Rule& rule = ruleset_.rule(rules[i]);
        if (dead_[i]) continue;
        auto matches = ruleset_.matches_of(rule);
        bool asks = std::any_of(matches.begin(), matches.end(), [](const model::Match& m) {
            return m.kind != model::MatchKind::comment;
        });
        own_ = act(rule, rules[i]);
        bool decides = own_.deed == Deed::accept || own_.deed == Deed::drop ||
                       own_.deed == Deed::reject || own_.deed == Deed::back;
        std::vector<Blocker> by;
        bool all = own_chain && asks && decides && !touches_[i];
        for (std::uint32_t n : passes)
            all = all && (pass(n).arriving[i] == nothing || is_followed(n, i, by));
        if (!all) {
            if (options_.reached) {
                for (std::uint32_t n : passes) show_reached(pass(n), i);
            }
            continue;
        }
        IdleRule idle;
        idle.rule = rules[i];
        idle.why = Idleness::followed;
        idle.blockers = std::move(by);
        idle.taker = rules[i];
        bool shown = false;
        for (std::uint32_t n : passes) {
            const Reach::Pass& p = pass(n);
            if (shown || p.arriving[i] == nothing) continue;
            shown = some_packet(p.arriving[i], p.entrance, [&](const Packet& packet, bool hangs) {
                Trace trace = tracer_.trace(packet);
                bool met = std::any_of(trace.steps.begin(), trace.steps.end(),
                                       [&](const Step& s) { return s.rule == idle.rule; });
                if (!met && !hangs) return false;
                idle.witness = packet;
                return true;
            });
        }
        if (shown)
            found_.idle.push_back(std::move(idle));
        else
            ++found_.unconfirmed;
    }
}

void CoverageTable::show_reached(const Reach::Pass& p, std::size_t i) {
    if (p.arriving[i] == nothing) return;
    RuleId rule = rules_of(p.chain)[i];
    some_packet(p.arriving[i], p.entrance, [&](const Packet& packet, bool) {
        options_.reached(rule, packet);
        return true;
    });
}

/// Whether the rules behind place i, or the end of the chain, do with its packets what it does.
/// Rules that are dead anyway may be gone, or back when it is gone: they must agree and decide
/// nothing.
bool CoverageTable::is_followed(std::uint32_t number, std::size_t i, std::vector<Blocker>& by) {
    const Reach::Pass& p = pass(number);
    std::span<const RuleId> rules = rules_of(p.chain);
    // Behind a rule that changes what others read, effects are too many to follow.
    const Reach::Block& block = p.blocks.back();
    if (i < block.first) return false;
    const model::Chain& chain = ruleset_.chain(p.chain);
    Deed end =
        chain.base ? (chain.policy == TargetKind::drop ? Deed::drop : Deed::accept) : Deed::back;
    Deed own = own_.deed == Deed::back && chain.base ? end : own_.deed;
    // One packet first: nearly always it tells.
    std::vector<std::uint32_t> one = pool_.first_of(p.arriving[i]);
    std::size_t next = reach_.first_taking(number, one, i + 1);
    auto deed_at = [&](std::size_t j) { return static_cast<Deed>(pool_.at(p.deeds[j], one)); };
    Deed then = next == rules.size() ? end : deed_at(next);
    if (chain.base && then == Deed::back) then = end;
    if (then != own) return false;

    Diagram left = p.arriving[i];
    bool same = true;
    auto agrees = [&](std::size_t j, Diagram taken) {
        for (Act a : acts(p, j, taken)) {
            if (chain.base && a.deed == Deed::back) a = {end, 0};
            Act mine = own_;
            if (chain.base && mine.deed == Deed::back) mine = {end, 0};
            if (a.text == several || !(a == mine)) return false;
        }
        return true;
    };
    std::size_t at = i + 1;
    auto walk_to = [&](std::size_t to) {
        left = reach_.follow(number, left, at, to, [&](std::size_t j, Diagram taken) {
            if (!agrees(j, taken) || by.size() == most_blockers) {
                same = false;
                return Segments::Step::end;
            }
            if (dead_[j]) return Segments::Step::leave;
            by.push_back({rules[j], false, pool_.count(taken)});
            return Segments::Step::take;
        });
        at = to;
    };
    for (std::size_t j = i + 1; j < rules.size() && same && !(left == nothing); ++j) {
        if (!touches_[j]) continue;
        walk_to(j);
        // What logs, counts or marks would see packets that it does not see now.
        if (!(pool_.inside(p.conditions[j], left) == nothing)) return false;
    }
    if (same && !(left == nothing)) walk_to(rules.size());
    if (!same) return false;
    if (left == nothing) return true;
    by.push_back({RuleId(), false, pool_.count(left)});
    return end == own;
}

// -- packets
// ---------------------------------------------------------------------------------------

bool CoverageTable::state_holds(const Packet& packet) const {
    if (packet.state == ConntrackState::automatic) return true;
    Packet fresh = packet;
    fresh.state = ConntrackState::automatic;
    Truth untracked = tracer_.trace(fresh, false).untracked;
    return packet.state == ConntrackState::untracked ? untracked != Truth::no
                                                     : untracked != Truth::yes;
}

}  // namespace untrack::packet
