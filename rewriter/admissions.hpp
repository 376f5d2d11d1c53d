// SPDX-License-Identifier: GPL-2.0-or-later
// From where a service's questions are let in: what stateless copies of an ESTABLISHED accept must
// ask for, so that they pass no packet of flows that were never admitted.
#pragma once

#include "rewriter/traffic.hpp"

namespace untrack::rewriter {

/// The addresses and interfaces of the rules that admit the service's questions, as options for a
/// copy of the rule `beside`, one text for each way; turned round for answers. None when they are
/// admitted over lo only; one empty text when questions are admitted from anywhere, or in more ways
/// than are worth a rule each.
std::vector<std::string> admitted_ways(const parser::iptables::SyntaxTree& tree,
                                       const model::Ruleset& ruleset, const Traffic& traffic,
                                       const model::Rule& beside);

}  // namespace untrack::rewriter
