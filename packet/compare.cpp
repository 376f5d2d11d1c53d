// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/compare.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <stdexcept>

#include "model/conntrack_facts.hpp"
#include "packet/order.hpp"
#include "packet/words.hpp"

namespace untrack::packet {
namespace {

using model::Ruleset;

Verdict verdict_of(Fate fate) {
    switch (fate) {
        case Fate::drop:
            return Verdict::drop;
        case Fate::reject:
            return Verdict::reject;
        case Fate::lost:
            return Verdict::unknown;
        default:
            return Verdict::accept;
    }
}

/// The packet as the tracer is to be asked of it: what conntrack would say holds only for packets
/// that it sees.
Trace traced(const Tracer& tracer, Packet p, std::span<const Assumption> assumed) {
    ConntrackState given = p.state;
    p.state = ConntrackState::automatic;
    Trace t = tracer.trace(p, false, assumed);
    if (t.untracked == Truth::yes || given == ConntrackState::untracked) return t;
    p.state = given;
    return tracer.trace(p, false, assumed);
}

std::vector<const Ruleset*> of_family(Host host, model::Family family) {
    std::vector<const Ruleset*> out;
    for (const Ruleset* r : host)
        if (r->family == family) out.push_back(r);
    return out;
}

/// Everything that decides in a chain, in words. `place`: of a base chain among the others.
std::vector<std::string> chain_text(const Ruleset& r, const model::Chain& c, std::size_t place) {
    std::vector<std::string> out{c.policy == model::TargetKind::drop ? "drop" : ""};
    if (c.base)
        out.push_back(fmt::format("{} {} {} {}", name(c.hook), c.priority,
                                  static_cast<unsigned>(c.role), place));
    for (model::RuleId id : r.rules_of(c)) out.push_back(signature(r, id));
    return out;
}

}  // namespace

std::string_view name(DifferenceKind kind) {
    constexpr std::string_view names[] = {"lost",      "opened", "tracked",
                                          "untracked", "nat",    "effect"};
    return names[static_cast<std::size_t>(kind)];
}

bool same_rules(Host before, Host after, model::Family family) {
    auto texts = [&](Host host) {
        std::map<std::pair<std::string, std::string>, std::vector<std::string>> chains;
        for (const Ruleset* r : of_family(host, family)) {
            std::vector<std::size_t> places(r->chains.size());
            std::size_t at = 0;
            for (model::ChainId id : r->base_chains()) {
                const model::Chain& c = r->chain(id);
                // An empty nat chain settles its side of the translation.
                bool idle = c.rule_count == 0 && c.policy == model::TargetKind::accept &&
                            c.role != model::ChainRole::nat;
                if (!idle) places[id.value] = ++at;
            }
            for (std::size_t i = 0; i < r->chains.size(); ++i) {
                const model::Chain& c = r->chains[i];
                if ((c.base ? places[i] : c.rule_count) == 0) continue;
                chains[{std::string(r->table(c.table).name), std::string(c.name)}] =
                    chain_text(*r, c, places[i]);
            }
        }
        return chains;
    };
    auto tracks = [&](Host host) {
        auto own = of_family(host, family);
        return std::any_of(own.begin(), own.end(), [](const Ruleset* r) {
            return model::needs_conntrack(*r, model::KernelProfile::modern);
        });
    };
    return tracks(before) == tracks(after) && texts(before) == texts(after);
}

Pair::Pair(PacketSpace& s, Host b, Host a, const EvaluateOptions& options)
    : space(s),
      pool(s.pool()),
      before(s, outcomes, b, options),
      after(s, outcomes, a, options),
      answers_(options.answers),
      before_tracer_(b),
      after_tracer_(a) {}

Diagram Pair::way_of(bool is_after, Way way) {
    auto [it, added] = ways_[is_after ? 1 : 0].try_emplace(way);
    if (added) it->second = (is_after ? after : before).way(way);
    return it->second;
}

Diagram Pair::projected(const Evaluator& host, Diagram d, bool effects) {
    return pool.map_leaves(d, [&](std::uint32_t number) {
        const Outcome& o = outcomes[number];
        const Effect& e = outcomes.effect_of(o);
        Effect kept;
        if (o.fate == Fate::accept) {
            // Where nothing tracks, NOTRACK is the rule for everything.
            kept.notracked = e.notracked || !host.tracks();
            kept.nat = e.nat;
            if (effects) kept.marks = e.marks;
        }
        if (effects) kept.events = e.events;
        // Marks that are all kept are no marks.
        if (std::all_of(kept.marks.begin(), kept.marks.end(),
                        [](const MarkSource& m) { return m.kind == MarkSource::Kind::kept; }))
            kept.marks.clear();
        bool labelled = effects || o.fate == Fate::lost;
        return outcomes.number({o.fate, outcomes.effect(kept), labelled ? o.label : 0});
    });
}

Diagram Pair::differing(Way way, Diagram domain, bool effects) {
    Diagram a = projected(before, way_of(false, way), effects);
    Diagram b = projected(after, way_of(true, way), effects);
    return pool.inside(domain, pool.differing(a, b));
}

Diagram Pair::certain(Diagram set) {
    Diagram always = set;
    std::map<std::string, std::vector<std::uint32_t>> kinds;
    for (std::uint32_t level : space.predicate_levels()) {
        if (!pool.asks(set, level)) continue;
        always = pool.for_all(always, level);
        const Predicate& p = *space.predicate_at(level);
        kinds[fmt::format("{} {} {}", p.kind, p.answer, pool.last_value(level))].push_back(level);
    }
    if (!(always == nothing)) return always;
    Diagram agreed = set;
    for (const auto& [kind, levels] : kinds) {
        if (levels.size() < 2) continue;
        Diagram one_answer = nothing;
        for (std::uint32_t answer : {0U, 1U}) {
            Interval i{answer, answer};
            Diagram all = everything;
            for (std::uint32_t level : levels) all = pool.inside(all, pool.values(level, {&i, 1}));
            one_answer = pool.over(one_answer, all);
        }
        agreed = pool.inside(one_answer, agreed);
    }
    return agreed;
}

Decision Pair::decision(const Evaluator& host, const Tracer& tracer, const PacketSpace::Witness& w,
                        Way way) {
    Decision d;
    std::uint32_t number = pool.at(way_of(&host == &after, way), w.values);
    const Outcome& o = outcomes[number];
    const Effect& e = outcomes.effect_of(o);
    d.fate = o.fate;
    Packet packet = answers_ ? reverse(w.packet) : w.packet;
    d.untracked = e.notracked || packet.state == ConntrackState::untracked;
    d.nat = outcomes.events(e.nat);
    d.events = outcomes.events(e.events);
    std::vector<Assumption> assumed;
    for (std::uint32_t level : space.predicate_levels())
        assumed.push_back({space.predicate_at(level)->text, w.values[level] != 0});
    Trace trace = traced(tracer, packet, assumed);
    if (trace.verdict == verdict_of(o.fate)) {
        if (trace.decision.ruleset != nullptr) d.step = trace.decision;
    } else if (assumed.empty() && trace.verdict != Verdict::unknown && o.fate != Fate::lost)
        throw std::logic_error("the engines disagree on " + to_words(packet));
    return d;
}

Difference Pair::difference(Diagram set, Way way) {
    // The levels describe the packet that is answered, which goes the other way.
    Way described = !answers_            ? way
                    : way == Way::output ? Way::input
                    : way == Way::input  ? Way::output
                                         : way;
    PacketSpace::Witness w = space.witness(set, described);
    Difference d;
    d.way = way;
    d.witness = answers_ ? reverse(w.packet) : w.packet;
    d.values = w.values;
    d.hangs_on = w.hangs_on;
    d.before = decision(before, before_tracer_, w, way);
    d.after = decision(after, after_tracer_, w, way);
    bool passed = d.before.fate == Fate::accept;
    bool passes = d.after.fate == Fate::accept;
    if (passed != passes)
        d.kind = passed ? DifferenceKind::lost : DifferenceKind::opened;
    else if (passed && d.before.nat != d.after.nat)
        d.kind = DifferenceKind::nat;
    else if (passed &&
             (d.before.untracked || !before.tracks()) != (d.after.untracked || !after.tracks()))
        d.kind = d.before.untracked || !before.tracks() ? DifferenceKind::tracked
                                                        : DifferenceKind::untracked;
    else
        d.kind = DifferenceKind::effect;
    return d;
}

Diagram Pair::alike(const Difference& d, Diagram set) {
    const std::vector<std::uint32_t>& values = d.values;
    auto same_outcome = [&](bool is_after) {
        Diagram all = way_of(is_after, d.way);
        std::uint32_t number = pool.at(all, values);
        return pool.where(all, [&](std::uint32_t other) { return other == number; });
    };
    Diagram out = pool.inside(same_outcome(false), pool.inside(same_outcome(true), set));
    auto narrow = [&](Evaluator& host, const Decision& decision) {
        if (!decision.step || !decision.step->rule.valid()) return;
        const Step& step = *decision.step;
        Diagram rule =
            host.conditions().rule(*step.ruleset, step.rule, host.sight(d.way, step.hook));
        Diagram narrower = pool.inside(rule, out);
        // Marks and states may have changed on the way to the rule; then it is not narrowed.
        if (pool.at(narrower, values) != 0) out = narrower;
    };
    narrow(before, d.before);
    narrow(after, d.after);
    return out;
}

namespace {

class Comparing {
  public:
    Comparing(PacketSpace& space, Host before, Host after, const CompareOptions& options)
        : options_(options),
          space_(space),
          pair_(space_, before, after,
                {Occurrences::by_rule, options.effects, false, everything, options.effects, 1}) {}

    Comparison run() {
        Diagram possible = space_.possible();
        for (Way way : all_ways) {
            Diagram domain = pair_.pool.inside(space_.on_way(way), possible);
            list(pair_.differing(way, domain, options_.effects), way);
        }
        if (out_.differences.empty() && out_.undecided.empty() &&
            (pair_.before.has_nat() || pair_.after.has_nat()))
            compare_segments(possible);
        if (!out_.differences.empty())
            out_.result = Sameness::different;
        else if (!out_.undecided.empty())
            out_.result = Sameness::undecided;
        return std::move(out_);
    }

  private:
    void undecided(std::string why) {
        if (std::find(out_.undecided.begin(), out_.undecided.end(), why) == out_.undecided.end())
            out_.undecided.push_back(std::move(why));
    }

    void list(Diagram set, Way way) {
        while (!(set == nothing)) {
            Diagram sure = pair_.certain(set);
            if (sure == nothing) {
                PacketSpace::Witness w = space_.witness(set, way);
                std::string names;
                for (const auto& [predicate, answer] : w.hangs_on)
                    names += fmt::format("{}`{}'", names.empty() ? "" : ", ", predicate.text);
                return undecided(fmt::format("{} may be treated differently; it hangs on {}",
                                             to_words(w.packet), names));
            }
            if (out_.differences.size() == options_.most_differences) {
                out_.more = true;
                return;
            }
            Difference d = pair_.difference(sure, way);
            Diagram covered = pair_.alike(d, set);
            if (d.before.fate == Fate::lost || d.after.fate == Fate::lost)
                undecided(fmt::format("what becomes of {} is not followed", to_words(d.witness)));
            else
                out_.differences.push_back(std::move(d));
            Diagram rest = pair_.pool.outside(covered, set);
            // The witness itself is always covered; this is for our own mistakes.
            if (rest == set) throw std::logic_error("a difference that does not get smaller");
            set = rest;
        }
    }

    /// Packets that NAT has changed come to later hooks with other fields: there, too, every packet
    /// must be treated the same.
    void compare_segments(Diagram possible) {
        for (Way way : all_ways) {
            std::vector<Diagram> a = pair_.before.segments(way);
            std::vector<Diagram> b = pair_.after.segments(way);
            Diagram tracked = pair_.pool.outside(space_.value(Field::state, value_untracked),
                                                 pair_.pool.inside(space_.on_way(way), possible));
            for (std::size_t i = 0; i < a.size(); ++i) {
                Diagram set = pair_.pool.inside(
                    tracked, pair_.pool.differing(pair_.projected(pair_.before, a[i], true),
                                                  pair_.projected(pair_.after, b[i], true)));
                if (set == nothing) continue;
                undecided(
                    fmt::format("packets that NAT changes may be treated differently: {} would be, "
                                "but it is not known which become such a packet",
                                to_words(space_.witness(set, way).packet)));
            }
        }
    }

    CompareOptions options_;
    PacketSpace& space_;
    Pair pair_;
    Comparison out_;
};

/// Whether a ruleset changes addresses in a way that is not followed.
bool loses_track(Host host, model::Family family) {
    for (const Ruleset* r : of_family(host, family))
        for (const model::Rule& rule : r->rules)
            if (rule.live && (r->target_name(rule) == "SNPT" || r->target_name(rule) == "DNPT"))
                return true;
    return false;
}

}  // namespace

std::vector<std::string> unfollowed(model::Family family, Host before, Host after) {
    std::vector<std::string> out;
    for (Host host : {before, after})
        for (const Ruleset* r : of_family(host, family))
            for (const model::Problem& p : r->unfollowed)
                if (std::find(out.begin(), out.end(), p.message) == out.end())
                    out.push_back(p.message);
    return out;
}

std::vector<std::string> contested_states(model::Family family, Host before, Host after) {
    for (Host host : {before, after}) {
        bool assigns = false;
        bool untracks = false;
        bool asks = false;
        for (const Ruleset* r : of_family(host, family))
            for (const model::Rule& rule : r->rules) {
                if (!rule.live || r->chain(rule.chain).role != model::ChainRole::raw) continue;
                assigns = assigns || rule.target == model::TargetKind::ct_template;
                untracks = untracks || rule.target == model::TargetKind::notrack;
                for (const model::Match& m : r->matches_of(rule))
                    asks = asks || m.kind == model::MatchKind::state ||
                           m.kind == model::MatchKind::conntrack;
            }
        if (assigns && untracks && asks)
            return {
                "a state is tested before conntrack, after NOTRACK and another CT target: which "
                "of the two has won is not followed"};
    }
    return {};
}

Comparison compare(model::Family family, Host before, Host after, const CompareOptions& options) {
    Comparison c;
    c.undecided = unfollowed(family, before, after);
    if (c.undecided.empty() && same_rules(before, after, family)) return {};
    for (std::string& why : contested_states(family, before, after))
        c.undecided.push_back(std::move(why));
    const Host hosts[] = {before, after};
    auto answer = for_orders(family, hosts, {}, options.most_words, [&](PacketSpace& space) {
        return Comparing(space, before, after, options).run();
    });
    if (answer) {
        answer->undecided.insert(answer->undecided.end(), c.undecided.begin(), c.undecided.end());
        c = std::move(*answer);
        if (c.result != Sameness::same) return c;
        if (loses_track(before, family) || loses_track(after, family))
            c.undecided.emplace_back(
                "a rule changes addresses in a way that is not followed (SNPT, DNPT), and the "
                "rules are not the same one by one");
        if (c.undecided.empty()) return c;
    } else {
        c.undecided.emplace_back(
            "the packet sets of these rulesets grow beyond the memory allowed");
    }
    c.result = Sameness::undecided;
    return c;
}

}  // namespace untrack::packet
