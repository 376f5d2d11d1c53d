// SPDX-License-Identifier: GPL-2.0-or-later
// Trees of nftables text as text: for dumps and tests.
#pragma once

#include <string>

#include "parser/nft/syntax.hpp"

namespace untrack::parser::nft {

/// The kind, and what detail, flags and the text say: "match==", "ip4 10.0.0.1".
std::string description(const SyntaxTree& tree, const Node& node);
/// With the children in parentheses: "match(ip saddr, ip4 10.0.0.1)".
std::string shape(const SyntaxTree& tree, const Node& node);

}  // namespace untrack::parser::nft
