// SPDX-License-Identifier: GPL-2.0-or-later
// What a ruleset's comments tell lint, and what each of them is about. Own lines and, since save
// formats lose those, the rules' own comments:
//     # untrack: ignore[UT203] reason          the next rule or declaration
//     # untrack: ignore-file[UT3,UT501] reason the whole file
//     comment "untrack:ignore=UT203 reason"    the rule that has it; both spellings in both places
#pragma once

#include <string>
#include <vector>

#include "base/text_range.hpp"
#include "model/ruleset_text.hpp"

namespace untrack::analyzer {

/// One suppression.
struct Directive {
    TextRange range;               ///< from "untrack:" to the end of its codes
    std::vector<TextRange> words;  ///< the codes, as they are written
    /// Findings that begin in it, its end included, are meant; empty when nothing stands there.
    TextRange scope;
    bool whole_file = false;
    std::string problem;  ///< why it cannot be one: it has no words then
};

/// All of the text, in order. Costs one search for "untrack:" where there are none.
std::vector<Directive> find_directives(const model::RulesetText& text);

}  // namespace untrack::analyzer
