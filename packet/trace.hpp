// SPDX-License-Identifier: GPL-2.0-or-later
// One packet through all hooks of its path, as docs/semantics.md has it: the judge that the kernel
// judges.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "packet/packet.hpp"

namespace untrack::packet {

enum class Truth : std::uint8_t { no, yes, unknown };

enum class Verdict : std::uint8_t { accept, drop, reject, unknown };

/// The rulesets that one host has loaded, of either family or both; each kernel table comes at most
/// once per family.
using Host = std::span<const model::Ruleset* const>;

/// What happened at one rule or policy.
struct Step {
    model::Hook hook;
    const model::Ruleset* ruleset;
    model::ChainId chain;
    model::RuleId
        rule;  ///< none: the chain's policy (or its end, when a user chain returns to nobody)
    Truth matched = Truth::no;
    model::TargetKind action = model::TargetKind::none;  ///< of the rule or the policy
};

struct Trace {
    Verdict verdict = Verdict::accept;
    bool untracked = false;
    bool nat_applied = false;  ///< a NAT rule matched: addresses after it are not followed
    std::vector<std::string>
        unknown_on;  ///< the texts of the predicates or targets on which an unknown verdict hangs
    std::vector<Step> steps;  ///< rules that matched, may have matched, or jumped; and policies
    Step decision{};          ///< the last rule or policy that decided the verdict
};

struct TraceOptions {
    bool keep_steps = true;
    /// Also record rules that did not match (for printing a full path).
    bool keep_misses = false;
};

/// Follows the packet. Where a rule's match is not known (an opaque predicate), both answers are
/// followed; the verdict is unknown only when they differ. Predicates with the same text have the
/// same answer on one packet unless they have a memory of their own.
Trace trace(Host host, const Packet& packet, const TraceOptions& options = {});

/// Whether the match holds for the packet in that state; `unknown` for what a packet does not tell.
/// `state` must not be automatic. `in_interface`/`out_interface` are those the hook sees.
Truth matches(const model::Ruleset& ruleset, const model::Match& match, const Packet& packet,
              model::Hook hook, ConntrackState state, std::uint32_t mark);

}  // namespace untrack::packet
