// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/selection.hpp"

#include <cctype>
#include <fmt/format.h>

#include "base/spelling.hpp"

namespace untrack::analyzer {

std::vector<RuleIndex> rules_called(std::string_view word) {
    std::vector<RuleIndex> found;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        const Rule& rule = rules()[i];
        bool prefix = word.size() >= 2 && word.starts_with("UT") && rule.code.starts_with(word);
        if (prefix || rule.name == word) found.push_back(static_cast<RuleIndex>(i));
    }
    return found;
}

std::string nearest_rule(const std::string& word) {
    std::string capitals = word;
    for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (const Rule& rule : rules())
        if (capitals.starts_with("UT") && rule.code.starts_with(capitals))
            return fmt::format("did you mean {}?", capitals);
    const Rule* best = nullptr;
    std::size_t least = word.size() / 2 + 1;
    for (const Rule& rule : rules())
        for (std::size_t d : {distance(capitals, rule.code), distance(word, rule.name)})
            if (d < least) {
                least = d;
                best = &rule;
            }
    return best == nullptr ? std::string("`untrack rules' lists them")
                           : fmt::format("did you mean {} ({})?", best->code, best->name);
}

tl::expected<Selection, std::string> Selection::make(const std::vector<std::string>& select,
                                                     const std::vector<std::string>& ignore) {
    Selection s;
    s.chosen_.assign(rules().size(), select.empty());
    for (const auto* words : {&select, &ignore})
        for (const std::string& word : *words) {
            std::vector<RuleIndex> meant = rules_called(word);
            if (meant.empty())
                return tl::make_unexpected(fmt::format("no lint rule is called `{}'", word));
            for (RuleIndex rule : meant) s.chosen_[rule] = words == &select;
        }
    return s;
}

void Selection::set_severity(std::string_view word, Severity severity) {
    severities_.resize(rules().size());
    for (RuleIndex rule : rules_called(word)) severities_[rule] = severity;
}

void Selection::grade(std::vector<Finding>& findings) const {
    if (severities_.empty()) return;
    for (Finding& f : findings) f.severity = severities_[f.code].value_or(f.severity);
}

}  // namespace untrack::analyzer
