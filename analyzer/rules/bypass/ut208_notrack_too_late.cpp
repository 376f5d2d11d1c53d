// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut208(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (file.ruleset.chain(rule.chain).role == model::ChainRole::raw) continue;
        report.add_text(file.target_range(rule),
                        fmt::format("the kernel refuses this in table {}: by then conntrack has "
                                    "seen the packet; put the rule into the raw table",
                                    file.table_name(rule)),
                        id);
    }
}

}  // namespace untrack::analyzer
