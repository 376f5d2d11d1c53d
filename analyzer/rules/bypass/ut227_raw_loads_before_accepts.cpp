// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut227(const FileContext& file, const parser::iptables::SyntaxTree&, Reporter& report) {
    model::TableId raw = file.ruleset.find_table("raw");
    model::TableId filter = file.ruleset.find_table("filter");
    if (!raw.valid() || !filter.valid()) return;
    TextRange raw_at = file.ruleset.table(raw).declared;
    if (raw_at.begin > file.ruleset.table(filter).declared.begin) return;
    auto in_raw = [&](model::RuleId id) { return file.table_name(file.ruleset.rule(id)) == "raw"; };
    auto accepts = [&](model::RuleId id) {
        return accepts_only_untracked(file.ruleset, file.ruleset.rule(id));
    };
    if (std::none_of(file.rules.notrack.begin(), file.rules.notrack.end(), in_raw)) return;
    if (std::none_of(file.rules.state_matches.begin(), file.rules.state_matches.end(), accepts))
        return;
    report.add(raw_at,
               "iptables-restore commits a table at a time: at the first load packets are "
               "untracked before filter accepts them, and are lost; put the raw table after "
               "the filter table");
}

}  // namespace untrack::analyzer
