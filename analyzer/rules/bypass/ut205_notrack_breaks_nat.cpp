// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Truth;

/// Answers are not looked at by NAT rules: a rule that goes only by source port takes answers.
bool takes_answers(const FileContext& file, const model::Rule& rule) {
    return has_match(file.ruleset, rule, {model::MatchKind::source_port}) &&
           !has_match(file.ruleset, rule, {model::MatchKind::destination_port});
}

/// The single destination port that a rule asks for; none when it asks for several, or for no
/// particular one.
std::optional<std::uint16_t> only_port(const model::Ruleset& ruleset, const model::Rule& rule) {
    for (const model::Match& m : ruleset.matches_of(rule))
        if (m.kind == model::MatchKind::destination_port && !m.negated && m.count == 0 &&
            m.payload.ports.first == m.payload.ports.last)
            return m.payload.ports.first;
    return std::nullopt;
}

/// NAT rules by the port they ask for, so that thousands of them are not tried against thousands of
/// NOTRACK rules.
class NatRules {
  public:
    explicit NatRules(const FileContext& file) : file_(file) {
        for (model::RuleId id : file.rules.nat) {
            auto port = only_port(file.ruleset, file.ruleset.rule(id));
            (port ? by_port_[*port] : any_port_).push_back(id);
        }
    }
    /// Those that may speak of packets of this rule, in file order within each kind.
    [[nodiscard]] std::vector<model::RuleId> beside(const model::Rule& rule) const {
        auto port = only_port(file_.ruleset, rule);
        if (!port) return file_.rules.nat;
        std::vector<model::RuleId> list;
        if (auto it = by_port_.find(*port); it != by_port_.end()) list = it->second;
        list.insert(list.end(), any_port_.begin(), any_port_.end());
        return list;
    }

  private:
    const FileContext& file_;
    std::map<std::uint16_t, std::vector<model::RuleId>> by_port_;
    std::vector<model::RuleId> any_port_;
};

}  // namespace

void ut205(const FileContext& file, Reporter& report) {
    NatRules nat_rules(file);
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto raw = path_to(file, id);
        if (!raw || takes_answers(file, rule)) continue;
        std::vector<packet::Path> raw_ways = paths_through(file.ruleset.chain(raw->base).hook);
        for (model::RuleId nat_id : nat_rules.beside(rule)) {
            auto nat = path_to(file, nat_id);
            if (!nat) continue;
            bool found = false;
            for (packet::Path way : paths_through(file.ruleset.chain(nat->base).hook)) {
                if (std::find(raw_ways.begin(), raw_ways.end(), way) == raw_ways.end()) continue;
                auto p = packet_for(file, way, {&*raw, &*nat});
                if (!p || file.treatment_tracer().trace(*p, false).untracked != Truth::yes)
                    continue;
                const model::Rule& nat_rule = file.ruleset.rule(nat_id);
                packet::Trace tracked =
                    file.treatment_tracer().trace(in_state(*p, ConntrackState::new_), true);
                bool hit = std::any_of(tracked.steps.begin(), tracked.steps.end(),
                                       [&](const packet::Step& s) { return s.rule == nat_id; });
                if (!hit) continue;
                Finding& finding = report.add_text(
                    file.target_range(rule),
                    fmt::format("line {} ({}) would translate some of these packets, but NAT never "
                                "touches untracked ones: they go out, or come in, with the "
                                "addresses they have; for example {}; leave them tracked",
                                file.line_number(nat_rule), file.ruleset.target_name(nat_rule),
                                packet::to_words(*p)),
                    id);
                report.details(finding).witness = *p;
                found = true;
                break;
            }
            if (found) break;
        }
    }
}

}  // namespace untrack::analyzer
