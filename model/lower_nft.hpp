// SPDX-License-Identifier: GPL-2.0-or-later
// From the syntax tree of nftables text to its ruleset, as packets of one family see it: tables of
// that family and of inet.
#pragma once

#include "model/lower_iptables.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::model {

/// What `nft -f` would load into an empty kernel: commands have had their effect in their order.
/// Statements with syntax errors are left out; the tree's errors say so. A rule of the file may be
/// several of the model (one for each element of a verdict map, one for each effect before a
/// verdict): Rule::line, the index of its node, is the same.
Ruleset lower(const parser::nft::SyntaxTree& tree, const LowerOptions& options);

}  // namespace untrack::model
