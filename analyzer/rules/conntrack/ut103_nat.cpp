// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut103(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.nat)
        report.add(file.target_range(file.ruleset.rule(id)),
                   "address translation turns connection tracking on for every packet of the "
                   "family, and untracked packets are not translated: keep it only where addresses "
                   "cannot be routed",
                   id);
    // On old kernels a nat table tracks without any rule.
    for (const model::ConntrackUse& use : file.rules.uses)
        if (!use.rule.valid() && use.need == model::ConntrackNeed::nat)
            report.add(use.declared,
                       "on this kernel a nat table turns connection tracking on by being there, "
                       "even without rules: take the table out");
}

}  // namespace untrack::analyzer
