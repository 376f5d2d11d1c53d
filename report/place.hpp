// SPDX-License-Identifier: GPL-2.0-or-later
// Where in the files a rule or policy stands.
#pragma once

#include <span>
#include <string_view>

#include "model/ruleset_text.hpp"
#include "packet/trace.hpp"

namespace untrack::report {

/// Of the rulesets that a report speaks of.
using RulesetTexts = std::span<const model::RulesetText* const>;

struct Place {
    std::string_view path;
    std::uint32_t line = 0;  ///< from 1; 0: a policy that no line of the file sets
    std::string_view rule;   ///< its text
};
/// Of the rule or policy of a step; empty when none of the texts is its ruleset's.
Place place_of(const packet::Step& step, RulesetTexts texts);

}  // namespace untrack::report
