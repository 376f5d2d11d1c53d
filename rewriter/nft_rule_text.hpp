// SPDX-License-Identifier: GPL-2.0-or-later
// The text of nftables rules that a conversion adds, made from the bytes of the rules it stands
// beside.
#pragma once

#include <optional>
#include <string>

#include "parser/nft/syntax.hpp"
#include "rewriter/conversion.hpp"

namespace untrack::rewriter {

/// "tcp dport 80" or "tcp sport { 80, 443 }".
std::string nft_ports(const Service& service, bool answer);

/// The statements of this rule for UNTRACKED packets of the service, with "add rule ..." in front
/// when it is a command; nothing when its test of the state cannot be taken out. `rule` is the part
/// of it that the copy is for: of a verdict map, the verdict.
std::optional<std::string> nft_untracked_copy(const parser::nft::SyntaxTree& tree,
                                              const model::Ruleset& ruleset,
                                              const model::Rule& rule, const CopyOptions& options);

/// What the rule asks of addresses and interfaces where `beside` does not, as conditions for a copy
/// of `beside`; turned round for answers.
std::string nft_way(const parser::nft::SyntaxTree& tree, const model::Rule& rule,
                    const model::Rule& beside, const Traffic& traffic);

/// Whether the rule does something to each packet that it should do to each connection: limits,
/// logs, counts in sets.
bool acts_on_each_packet(const parser::nft::Node& rule);

}  // namespace untrack::rewriter
