// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut104(const FileContext& file, Reporter& report) {
    std::string_view message = report.keep(
        fmt::format("this {} works on a connection's entry, so it turns connection tracking "
                    "on for every packet of the family; {} do without",
                    file.words("target", "statement"),
                    file.words("MARK and CT --notrack", "`meta mark set' and `notrack'")));
    for (const model::ConntrackUse& use : file.rules.uses) {
        if (!use.rule.valid()) {
            if (use.need == model::ConntrackNeed::target)
                report.add(use.declared,
                           "this turns connection tracking on for every packet of the family by "
                           "being declared: take it away if nothing uses it");
            continue;
        }
        const model::Rule& rule = file.ruleset.rule(use.rule);
        if (model::conntrack_need(rule.target) == model::ConntrackNeed::target)
            report.add(file.target_range(rule), message, use.rule);
    }
}

}  // namespace untrack::analyzer
