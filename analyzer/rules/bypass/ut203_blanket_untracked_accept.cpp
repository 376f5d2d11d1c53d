// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/related.hpp"
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

/// A packet from the source port that passes only because it is untracked.
std::optional<packet::Packet> intruder(const FileContext& file, const RulePath& notrack,
                                       const RulePath& accept) {
    return witness(file, {&notrack, &accept}, [&](const packet::Packet& p) {
        packet::Trace open = file.tracer().trace(p, false);
        return open.verdict == Verdict::accept && open.untracked == Truth::yes &&
               file.tracer().trace(in_state(p, ConntrackState::new_), false).verdict !=
                   Verdict::accept;
    });
}

}  // namespace

void ut203(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (!accepts_only_untracked(file.ruleset, rule) ||
            has_match(file.ruleset, rule,
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
            auto p = intruder(file, *raw, *accept);
            if (!p) continue;
            Finding& finding = report.add_text(
                file.range(rule),
                fmt::format("anyone reaches any port from the source port that line {} leaves "
                            "untracked, for example {}: accept UNTRACKED only with the "
                            "service's protocol and port, and answers only without SYN",
                            file.line_number(notrack), packet::to_words(*p)),
                id);
            relate(report.details(finding), file, notrack_id, "leaves the packets untracked");
            report.details(finding).witness = *p;
            break;
        }
    }
}

}  // namespace untrack::analyzer
