// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "analyzer/respelling.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut501(const FileContext& file, const ipt::SyntaxTree& tree, Reporter& report) {
    static const ipt::OptionKey state =
        ipt::option_key(ipt::ExtensionKind::match, "state", "--state");
    std::vector<Respelling> all;
    std::string storage;
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        const ipt::Line& line = tree.lines[rule.line];
        auto options = tree.options_of(line);
        if (std::none_of(options.begin(), options.end(),
                         [](const ipt::Option& o) { return o.key == state; }))
            continue;
        Respelling found{
            {},
            rule.line,
            id,
            {"write -m conntrack --ctstate", Applicability::unsafe, FixKind::spelling, {}}};
        for (const ipt::Option& option : options) {
            bool match = option.key == ipt::key(ipt::Base::match);
            if (!match && option.key != state) continue;
            if (match && ipt::first_value(tree, line, option, storage) != "state") continue;
            ipt::OptionWords words(tree, line, option);
            ipt::Word word;
            if (!match) {
                TextRange name = words.name();
                std::size_t equals = tree.text.substr(name.begin, name.size()).find('=');
                if ((option.flags & ipt::Option::equals) != 0)
                    name.end = name.begin + static_cast<std::uint32_t>(equals);
                found.fix.edits.push_back({name, "--ctstate"});
            } else {
                if (found.range.empty()) found.range = ipt::OptionWords::whole(tree, line, option);
                if ((option.flags & (ipt::Option::glued | ipt::Option::equals)) != 0) {
                    found.fix.edits.push_back({words.name(), "-m conntrack"});
                } else if (words.next(word)) {
                    found.fix.edits.push_back({word.range, "conntrack"});
                }
            }
        }
        if (!found.range.empty()) all.push_back(std::move(found));
    }
    report_respellings(
        file, tree, std::move(all),
        "`-m state' is an old name: write `-m conntrack --ctstate', which means the same", report);
}

}  // namespace untrack::analyzer
