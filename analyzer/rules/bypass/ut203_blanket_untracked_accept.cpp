// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Truth;
using packet::Verdict;

bool goes_by_source_port(const FileContext& file, const model::Rule& rule) {
    return has_match(file.ruleset, rule, {model::MatchKind::source_port}) &&
           !has_match(file.ruleset, rule, {model::MatchKind::destination_port});
}

}  // namespace

void ut203(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (!accepts_only_untracked(file.ruleset, rule)) continue;
        if (has_match(file.ruleset, rule,
                      {model::MatchKind::source_port, model::MatchKind::destination_port,
                       model::MatchKind::either_port}))
            continue;
        auto accept = path_to(file, id);
        if (!accept) continue;
        for (model::RuleId notrack_id : file.rules.notrack) {
            const model::Rule& notrack = file.ruleset.rule(notrack_id);
            auto raw = path_to(file, notrack_id);
            if (!raw || !goes_by_source_port(file, notrack) ||
                file.ruleset.chain(raw->base).hook != model::Hook::prerouting)
                continue;
            bool found = false;
            for (packet::Path way : paths_through(file.ruleset.chain(accept->base).hook)) {
                if (way == packet::Path::output) continue;
                auto p = packet_for(file, way, {&*raw, &*accept});
                if (!p) continue;
                packet::Trace open = file.tracer().trace(*p, false);
                if (open.verdict != Verdict::accept || open.untracked != Truth::yes) continue;
                if (file.tracer().trace(in_state(*p, ConntrackState::new_), false).verdict ==
                    Verdict::accept)
                    continue;
                Finding& finding = report.add_text(
                    file.range(rule),
                    fmt::format("anyone reaches any port from the source port that line {} leaves "
                                "untracked, for example {}: accept UNTRACKED only with the "
                                "service's protocol and port, and answers only without SYN",
                                file.line_number(notrack), packet::to_words(*p)),
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
