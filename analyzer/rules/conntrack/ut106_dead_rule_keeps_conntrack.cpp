// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut106(const FileContext& file, Reporter& report) {
    for (const model::ConntrackUse& use : file.rules.uses) {
        if (!use.rule.valid()) continue;
        const model::Rule& rule = file.ruleset.rule(use.rule);
        if (file.reachable(rule.chain)) continue;
        report.add_text(file.range(rule),
                        fmt::format("no packet reaches chain {}, and still this rule turns "
                                    "connection tracking on: delete it or jump to its chain",
                                    file.ruleset.chain(rule.chain).name),
                        use.rule);
    }
}

}  // namespace untrack::analyzer
