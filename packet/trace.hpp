// SPDX-License-Identifier: GPL-2.0-or-later
// One packet through all hooks of its path, as docs/semantics.md has it: the judge that the kernel
// judges.
#pragma once

#include <array>
#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "packet/chain_index.hpp"
#include "packet/packet.hpp"

namespace untrack::packet {

enum class Truth : std::uint8_t { no, yes, unknown };

enum class Verdict : std::uint8_t { accept, drop, reject, unknown };
std::string_view name(Verdict verdict);

/// The rulesets that one host has loaded, of either family or both; each kernel table comes at most
/// once per family.
using Host = std::span<const model::Ruleset* const>;

/// What happened at one rule or policy.
struct Step {
    model::Hook hook = model::Hook::prerouting;
    const model::Ruleset* ruleset = nullptr;
    model::ChainId chain;
    model::RuleId rule;  ///< none: the chain's policy
    Truth matched = Truth::no;
    model::TargetKind action = model::TargetKind::none;  ///< of the rule or the policy
};

struct Trace {
    Verdict verdict = Verdict::accept;
    Truth untracked = Truth::no;  ///< unknown when it hangs on what a packet does not tell
    bool nat_applied = false;     ///< a NAT rule matched: what it changes is not followed
    std::vector<std::string>
        unknown_on;           ///< the predicates or targets on which an unknown verdict hangs
    std::vector<Step> steps;  ///< rules that matched or may have, and policies; empty unless kept
    Step decision;  ///< the rule or policy that dropped the packet, or the last that accepted it
};

/// An answer that a predicate (by its text) is taken to give.
struct Assumption {
    std::string text;
    bool answer = false;
};

/// What a match reads besides the packet.
struct View {
    model::Hook hook = model::Hook::prerouting;
    std::string_view in_interface;
    std::string_view out_interface;
    ConntrackState state =
        ConntrackState::new_;  ///< never automatic; invalid before conntrack has seen the packet
    std::uint32_t mark = 0;
    bool host_has_nat = false;  ///< the tuple of an entry may differ from the packet's
};

/// Whether the match holds; `unknown` for what a packet does not tell.
Truth matches(const model::Ruleset& ruleset, const model::Match& match, const Packet& packet,
              const View& view);

/// Follows packets through the rulesets of one host; what all packets have in common is worked out
/// once, partly when a packet first asks for it. One tracer serves any number of threads.
class Tracer {
  public:
    /// With `only`, chains of other roles are left out: enough to ask what raw and nat do, without
    /// the thousand rules of filter.
    explicit Tracer(Host host, std::span<const model::ChainRole> only = {});

    /// Where a rule's match is not known (an opaque predicate), both answers are followed; the
    /// verdict is unknown only when they differ. Predicates with the same text have the same answer
    /// on one packet unless they have a memory of their own.
    [[nodiscard]] Trace trace(const Packet& packet, bool keep_steps = true,
                              std::span<const Assumption> assumed = {}) const;

    [[nodiscard]] bool tracks(model::Family family) const {
        return families_[index(family)].tracks;
    }

    struct BaseChain {
        const model::Ruleset* ruleset;
        model::ChainId chain;
        std::int32_t priority;
        model::ChainRole role;
        bool inert;  ///< cannot change the verdict, nor what later chains see
    };
    struct FamilyTables {
        std::array<std::vector<BaseChain>, model::hook_count> hooks;  ///< by priority
        bool tracks = false;
        bool nat = false;             ///< some rule translates
        bool nat_chains = false;      ///< some hook has a chain for it
        std::string_view unfollowed;  ///< what is not followed, and may decide
    };

    /// For a chain that is worth it; nullptr for others.
    [[nodiscard]] const ChainIndex* index_of(const model::Ruleset& ruleset,
                                             model::ChainId chain) const;

  private:
    /// By chain, each made by the thread that asks first.
    struct ChainIndices {
        explicit ChainIndices(const model::Ruleset& r) : ruleset(&r), chains(r.chains.size()) {}
        ChainIndices(ChainIndices&&) = default;
        ChainIndices& operator=(ChainIndices&&) = delete;
        ~ChainIndices();

        const model::Ruleset* ruleset;
        std::vector<std::atomic<const ChainIndex*>> chains;
    };

    static std::size_t index(model::Family family) { return family == model::Family::ip ? 0 : 1; }
    std::array<FamilyTables, 2> families_;
    mutable std::vector<ChainIndices> indices_;
};

}  // namespace untrack::packet
