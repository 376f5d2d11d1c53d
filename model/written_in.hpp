// SPDX-License-Identifier: GPL-2.0-or-later
// Which chain's text a rule is part of: a rule of the file can be several of the model.
#pragma once

#include "model/ruleset.hpp"

namespace untrack::model {

/// The chain that the rule is written in. What stands behind an effect can be rules of a chain that
/// no text names; they follow what stands before it, and have the same line.
inline const Chain& written_in(const Ruleset& ruleset, RuleId rule) {
    std::uint32_t first = rule.value;
    while (first > 0 && ruleset.rules[first - 1].line == ruleset.rules[rule.value].line) --first;
    return ruleset.chain(ruleset.rules[first].chain);
}

}  // namespace untrack::model
