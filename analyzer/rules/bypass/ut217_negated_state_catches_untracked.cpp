// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/related.hpp"
#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Verdict;

/// Written about tracked states, and met by untracked packets all the same.
bool forgets_untracked(const model::Ruleset& ruleset, const model::Rule& rule) {
    if (rule.target != model::TargetKind::drop && rule.target != model::TargetKind::reject)
        return false;
    for (const model::Match& m : ruleset.matches_of(rule))
        if (m.kind == model::MatchKind::state && m.negated &&
            (m.payload.state & model::state_untracked) == 0)
            return true;
    return false;
}

/// A packet that the rule drops only because it is untracked.
std::optional<packet::Packet> victim(const FileContext& file, const RulePath& notrack,
                                     const RulePath& drop) {
    model::RuleId id = drop.rules.back();
    return witness(file, {&notrack, &drop}, [&](const packet::Packet& p) {
        packet::Trace trace = file.tracer().trace(p, false);
        return trace.untracked == packet::Truth::yes && trace.decision.rule == id &&
               trace.verdict != Verdict::accept &&
               file.tracer().trace(in_state(p, ConntrackState::established), false).decision.rule !=
                   id;
    });
}

}  // namespace

void ut217(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (!forgets_untracked(file.ruleset, rule)) continue;
        auto drop = path_to(file, id);
        if (!drop) continue;
        for (model::RuleId notrack_id : file.rules.notrack) {
            auto raw = path_to(file, notrack_id);
            if (!raw) continue;
            auto p = victim(file, *raw, *drop);
            if (!p) continue;
            Finding& finding = report.add_text(
                file.match_range(rule, {"state", "conntrack"}),
                fmt::format(
                    "`{}' means every state that is not listed, so this drops the packets that "
                    "line {} leaves untracked, for example {}: add UNTRACKED to "
                    "the list, or accept those packets before",
                    file.words("!", "!="), file.line_number(file.ruleset.rule(notrack_id)),
                    packet::to_words(*p)),
                id);
            relate(report.details(finding), file, notrack_id, "leaves the packets untracked");
            report.details(finding).witness = *p;
            break;
        }
    }
}

}  // namespace untrack::analyzer
