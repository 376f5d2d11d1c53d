// SPDX-License-Identifier: GPL-2.0-or-later
// From the syntax tree of an iptables file to its ruleset: the one place where options get their
// meaning.
#pragma once

#include <memory>

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

/// lower() for a tree that grows meanwhile. The tree must begin with a table line: what a listing
/// without tables is of, only its end tells. What is reserved in the tree is reserved here.
class GradualLowering {
  public:
    GradualLowering(const parser::iptables::SyntaxTree& tree, const LowerOptions& options);
    GradualLowering(const GradualLowering&) = delete;
    GradualLowering& operator=(const GradualLowering&) = delete;
    ~GradualLowering();

    /// Gives meaning to the lines that came into the tree since.
    void read_new_lines();
    /// The ruleset, once there are no more lines.
    Ruleset finish();

  private:
    std::unique_ptr<class Lowering> lowering_;
};

}  // namespace untrack::model
