// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a file is for iptables or for ip6tables, which it does not say.
#pragma once

#include "model/ruleset.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

struct FamilyGuess {
    Family family = Family::ip;
    bool settled = false;  ///< enough is known: further lines would change nothing
};

/// The family a file is for: from its addresses and protocols, and then its name ("ip6tables",
/// "rules.v6") or who saved it; ip when nothing tells.
FamilyGuess guess_family(std::string_view path, const parser::iptables::SyntaxTree& tree);

}  // namespace untrack::model
