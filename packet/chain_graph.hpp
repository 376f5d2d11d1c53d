// SPDX-License-Identifier: GPL-2.0-or-later
// How the chains of a ruleset lead to one another, and what a chain does together with all that it
// leads to.
#pragma once

#include <vector>

#include "model/ruleset.hpp"

namespace untrack::packet {

/// Of a chain: its own rules and those of all chains it leads to.
struct ChainFacts {
    bool interfaces = false;     ///< tests of -i or -o
    bool address_types = false;  ///< tests of -m addrtype
    bool reads_marks = false;
    bool reads_state = false;
    bool reads_predicates = false;  ///< matches that a packet's fields do not settle
    bool changes_marks = false;
    bool changes_state = false;       ///< NOTRACK
    bool changes_predicates = false;  ///< targets after which a predicate may answer otherwise
    bool templates = false;           ///< CT with more than --notrack
    bool takes_back = false;          ///< one that takes NOTRACK back
    /// More than verdicts: logs, counts, marks, translations, verdicts that are not known.
    bool effects = false;

    void add(const ChainFacts& other);
};
/// Of one rule alone.
ChainFacts facts_of(const model::Ruleset& ruleset, const model::Rule& rule);

class ChainGraph {
  public:
    explicit ChainGraph(const model::Ruleset& ruleset);

    /// Of chains that a base chain leads to.
    [[nodiscard]] const ChainFacts& facts(model::ChainId chain) const {
        return facts_[chain.value];
    }
    /// Every chain that a base chain leads to, callers before those they call (jumps that close a
    /// circle left out).
    [[nodiscard]] const std::vector<model::ChainId>& callers_first() const { return order_; }
    /// The jumps that lead back to a chain from which they came, of chains that a base chain leads
    /// to: such a file does not load; circles that nothing reaches do (measured).
    [[nodiscard]] const std::vector<model::RuleId>& loops() const { return loops_; }
    /// How many jumps lie between a base chain and this one, at most; 0 for chains that nothing
    /// reaches.
    [[nodiscard]] std::uint32_t depth(model::ChainId chain) const { return depth_[chain.value]; }
    [[nodiscard]] std::uint32_t deepest() const { return deepest_; }

  private:
    void visit(const model::Ruleset& ruleset, model::ChainId root);

    std::vector<ChainFacts> facts_;
    std::vector<model::ChainId> order_;
    std::vector<model::RuleId> loops_;
    std::vector<std::uint32_t> depth_;
    std::uint32_t deepest_ = 0;
    enum class Mark : std::uint8_t { unseen, open, done };
    std::vector<Mark> marks_;
    std::vector<model::ChainId> finished_;  ///< those called before their callers
};

}  // namespace untrack::packet
