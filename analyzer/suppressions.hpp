// SPDX-License-Identifier: GPL-2.0-or-later
// What a file's comments want unsaid, and what is said of those that suppress nothing (UT902).
#pragma once

#include "analyzer/selection.hpp"

namespace untrack::analyzer {

/// Moves findings that the text suppresses from the list, which is in order, to
/// Findings::suppressed. Returns the findings of UT902, in order, when the selection has it.
Findings suppress(const model::RulesetText& text, const Selection& selection, Findings& findings);

}  // namespace untrack::analyzer
