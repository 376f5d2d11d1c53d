// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that decide by what they have seen before: which of them keep their meaning when they meet
// only the first packets of untracked connections.
#pragma once

#include "model/ruleset.hpp"

namespace untrack::rewriter {

/// Whether a rule counts more than a rate: recent, statistic, quota decide who is let in.
bool remembers_who(const model::Ruleset& ruleset, const model::Rule& rule);

/// Whether a rule that accepts nobody is for those whom `recent` does not know.
bool refuses_strangers(const model::Ruleset& ruleset, const model::Rule& rule);

/// Whether a packet may be accepted in the chain, or in one that it leads to: not where all rules
/// drop, reject, log, change or return.
bool may_accept(const model::Ruleset& ruleset, const model::Chain& chain);

}  // namespace untrack::rewriter
