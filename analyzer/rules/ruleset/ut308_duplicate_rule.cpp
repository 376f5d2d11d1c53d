// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/coverage_text.hpp"
#include "analyzer/frameworks.hpp"
#include "analyzer/related.hpp"
#include "analyzer/removal.hpp"

namespace untrack::analyzer {
namespace {

/// Whether coverage says that rules before it take all its packets and do the same.
bool is_repeated(const FileContext& file, model::RuleId rule) {
    const auto& idle = file.coverage().idle;
    auto it = std::lower_bound(
        idle.begin(), idle.end(), rule,
        [](const packet::IdleRule& a, model::RuleId b) { return a.rule.value < b.value; });
    return it != idle.end() && it->rule == rule && it->why == packet::Idleness::repeated;
}

}  // namespace

void ut308(const FileContext& file, Reporter& report) {
    Twins twins(file);
    Removals removals(file);
    for (std::size_t i = 0; i < file.ruleset.rules.size(); ++i) {
        model::RuleId id(i);
        model::RuleId first = twins.of(id);
        if (!first.valid()) continue;
        const model::Rule& rule = file.ruleset.rule(id);
        // NOTRACK twice is UT219's.
        if (rule.target == model::TargetKind::notrack ||
            is_owned_by_program(file.ruleset.chain(rule.chain).name))
            continue;
        bool dead = is_repeated(file, id);
        if (!dead && !repeats(file, first, id)) continue;
        bool again =
            rule.target == model::TargetKind::log || rule.target == model::TargetKind::none;
        Finding& finding = report.add_text(
            file.range(rule),
            fmt::format("this is line {} again{}: delete one of the two",
                        file.line_number(file.ruleset.rule(first)),
                        again ? ", and its packets are logged or counted twice" : ""),
            id);
        relate(report.details(finding), file, first, "is the same rule");
        if (auto fix = removals.of(id)) report.details(finding).fixes.push_back(std::move(*fix));
    }
}

}  // namespace untrack::analyzer
