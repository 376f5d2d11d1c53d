// SPDX-License-Identifier: GPL-2.0-or-later
// The packets of a service as a class, and which rules they may meet: "no" only when it is certain.
#pragma once

#include <optional>
#include <set>
#include <vector>

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

/// Whether the rule's own port match lets nothing of other services through: the service's ports
/// need not be said again beside it.
bool asks_only_for(const model::Ruleset& ruleset, const model::Rule& rule, const Traffic& traffic);

/// Whether the rule's interfaces can be there at the hook: packets come in by none at output, and
/// leave by none at input.
bool has_interfaces_of(model::Hook hook, const model::Ruleset& ruleset, const model::Rule& rule);

/// Calls `f` for the rules at a hook that the traffic may meet, chains that are jumped to included,
/// each chain once.
template <typename F>
void each_rule_met(const model::Ruleset& r, model::Hook hook, const Traffic& traffic, F f) {
    std::set<std::uint32_t> seen;
    std::vector<model::ChainId> todo;
    for (std::size_t i = 0; i < r.chains.size(); ++i)
        if (r.chains[i].base && r.chains[i].hook == hook) todo.emplace_back(model::ChainId(i));
    while (!todo.empty()) {
        model::ChainId id = todo.back();
        todo.pop_back();
        if (!seen.insert(id.value).second) continue;
        for (model::RuleId rule_id : r.rules_of(r.chain(id))) {
            const model::Rule& rule = r.rule(rule_id);
            if (!has_interfaces_of(hook, r, rule) || !may_match(r, rule, traffic, std::nullopt))
                continue;
            f(rule);
            if (rule.jump.valid()) todo.push_back(rule.jump);
        }
    }
}

}  // namespace untrack::rewriter
