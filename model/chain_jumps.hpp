// SPDX-License-Identifier: GPL-2.0-or-later
// Which chains lead where. Walks over a million rules' chains meet them in no order of memory: they
// look at nothing but jumps.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/ruleset.hpp"

namespace untrack::model {

struct Jump {
    ChainId to;
    RuleId rule;
};

/// The jumps of a ruleset by their chains.
class ChainJumps {
  public:
    ChainJumps() = default;
    explicit ChainJumps(const Ruleset& ruleset);

    /// In the order of the chain's rules.
    [[nodiscard]] std::span<const Jump> of(ChainId chain) const {
        return std::span(jumps_).subspan(first_[chain.value],
                                         first_[chain.value + 1] - first_[chain.value]);
    }

  private:
    std::vector<Jump> jumps_;           ///< chain after chain
    std::vector<std::uint32_t> first_;  ///< by chain, and the end of all
};

}  // namespace untrack::model
