// SPDX-License-Identifier: GPL-2.0-or-later
// From the syntax tree of an iptables file to its ruleset: the one place where options get their
// meaning.
#pragma once

#include "model/ruleset.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

/// Which file the tree is of.
struct LowerOptions {
    Family family = Family::ip;
    std::string_view path;
    /// Fills Ruleset::target_texts: for comparing rulesets, not for reading them.
    bool target_texts = false;
};

/// What iptables-restore (without --noflush, into an empty kernel) would load: -I, -D, -R, -F, -X
/// and a table that comes twice have had their effect. Lines with syntax errors are left out; the
/// tree's errors say so.
Ruleset lower(const parser::iptables::SyntaxTree& tree, const LowerOptions& options);

/// The family a file is for: from its name ("ip6tables", "rules.v6") and then its addresses and
/// protocols; ip when nothing tells.
Family guess_family(std::string_view path, const parser::iptables::SyntaxTree& tree);

}  // namespace untrack::model
