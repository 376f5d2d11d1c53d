// SPDX-License-Identifier: GPL-2.0-or-later
// The packets of a service as a class, and which rules they may meet: "no" only when it is certain.
#pragma once

#include "model/ruleset.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

/// One direction of one service: questions carry the service's ports as destination, answers as
/// source.
struct Traffic {
    const Service* service;
    bool answer = false;
    const Request* request;
};

/// Whether some packet of the traffic may satisfy all matches but those of conntrack's state.
/// `flags`: only packets with these TCP flags, or any when none.
bool may_match(const model::Ruleset& ruleset, const model::Rule& rule, const Traffic& traffic,
               std::optional<std::uint8_t> flags);

/// What the rule's state test says, as bits of the states it matches; all of them when there is
/// none.
model::StateSet matched_states(const model::Ruleset& ruleset, const model::Rule& rule);
/// Whether there is a state test at all.
bool tests_state(const model::Ruleset& ruleset, const model::Rule& rule);

}  // namespace untrack::rewriter
