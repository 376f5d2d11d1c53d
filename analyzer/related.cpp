// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/related.hpp"

namespace untrack::analyzer {

void relate(FindingDetails& details, const FileContext& file, model::RuleId rule,
            std::string_view what) {
    details.related.push_back({file.range(file.ruleset.rule(rule)), what});
}

void relate_takers(FindingDetails& details, const FileContext& file, const packet::IdleRule& idle) {
    constexpr std::size_t most = 8;
    for (const packet::Blocker& blocker : idle.blockers) {
        if (!blocker.rule.valid()) continue;
        if (details.related.size() == most) return;
        relate(details, file, blocker.rule, "takes packets of the rule");
    }
}

}  // namespace untrack::analyzer
