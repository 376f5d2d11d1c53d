// SPDX-License-Identifier: GPL-2.0-or-later
// All packets at once through all hooks of their way: what packet/trace.cpp does with one packet,
// done with packet sets. The two are written apart and tested against each other.
#pragma once

#include <array>
#include <map>
#include <tuple>

#include "packet/conditions.hpp"
#include "packet/outcome.hpp"
#include "packet/trace.hpp"

namespace untrack::packet {

struct EvaluateOptions {
    Occurrences occurrences = Occurrences::by_rule;
    /// Keep marks, logs and other effects apart; else only what verdicts hang on, and NAT.
    bool effects = false;
    /// The packets are answers; the levels describe the packets they answer.
    bool answers = false;
    /// Only these packets are of interest: a set that asks no marks, states or predicates.
    Diagram scope = everything;
    /// With effects: rules without a target count, too. An accounting ruleset has as many outcomes
    /// as it has combinations of them.
    bool counters = false;
    /// For trials: of each long chain only every n-th rule.
    std::uint32_t stride = 1;
};

class Evaluator {
  public:
    /// The rulesets of one host; those of the space's family count.
    Evaluator(PacketSpace& space, Outcomes& outcomes, Host host, const EvaluateOptions& options);

    /// What becomes of the packets that go that way: a diagram of outcomes (accept, drop, reject or
    /// lost). Packets that cannot be, or go another way, have some number too.
    Diagram way(Way way);
    /// The same in the parts between which NAT may change packets, each for any tracked packet that
    /// comes to it: for rulesets that translate, where a packet's whole way cannot be followed.
    std::vector<Diagram> segments(Way way);
    /// What a chain makes of packets (on, back, accept, drop, reject, lost).
    Diagram chain(const model::Ruleset& ruleset, model::ChainId chain, const Sight& sight,
                  bool before_conntrack);

    [[nodiscard]] bool tracks() const { return tracks_; }
    [[nodiscard]] bool has_nat() const { return has_nat_; }
    [[nodiscard]] Conditions& conditions() { return conditions_; }
    /// How rules see packets that go that way at the hook.
    [[nodiscard]] Sight sight(Way way, model::Hook hook) const;
    /// What outcomes call a translation: the same for rules that do the same, in any language.
    [[nodiscard]] static std::string nat_text(const model::Ruleset& r, model::RuleId id);
    /// The effect of a packet that is out of the hooks, and whether conntrack let it go.
    [[nodiscard]] bool untracked(std::uint32_t outcome) const {
        return outcomes_.effect_of(outcomes_[outcome]).notracked;
    }

  private:
    static std::string target_text(const model::Ruleset& r, model::RuleId id);

    /// Rules, or chains, one after the other; `changes`: some packets go on with an effect.
    struct Part {
        Diagram diagram;
        bool changes = false;
    };
    struct BaseChain {
        const model::Ruleset* ruleset;
        model::ChainId chain;
        std::int32_t priority;
        bool nat;
    };
    /// What of a Sight the rules of a chain and of those it leads to ask for.
    struct Features {
        bool interfaces = false;
        bool address_types = false;
        bool ct_targets = false;
    };

    Part join(const Part& first, const Part& then);
    Part join_changed(const Part& first, const Part& then);
    Part join_all(std::span<const Part> parts);
    Part with_policy(Diagram chain, model::TargetKind policy);
    [[nodiscard]] std::vector<DiagramPool::Substitution> changes_of(
        std::uint32_t outcome, std::span<const std::uint32_t> asked);
    std::uint32_t level_after(std::uint32_t writes, std::uint32_t level);
    std::uint32_t outcome_after(std::uint32_t effect, std::uint32_t later);
    Part rule(const model::Ruleset& r, model::RuleId id, const Sight& sight, bool before_conntrack);
    Part jump(const model::Ruleset& r, model::RuleId id, const Sight& sight, bool before_conntrack);
    Part decided_elsewhere(const model::Ruleset& r, model::RuleId id, const Sight& sight);
    Diagram condition(const model::Ruleset& r, model::RuleId id, const Sight& sight,
                      Diagram inside = everything);
    Diagram leaf(Fate fate, const Effect& effect = {}, std::uint32_t label = 0);
    Part with_effect(const model::Ruleset& r, model::RuleId id, const Sight& sight,
                     const Effect& effect);
    Part unknown_mark(const model::Ruleset& r, model::RuleId id, const Sight& sight);
    Effect mark_effect(const model::Ruleset& r, model::RuleId id);
    std::uint32_t unknown_level(const model::Ruleset& r, model::RuleId id,
                                const PacketSpace::MarkGroup& group);
    Effect event(const model::Ruleset& r, model::RuleId id);
    Part base_chain(const BaseChain& base, Way way, model::Hook hook, bool before_conntrack);
    Part attach(const Part& part);
    static bool nat_settled(Way way, model::Hook hook);
    Part held(const Part& nat);
    Part released(const Part& nat);
    template <typename Split>
    Part walk(Way way, Split split);
    Diagram ended(const Part& part);
    const Features& features(const model::Ruleset& r, model::ChainId chain);
    Diagram seen_by_nat();

    PacketSpace& space_;
    DiagramPool& pool_;
    Outcomes& outcomes_;
    EvaluateOptions options_;
    std::array<std::vector<BaseChain>, model::hook_count> hooks_;
    bool tracks_ = false;
    bool has_nat_ = false;
    bool marks_matter_ = false;
    bool rereads_ = false;  ///< rules change what others read of connections and sets
    Conditions conditions_;
    using ChainKey = std::tuple<const model::Ruleset*, std::uint32_t, std::uint32_t>;
    std::map<ChainKey, Part> chains_;
    std::map<std::pair<const model::Ruleset*, std::uint32_t>, Features> features_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, Part> joined_;
    std::map<std::pair<std::uint32_t, model::TargetKind>, Part> with_policy_;
    std::vector<std::pair<const model::Ruleset*, std::uint32_t>> open_;  ///< chains being evaluated
};

/// The hooks of a way, in order.
std::vector<model::Hook> hooks_of(Way way);

}  // namespace untrack::packet
