// SPDX-License-Identifier: GPL-2.0-or-later
// The text of rules that a conversion adds, made from the bytes of the rules it stands beside.
#pragma once

#include <string>

#include "parser/iptables/syntax.hpp"
#include "rewriter/conversion.hpp"

namespace untrack::rewriter {

/// "-m tcp --dport 80" or "-m multiport --sports 80,443"; more than one when multiport's 15 places
/// do not do.
std::vector<std::string> port_matches(const Service& service, bool answer, bool plain);

/// The rule of this line for UNTRACKED packets of the service, without counters and line end; one
/// text for each port match needed.
std::vector<std::string> untracked_copy(const parser::iptables::SyntaxTree& tree,
                                        const parser::iptables::Line& line,
                                        const CopyOptions& options);

}  // namespace untrack::rewriter
