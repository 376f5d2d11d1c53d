// SPDX-License-Identifier: GPL-2.0-or-later
// Fixes that write a line of an iptables file in other words: safe when the new line means the very
// same rule, which is shown for all of a lint rule's lines at once.
#pragma once

#include <vector>

#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

/// A finding about the spelling of one line, and its fix.
struct Respelling {
    TextRange range;         ///< what the finding is about
    std::uint32_t line = 0;  ///< index into SyntaxTree::lines
    model::RuleId rule;      ///< the finding's; may be none
    Fix fix;                 ///< without edits: there is none
};

/// Reports them all, in their order, with the message; marks those fixes safe that keep the rule's
/// meaning.
void report_respellings(const FileContext& file, const parser::iptables::SyntaxTree& tree,
                        std::vector<Respelling>&& found, std::string_view message,
                        Reporter& report);

}  // namespace untrack::analyzer
