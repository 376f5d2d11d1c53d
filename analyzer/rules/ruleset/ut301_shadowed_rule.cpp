// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/coverage_text.hpp"
#include "analyzer/frameworks.hpp"
#include "analyzer/related.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut301(const FileContext& file, Reporter& report) {
    for (const packet::IdleRule& idle : file.coverage().idle) {
        if (idle.why != packet::Idleness::shadowed) continue;
        const model::Rule& rule = file.ruleset.rule(idle.rule);
        // What a program writes there is not for an admin to mend.
        if (is_owned_by_program(file.ruleset.chain(rule.chain).name)) continue;
        std::string who = idle.blockers.size() == 1
                              ? ""
                              : fmt::format("; {} takes most of what is treated otherwise",
                                            place(file, idle.taker, rule.chain));
        Finding& finding = report.add_text(
            file.range(rule),
            fmt::format(
                "{} all packets of this rule first{}. It {} {}: move this rule up, or delete "
                "it",
                takers(file, idle), who, deed(file, idle.taker), packet::to_words(*idle.witness)),
            idle.rule);
        relate_takers(report.details(finding), file, idle);
        report.details(finding).witness = idle.witness;
    }
}

}  // namespace untrack::analyzer
