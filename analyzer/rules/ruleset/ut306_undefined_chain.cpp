// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <set>

#include "analyzer/context.hpp"
#include "analyzer/frameworks.hpp"

namespace untrack::analyzer {

void ut306(const FileContext& file, Reporter& report) {
    std::set<std::pair<std::uint32_t, std::string_view>> said;
    for (model::RuleId id : file.rules.unknown) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (rule.target != model::TargetKind::external) continue;
        std::string_view name = file.ruleset.target_name(rule);
        bool gone_to = rule.data != 0;
        // Programs load their files on top of chains that are there.
        if ((!gone_to && !must_be_chain(name)) || is_owned_by_program(name)) continue;
        // The first of them is what iptables-restore stops at.
        if (!said.insert({file.ruleset.chain(rule.chain).table.value, name}).second) continue;
        report.add_text(
            file.target_range(rule),
            fmt::format("table {} has no chain `{}'{} refuses the file", file.table_name(rule),
                        name,
                        file.words(", and no target is called so: iptables-restore", ": nft")),
            id);
    }
}

}  // namespace untrack::analyzer
