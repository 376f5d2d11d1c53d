// SPDX-License-Identifier: GPL-2.0-or-later
// One file as the packets of several families meet it, and rules of it that are several of the
// model: what is found of one of them need not hold of all.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

/// Drops findings that a rule or chain is idle where it is so in one family alone, in a part of
/// what the rule does, or only until somebody adds to a named set or map; and all but the first of
/// those that say the same of one place.
void drop_what_others_contradict(std::span<const std::unique_ptr<FileContext>> views,
                                 std::vector<Finding>& findings);

}  // namespace untrack::analyzer
