// SPDX-License-Identifier: GPL-2.0-or-later
// Whether two rulesets say the same, rule for rule: the cheap answer, for texts that differ in
// spelling alone. What is not equal may still mean the same; packet/compare tells.
#pragma once

#include "model/ruleset.hpp"

namespace untrack::model {

/// Whether the rules ask the same in the same order and then do the same. Both rulesets must have
/// their target_texts.
bool equal_rules(const Ruleset& a, RuleId x, const Ruleset& b, RuleId y);

/// Whether tables, chains and all rules in their order are equal, and what needs connection
/// tracking or is not followed is as much.
bool equal_rulesets(const Ruleset& a, const Ruleset& b);

}  // namespace untrack::model
