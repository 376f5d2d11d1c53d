// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {
namespace {

/// A rule whose only business with conntrack is to ask for UNTRACKED.
bool asks_only_for_untracked(const model::Ruleset& ruleset, const model::Rule& rule) {
    if (model::conntrack_need(rule.target) != model::ConntrackNeed::none) return false;
    for (const model::Match& m : ruleset.matches_of(rule)) {
        if (model::conntrack_need(m) == model::ConntrackNeed::none) continue;
        if (m.kind != model::MatchKind::state || m.payload.state != model::state_untracked)
            return false;
    }
    return true;
}

}  // namespace

void ut105(const FileContext& file, Reporter& report) {
    if (file.rules.uses.empty()) return;
    for (const model::ConntrackUse& use : file.rules.uses)
        if (!use.rule.valid() ||
            !asks_only_for_untracked(file.ruleset, file.ruleset.rule(use.rule)))
            return;
    for (const model::ConntrackUse& use : file.rules.uses)
        report.add(file.match_range(file.ruleset.rule(use.rule), {"state", "conntrack"}),
                   "nothing in this file needs connection tracking but such tests of UNTRACKED, "
                   "which turn it on: take the test away (and the NOTRACK rules)",
                   use.rule);
}

}  // namespace untrack::analyzer
