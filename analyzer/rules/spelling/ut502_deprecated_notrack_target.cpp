// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/respelling.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut502(const FileContext& file, const ipt::SyntaxTree& tree, Reporter& report) {
    // CT came with Linux 2.6.34.
    if (file.kernel == model::KernelProfile::rhel6_2_6) return;
    std::vector<Respelling> all;
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (file.ruleset.target_name(rule) != "NOTRACK") continue;
        Respelling found{file.target_range(rule),
                         rule.line,
                         id,
                         {"write -j CT --notrack", Applicability::unsafe, FixKind::spelling, {}}};
        for (const ipt::Option& option : tree.options_of(tree.lines[rule.line])) {
            if (option.key != ipt::key(ipt::Base::jump)) continue;
            ipt::OptionWords words(tree, tree.lines[rule.line], option);
            ipt::Word word;
            // iptables-nft 1.8.9 takes -jNOTRACK, but not -jCT with an option (measured).
            if ((option.flags & (ipt::Option::glued | ipt::Option::equals)) != 0) {
                found.fix.edits.push_back({words.name(), "-j CT --notrack"});
            } else if (words.next(word)) {
                found.fix.edits.push_back({word.range, "CT --notrack"});
            }
        }
        all.push_back(std::move(found));
    }
    report_respellings(file, tree, std::move(all),
                       "`-j NOTRACK' is an old name: write `-j CT --notrack', which does the same",
                       report);
}

}  // namespace untrack::analyzer
