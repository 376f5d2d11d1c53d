// SPDX-License-Identifier: GPL-2.0-or-later
// Where in the files a rule or policy stands.
#pragma once

#include <span>
#include <string_view>

#include "base/line_index.hpp"
#include "packet/trace.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::report {

/// The places of one ruleset's rules, for printing.
struct RulesetText {
    const model::Ruleset* ruleset;
    const parser::iptables::SyntaxTree* tree;
    const LineIndex* lines;
};

struct Place {
    std::string_view path;
    std::uint32_t line = 0;  ///< from 1; 0: a policy that no line of the file sets
    std::string_view rule;   ///< the line's text
};
/// Of the rule or policy of a step; empty when none of the texts is its ruleset's.
Place place_of(const packet::Step& step, std::span<const RulesetText> texts);

}  // namespace untrack::report
