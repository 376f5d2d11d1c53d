// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

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

}  // namespace

void ut205(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto raw = path_to(file, id);
        if (!raw || takes_answers(file, rule)) continue;
        std::vector<packet::Path> raw_ways = paths_through(file.ruleset.chain(raw->base).hook);
        for (model::RuleId nat_id : file.rules.nat) {
            auto nat = path_to(file, nat_id);
            if (!nat) continue;
            bool found = false;
            for (packet::Path way : paths_through(file.ruleset.chain(nat->base).hook)) {
                if (std::find(raw_ways.begin(), raw_ways.end(), way) == raw_ways.end()) continue;
                auto p = packet_for(file, way, {&*raw, &*nat});
                if (!p || file.tracer().trace(*p, false).untracked != Truth::yes) continue;
                const model::Rule& nat_rule = file.ruleset.rule(nat_id);
                packet::Trace tracked =
                    file.tracer().trace(in_state(*p, ConntrackState::new_), true);
                bool hit = std::any_of(tracked.steps.begin(), tracked.steps.end(),
                                       [&](const packet::Step& s) { return s.rule == nat_id; });
                if (!hit) continue;
                Finding& finding = report.add_text(
                    file.target_range(rule),
                    fmt::format("line {} ({}) would translate some of these packets, but NAT never "
                                "touches untracked ones: they go out, or come in, with the "
                                "addresses they have; for example {}; leave them tracked",
                                file.line_number(nat_rule),
                                file.ruleset.string(nat_rule.target_name), packet::to_words(*p)),
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
