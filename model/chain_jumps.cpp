// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/chain_jumps.hpp"

namespace untrack::model {

ChainJumps::ChainJumps(const Ruleset& ruleset) {
    first_.reserve(ruleset.chains.size() + 1);
    for (const Chain& chain : ruleset.chains) {
        first_.push_back(static_cast<std::uint32_t>(jumps_.size()));
        for (RuleId id : ruleset.rules_of(chain))
            if (ChainId to = ruleset.rule(id).jump; to.valid()) jumps_.push_back({to, id});
    }
    first_.push_back(static_cast<std::uint32_t>(jumps_.size()));
}

}  // namespace untrack::model
