// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut501(const FileContext& file, const ipt::SyntaxTree& tree, Reporter& report) {
    static const ipt::OptionKey state =
        ipt::option_key(ipt::ExtensionKind::match, "state", "--state");
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        const ipt::Line& line = tree.lines[rule.line];
        auto options = tree.options_of(line);
        if (std::none_of(options.begin(), options.end(),
                         [](const ipt::Option& o) { return o.key == state; }))
            continue;
        Fix fix{"write -m conntrack --ctstate", Applicability::unsafe, {}};
        TextRange found{};
        std::string storage;
        for (const ipt::Option& option : options) {
            bool match = option.key == ipt::key(ipt::Base::match);
            bool state_option = option.key == state && (option.flags & ipt::Option::equals) == 0;
            if (!match && !state_option) continue;
            if (match && ipt::first_value(tree, line, option, storage) != "state") continue;
            ipt::OptionWords words(tree, line, option);
            ipt::Word word;
            if (state_option) {
                fix.edits.push_back({words.name(), "--ctstate"});
            } else {
                if (found.empty()) found = ipt::OptionWords::whole(tree, line, option);
                if (words.next(word)) fix.edits.push_back({word.range, "conntrack"});
            }
        }
        if (found.empty()) continue;
        Finding& finding = report.add(
            found,
            "`-m state' is an old name: write `-m conntrack --ctstate', which means the same", id);
        report.details(finding).fixes.push_back(std::move(fix));
    }
}

}  // namespace untrack::analyzer
