// SPDX-License-Identifier: GPL-2.0-or-later
// Rules that could be taken away without changing what becomes of any packet, and why; exact, by
// packet sets, within limits that are said when they are reached.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "packet/reach.hpp"

namespace untrack::packet {

enum class Idleness : std::uint8_t {
    shadowed,       ///< rules before it take all its packets, one of them at least does otherwise
    repeated,       ///< rules before it take all its packets and do the same
    followed,       ///< without it, what follows in its chain would do the same
    contradictory,  ///< there is no such packet where its chain is reached from
    excluded,       ///< no jump to its chain lets such a packet in
};

struct Blocker {
    model::RuleId rule;  ///< none: the policy
    bool otherwise = false;
    long double packets = 0;  ///< of the idle rule's, how many it decides
};

struct IdleRule {
    model::RuleId rule;
    Idleness why = Idleness::shadowed;
    std::vector<Blocker> blockers;  ///< in the order in which packets meet them
    bool more_blockers = false;     ///< there are more than were counted
    /// Of `excluded`: the jumps to its chain.
    std::vector<model::RuleId> jumps;
    /// Of `contradictory`: the matches that cannot be together (or the one that cannot be), by
    /// place in the rule.
    std::vector<std::size_t> matches;
    /// A packet that the rule speaks of, confirmed by its trace. Of shadowed and repeated rules the
    /// biggest blocker takes it (one that does otherwise, if any does), of followed ones the rule.
    std::optional<Packet> witness;
    model::RuleId taker;  ///< who takes the witness; none: a policy

    [[nodiscard]] bool dead() const {
        return why == Idleness::shadowed || why == Idleness::repeated;
    }
};

/// A packet that reaches the end of a filter chain whose policy lets it pass.
struct OpenEnd {
    model::ChainId chain;
    Packet packet;
};

/// A rule that refuses packets of connections which other rules opened, before the rule that is
/// there to accept them.
struct BrokenFlow {
    model::RuleId accept;
    model::RuleId refusal;
    Packet first;  ///< opens the connection
    Packet later;  ///< and this one of the same connection is refused
};

struct Coverage {
    std::vector<IdleRule> idle;             ///< in file order
    std::vector<model::ChainId> unentered;  ///< chains with jumps to them, but no packet comes in
    std::vector<OpenEnd> open_ends;
    std::vector<BrokenFlow> broken_flows;
    std::vector<model::ChainId> undecided;  ///< chains for which a limit was reached
    /// Idle rules of which no packet could be shown; nothing is claimed of them.
    std::size_t unconfirmed = 0;
};

struct CoverageOptions {
    /// Words of four bytes that the diagrams of a table may take.
    std::size_t most_words = std::size_t{160} << 20U;
    /// Chains that programs fill while the host runs: nothing is said of what they decide later.
    std::function<bool(model::ChainId)> filled_later = [](model::ChainId) { return false; };
    /// Called for rules that are not idle, with a packet that reaches each: for tests.
    std::function<void(model::RuleId, const Packet&)> reached;
};

/// The ruleset should have its target texts (LowerOptions::target_texts). Nothing is said of
/// rulesets whose jumps go round, which do not load.
Coverage coverage(const model::Ruleset& ruleset, const Tracer& tracer,
                  const CoverageOptions& options = {});

}  // namespace untrack::packet
