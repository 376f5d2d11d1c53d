// SPDX-License-Identifier: GPL-2.0-or-later
// What iptables 1.8.9, or the kernel when it loads the rule, refuses in lines that can be read:
// values, options that are missing, that come twice or that exclude each other, places.
#pragma once

#include <string>
#include <vector>

#include "model/chain_jumps.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

struct Refusal {
    TextRange range;      ///< the value, option or -m that is refused
    std::string message;  ///< what is wrong and what was expected
    RuleId rule;          ///< none for a rule that the file deletes
};

/// All refusals of a file, in its order. Lines that have a syntax error or a problem have none:
/// those say already that the line cannot be loaded. What depends on the host is no refusal.
std::vector<Refusal> refusals(const parser::iptables::SyntaxTree& tree, const Ruleset& ruleset,
                              const ChainJumps& jumps);

}  // namespace untrack::model
