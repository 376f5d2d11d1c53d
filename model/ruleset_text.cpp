// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/ruleset_text.hpp"

#include <algorithm>

namespace untrack::model {

std::vector<TextError> RulesetText::errors() const {
    std::vector<TextError> all = syntax_errors();
    for (const Problem& p : ruleset.problems) all.push_back({p.range, p.message});
    std::stable_sort(all.begin(), all.end(), [](const TextError& a, const TextError& b) {
        return a.range.begin < b.range.begin;
    });
    return all;
}

}  // namespace untrack::model
