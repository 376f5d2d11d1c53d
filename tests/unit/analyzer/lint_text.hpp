// SPDX-License-Identifier: GPL-2.0-or-later
// What lint says of a text, for tests.
#pragma once

#include <string>
#include <vector>

#include "analyzer/driver.hpp"
#include "base/line_index.hpp"
#include "model/nft_text.hpp"
#include "tests/unit/ruleset_text.hpp"

namespace untrack::test {

/// "CODE:LINE" of each.
inline std::string codes_and_lines(const analyzer::Findings& findings, std::string_view text) {
    LineIndex lines(text);
    std::string out;
    for (const analyzer::Finding& f : findings.list)
        out += std::string(analyzer::rules()[f.code].code) + ":" +
               std::to_string(lines.place(f.range.begin).line) + " ";
    return out;
}

/// "CODE:LINE" of every finding of the rules that begin with the prefixes.
inline std::string lint(std::string_view text, const std::vector<std::string>& select,
                        model::Family family = model::Family::ip,
                        model::KernelProfile kernel = model::KernelProfile::modern) {
    Loaded l(text, family);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, kernel);
    return codes_and_lines(analyzer::lint(file, analyzer::Selection::make(select, {}).value()),
                           l.file.text());
}

/// The same of nftables text, as the packets of both families meet it.
inline std::string lint_nft(std::string_view text, const std::vector<std::string>& select,
                            model::KernelProfile kernel = model::KernelProfile::modern) {
    LoadedNft four(text, model::Family::ip);
    LoadedNft six(text, model::Family::ip6);
    EXPECT_TRUE(four.tree.errors.empty()) << text;
    model::NftText texts[] = {{four.tree, four.ruleset}, {six.tree, six.ruleset}};
    std::vector<std::unique_ptr<analyzer::FileContext>> views;
    for (const model::NftText& t : texts)
        views.push_back(std::make_unique<analyzer::FileContext>(t, kernel));
    return codes_and_lines(analyzer::lint(views, analyzer::Selection::make(select, {}).value(), 1),
                           text);
}

}  // namespace untrack::test
