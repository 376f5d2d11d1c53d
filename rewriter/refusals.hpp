// SPDX-License-Identifier: GPL-2.0-or-later
// What stands against a conversion before a single rule is written: docs/semantics.md says why.
#pragma once

#include "model/ruleset_text.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

/// The reasons, in the order of the file; none when nothing stands against it.
std::vector<Reason> refusals(const model::RulesetText& text, const Request& request);

}  // namespace untrack::rewriter
