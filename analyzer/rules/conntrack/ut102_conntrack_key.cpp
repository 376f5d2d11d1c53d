// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut102(const FileContext& file, Reporter& report) {
    std::string_view message = report.keep(
        fmt::format("this match reads a connection's entry, so it turns connection tracking on "
                    "for every packet of the family; {} do without",
                    file.words("hashlimit and mark", "limits and `meta mark'")));
    for (const model::ConntrackUse& use : file.rules.uses) {
        if (!use.rule.valid()) continue;
        const model::Rule& rule = file.ruleset.rule(use.rule);
        for (const model::Match& m : file.ruleset.matches_of(rule)) {
            if (model::conntrack_need(m) != model::ConntrackNeed::key_match) continue;
            report.add(file.match_range(rule, {"connmark", "connbytes", "connlabel", "connlimit",
                                               "helper", "cluster"}),
                       message, use.rule);
            break;
        }
    }
}

}  // namespace untrack::analyzer
