// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/driver.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace untrack::analyzer {
namespace {

/// Marks the rules that the word means; false when there are none.
bool mark(std::string_view word, bool value, std::vector<bool>& chosen) {
    bool any = false;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        const Rule& rule = rules()[i];
        bool prefix = word.size() >= 2 && word.starts_with("UT") && rule.code.starts_with(word);
        if (!prefix && rule.name != word) continue;
        chosen[i] = value;
        any = true;
    }
    return any;
}

}  // namespace

tl::expected<Selection, std::string> Selection::make(const std::vector<std::string>& select,
                                                     const std::vector<std::string>& ignore) {
    Selection s;
    s.chosen_.assign(rules().size(), select.empty());
    for (const std::string& word : select)
        if (!mark(word, true, s.chosen_))
            return tl::make_unexpected(fmt::format("no lint rule is called `{}'", word));
    for (const std::string& word : ignore)
        if (!mark(word, false, s.chosen_))
            return tl::make_unexpected(fmt::format("no lint rule is called `{}'", word));
    return s;
}

Findings lint(const FileContext& context, const Selection& selection) {
    Findings findings;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        auto index = static_cast<RuleIndex>(i);
        if (!selection.contains(index) || rules()[i].run == nullptr) continue;
        Reporter reporter(findings, index, rules()[i].severity);
        rules()[i].run(context, reporter);
    }
    std::stable_sort(
        findings.list.begin(), findings.list.end(), [](const Finding& a, const Finding& b) {
            return a.range.begin != b.range.begin ? a.range.begin < b.range.begin : a.code < b.code;
        });
    return findings;
}

}  // namespace untrack::analyzer
