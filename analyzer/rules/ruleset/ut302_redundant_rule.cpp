// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/coverage_text.hpp"
#include "analyzer/frameworks.hpp"
#include "analyzer/related.hpp"
#include "analyzer/removal.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut302(const FileContext& file, Reporter& report) {
    std::optional<Twins> twins;
    Removals removals(file);
    for (const packet::IdleRule& idle : file.coverage().idle) {
        bool repeated = idle.why == packet::Idleness::repeated;
        if (!repeated && idle.why != packet::Idleness::followed) continue;
        const model::Rule& rule = file.ruleset.rule(idle.rule);
        // What a program writes there is not for an admin to tidy up.
        if (is_owned_by_program(file.ruleset.chain(rule.chain).name)) continue;
        if (repeated && !twins) twins.emplace(file);
        if (repeated && twins->of(idle.rule).valid()) continue;  // UT308
        std::string message =
            repeated ? fmt::format(
                           "{} all packets of this rule first, with the same verdict, for "
                           "example {}: this rule can go",
                           takers(file, idle), packet::to_words(*idle.witness))
                     : fmt::format(
                           "without this rule {} its packets, with the same verdict, for "
                           "example {}: this rule can go",
                           takers(file, idle), packet::to_words(*idle.witness));
        Finding& finding = report.add_text(file.range(rule), std::move(message), idle.rule);
        relate_takers(report.details(finding), file, idle);
        report.details(finding).witness = idle.witness;
        if (auto fix = removals.of(idle.rule))
            report.details(finding).fixes.push_back(std::move(*fix));
    }
}

}  // namespace untrack::analyzer
