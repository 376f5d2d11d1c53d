// SPDX-License-Identifier: GPL-2.0-or-later
// The files that an nftables ruleset includes, found as nft finds them.
#pragma once

#include <string>

#include "parser/nft/syntax.hpp"

namespace untrack::model {

/// Reads what the tree's file includes, and what that includes, into the tree. `text` becomes what
/// the tree refers to, when there is anything to read.
void read_includes(parser::nft::SyntaxTree& tree, std::string& text);

}  // namespace untrack::model
