// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/ruleset_text.hpp"

#include <algorithm>

namespace untrack::model {

void RulesetText::add_part(std::uint32_t begin, std::string_view path) {
    if (!parts_.empty()) {
        std::string_view& before = parts_.back().text;
        before = before.substr(0, begin - parts_.back().begin);
    }
    TextPart& added = parts_.emplace_back();
    added.begin = begin;
    added.text = ruleset.text.substr(begin);
    added.path = path;
}

const TextPart& RulesetText::part(std::uint32_t offset) const {
    std::size_t i = parts_.size();
    while (i > 1 && parts_[i - 1].begin > offset) --i;
    return parts_[i - 1];
}

std::vector<TextError> RulesetText::errors() const {
    std::vector<TextError> all = syntax_errors();
    for (const Problem& p : ruleset.problems) all.push_back({p.range, p.message});
    std::stable_sort(all.begin(), all.end(), [](const TextError& a, const TextError& b) {
        return a.range.begin < b.range.begin;
    });
    return all;
}

}  // namespace untrack::model
