// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut502(const FileContext& file, const parser::iptables::SyntaxTree&, Reporter& report) {
    // CT came with Linux 2.6.34.
    if (file.kernel == model::KernelProfile::rhel6_2_6) return;
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (file.ruleset.target_name(rule) != "NOTRACK") continue;
        TextRange range = file.target_range(rule);
        Finding& finding = report.add(
            range, "`-j NOTRACK' is an old name: write `-j CT --notrack', which does the same", id);
        report.details(finding).fixes.push_back(
            {"write -j CT --notrack", Applicability::unsafe, {{range, "-j CT --notrack"}}});
    }
}

}  // namespace untrack::analyzer
