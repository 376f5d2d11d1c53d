// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::ConntrackMatch;
using packet::Packet;

constexpr model::StateSet before_conntrack = model::state_invalid | model::state_untracked;
constexpr model::StateSet behind_it = model::state_new | model::state_related |
                                      model::state_established | model::state_snat |
                                      model::state_dnat;

/// The states in which all tests of the rule hold; none where it reads more of an entry, which
/// no packet has yet.
model::StateSet asked(const model::Ruleset& r, const model::Rule& rule) {
    model::StateSet states = before_conntrack | behind_it;
    for (const model::Match& m : r.matches_of(rule)) {
        if (m.kind == model::MatchKind::state) {
            states &= static_cast<model::StateSet>(m.negated ? ~m.payload.state : m.payload.state);
        } else if (m.kind == model::MatchKind::conntrack) {
            const ConntrackMatch& c = r.conntrack[m.payload.pool.first];
            if ((c.has & ConntrackMatch::ctstate) == 0) return 0;
            bool negated = (c.negated & ConntrackMatch::ctstate) != 0;
            states &= static_cast<model::StateSet>(negated ? ~c.states : c.states);
        }
    }
    return states;
}

/// UNTRACKED, or everything but UNTRACKED, can be meant here.
bool is_meant(model::StateSet states) {
    constexpr model::StateSet known =
        before_conntrack | model::state_new | model::state_related | model::state_established;
    model::StateSet said = states & known;
    return said == model::state_untracked || said == known ||
           said == (known & ~model::state_untracked);
}

/// Chains that packets enter behind conntrack, too.
std::vector<bool> entered_behind(const model::Ruleset& r) {
    std::vector<bool> entered(r.chains.size());
    std::vector<model::ChainId> todo;
    for (std::size_t i = 0; i < r.chains.size(); ++i)
        if (r.chains[i].base && r.chains[i].role != model::ChainRole::raw) {
            entered[i] = true;
            todo.emplace_back(i);
        }
    while (!todo.empty()) {
        model::ChainId chain = todo.back();
        todo.pop_back();
        for (model::RuleId id : r.rules_of(r.chain(chain))) {
            model::ChainId next = r.rule(id).jump;
            if (!next.valid() || entered[next.value]) continue;
            entered[next.value] = true;
            todo.push_back(next);
        }
    }
    return entered;
}

/// A packet that satisfies all the rest of the rule, and that the rule matches or not as it should.
/// Over lo PREROUTING knows the state from OUTPUT.
std::optional<Packet> shown(const FileContext& file, const RulePath& path, bool matched) {
    return witness(file, {&path}, [&](const Packet& p) {
        if (p.in_interface == "lo" && file.ruleset.chain(path.base).hook == model::Hook::prerouting)
            return false;
        packet::Trace trace = file.raw_tracer().trace(p, true);
        return matched ==
               std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
                   return s.rule == path.rules.back() && s.matched != packet::Truth::no;
               });
    });
}

}  // namespace

void ut220(const FileContext& file, Reporter& report) {
    std::vector<bool> behind;
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (file.role(rule.chain) != model::ChainRole::raw) continue;
        if (behind.empty()) behind = entered_behind(file.ruleset);
        model::StateSet states = asked(file.ruleset, rule);
        auto path = path_to(file, id);
        if (behind[rule.chain.value] || is_meant(states) || !path) continue;
        bool matches = (states & model::state_invalid) != 0;
        auto p = shown(file, *path, matches);
        if (!p) continue;
        std::string_view where = file.words("in the raw table", "at this priority");
        Finding& finding = report.add_text(
            file.match_range(rule, {"state", "conntrack"}),
            matches ? fmt::format(
                          "{} conntrack has not seen the packet yet: each that is not "
                          "untracked is INVALID here, so this test holds for all of them, those "
                          "of open connections, too, for example {}; test the state {}",
                          where, packet::to_words(*p),
                          file.words("in the mangle or filter table",
                                     "in a chain with a priority above -200"))
                    : fmt::format(
                          "{} conntrack has not seen the packet yet: each is INVALID or "
                          "UNTRACKED here, so {} {}, for example {}; test the "
                          "state {}",
                          where,
                          (states & model::state_untracked) != 0 ? "of these states only UNTRACKED"
                                                                 : "this rule",
                          (states & model::state_untracked) != 0 ? "is ever met" : "never matches",
                          packet::to_words(*p),
                          file.words("in the mangle or filter table",
                                     "in a chain with a priority above -200")),
            id);
        report.details(finding).witness = *p;
    }
}

}  // namespace untrack::analyzer
