// SPDX-License-Identifier: GPL-2.0-or-later
// The other places that a finding speaks of, for reports that lead to them.
#pragma once

#include <string_view>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

/// Adds a rule of the file; `what` says what it does there, in a text that lives for ever.
void relate(FindingDetails& details, const FileContext& file, model::RuleId rule,
            std::string_view what);
/// Adds the first few rules that take an idle rule's packets.
void relate_takers(FindingDetails& details, const FileContext& file, const packet::IdleRule& idle);

}  // namespace untrack::analyzer
