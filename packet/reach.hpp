// SPDX-License-Identifier: GPL-2.0-or-later
// Which packets reach each rule of a table, exactly: what comes into its chain through all jumps,
// less what the rules before it take.
#pragma once

#include <algorithm>
#include <unordered_map>

#include "packet/chain_graph.hpp"
#include "packet/evaluate.hpp"
#include "packet/segments.hpp"

namespace untrack::packet {

/// What becomes of a packet at a rule, as leaves of diagrams.
enum class Deed : std::uint32_t {
    none,  ///< it goes on
    accept = 2,
    drop,
    reject,
    back,   ///< RETURN, or the end of a chain that was gone to
    other,  ///< translated, queued, ...
};

class Reach {
  public:
    /// How packets come into a chain. Ways on which its rules see packets alike are one.
    struct Entrance {
        Sight sight;
        bool before_conntrack = false;
        std::uint32_t places = 0;    ///< (hook, way): bit place(hook, way)
        Diagram possible = nothing;  ///< packets that there are at these hooks
        Diagram asked = nothing;     ///< those that satisfy the jumps to the chain
        Diagram packets = nothing;   ///< those that come in
    };
    /// A stretch of rules within which no rule changes what a later one reads.
    struct Block {
        std::size_t first, last;  ///< last is not included
        Diagram entering;
        Segments segments;
    };
    struct Caller {
        std::uint32_t pass;
        std::uint32_t rule;  ///< its place in the chain
    };
    /// A chain as packets see it that come by one entrance. Vectors are by place in the chain.
    struct Pass {
        model::ChainId chain;
        Entrance entrance;
        std::vector<Caller> callers;
        std::vector<Diagram> conditions;
        std::vector<Diagram> takes;
        std::vector<Diagram> deeds;     ///< of what it takes
        std::vector<Diagram> arriving;  ///< its packets that no rule before it takes
        std::vector<Block> blocks;
        Diagram falls = nothing;  ///< to the end of the chain
    };

    /// Throws PoolExhausted. `graph` has no loops.
    Reach(const model::Ruleset& ruleset, model::TableId table, const ChainGraph& graph,
          FieldOrder order, std::size_t most_words);

    [[nodiscard]] const std::vector<Pass>& passes() const { return passes_; }
    /// Those of a chain; none when nothing leads to it.
    [[nodiscard]] const std::vector<std::uint32_t>& passes_of(model::ChainId chain) const {
        return of_chain_[chain.value];
    }
    [[nodiscard]] PacketSpace& space() { return space_; }

    /// Calls f(place, taken) for the rules of the chain from place `begin` to before `end` that
    /// take some of the packets, as Segments::follow does; returns what is left.
    template <typename F>
    Diagram follow(std::uint32_t pass, Diagram packets, std::size_t begin, std::size_t end, F f) {
        bool on = true;
        for (Block& b : passes_[pass].blocks) {
            if (!on || b.first >= end || packets == nothing) break;
            if (b.last <= begin) continue;
            packets = b.segments.follow(packets, std::max(begin, b.first) - b.first,
                                        std::min(end, b.last) - b.first,
                                        [&](std::size_t i, Diagram taken) {
                                            Segments::Step step = f(b.first + i, taken);
                                            on = step != Segments::Step::end;
                                            return step;
                                        });
        }
        return packets;
    }

    /// The place of the first rule from `begin` on, in the chain's last block, that takes this
    /// packet; the number of rules when none does.
    std::size_t first_taking(std::uint32_t pass, std::span<const std::uint32_t> values,
                             std::size_t begin) {
        Block& b = passes_[pass].blocks.back();
        return b.first + b.segments.first_taking(values, begin - b.first);
    }

    static constexpr std::uint32_t place(model::Hook hook, Way way) {
        return 1U << (static_cast<unsigned>(hook) * 4 + static_cast<unsigned>(way));
    }

  private:
    struct Coming {
        Entrance entrance;
        std::vector<Caller> callers;
        std::vector<Diagram> possible, asked, packets;
    };
    struct Decided {
        Diagram deeds;
        Diagram takes;
    };

    void enter_base(model::ChainId chain);
    Diagram possible_at(model::Hook hook, Way way, const model::Chain& chain);
    void enter(model::ChainId chain, Entrance entrance, const Caller* caller);
    void pass(model::ChainId chain, Coming& coming);
    void fill(Pass& p);
    void split(Pass& p);
    Decided called(const model::Rule& rule, const Entrance& entrance);
    Diagram decides(model::ChainId chain, const Entrance& entrance);
    Diagram changed(const Pass& p, const model::Rule& rule, const ChainFacts& facts,
                    Diagram packets);
    Diagram forget_marks(Diagram packets);

    const model::Ruleset& ruleset_;
    const ChainGraph& graph_;
    const model::Ruleset* host_[1];
    PacketSpace space_;
    DiagramPool& pool_;
    Outcomes outcomes_;
    Evaluator evaluator_;
    Diagram fields_ = nothing;   ///< packets that can be, in any state
    Diagram tracked_ = nothing;  ///< in the states they can have behind conntrack
    bool templates_ = false;
    std::vector<std::vector<Coming>> coming_;  ///< by chain
    std::vector<Pass> passes_;
    std::vector<std::vector<std::uint32_t>> of_chain_;
    std::unordered_map<std::uint64_t, Decided> decided_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, Diagram> decides_;
};

}  // namespace untrack::packet
