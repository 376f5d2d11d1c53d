// SPDX-License-Identifier: GPL-2.0-or-later
// The rules of a chain as a binary tree of segments, so that questions about each rule and all that
// stand before it cost the logarithm of the chain's length.
#pragma once

#include <span>
#include <vector>

#include "packet/diagram.hpp"

namespace untrack::packet {

class Segments {
  public:
    /// Rule i matches the packets conditions[i], and those of takes[i] (part of them) go no
    /// further. Both must outlive this.
    Segments(DiagramPool& pool, std::span<const Diagram> conditions,
             std::span<const Diagram> takes);

    /// Every packet that some rule takes.
    [[nodiscard]] Diagram takes() const { return all_takes_; }

    /// Calls f(i, packets) for each rule with those of its packets that come in and no rule before
    /// it takes.
    template <typename F>
    void arriving(Diagram entering, F f) {
        if (is_flat()) {
            for (std::size_t i = 0; i < size_; ++i) f(i, pool_.inside(free_[i], entering));
        } else if (size_ != 0) {
            // What comes in is looked at last: else the shape of what cannot be, which has nothing
            // to do with the rules, would go down into every segment.
            auto entered = [&](std::size_t i, Diagram free) { f(i, pool_.inside(entering, free)); };
            arriving(1, 0, size_, nothing, entered);
        }
    }

    enum class Step : std::uint8_t {
        take,   ///< the rule takes them
        leave,  ///< on to the next as if the rule were not there
        end,    ///< no further
    };
    /// Follows the packets through the rules first ... last - 1: calls f(i, taken) for each rule
    /// that takes some of those that are left. Returns what is left.
    template <typename F>
    Diagram follow(Diagram packets, std::size_t first, std::size_t last, F f) {
        bool on = true;
        need_tree();
        if (size_ != 0) follow(1, 0, size_, packets, first, last, f, on);
        return packets;
    }

    /// The first rule from `first` on that takes this packet; the number of rules when none does.
    [[nodiscard]] std::size_t first_taking(std::span<const std::uint32_t> values,
                                           std::size_t first) {
        std::size_t found = size_;
        need_tree();
        if (size_ != 0) find(1, 0, size_, values, first, found);
        return found;
    }

  private:
    struct Node {
        Diagram conditions;
        Diagram takes;
    };

    [[nodiscard]] bool is_flat() const { return !free_.empty(); }
    /// Rules that ask one field only need no tree to be told apart: the values that no rule before
    /// takes are found by going through them in order.
    bool flatten();
    void need_tree() {
        if (nodes_.empty() && size_ != 0) make_tree();
    }
    void make_tree();
    void build(std::size_t node, std::size_t first, std::size_t last);
    bool find(std::size_t node, std::size_t first, std::size_t last,
              std::span<const std::uint32_t> values, std::size_t from, std::size_t& found) const;

    /// `covered` are those of the segment's packets that rules before it take.
    template <typename F>
    void arriving(std::size_t node, std::size_t first, std::size_t last, Diagram covered, F& f) {
        if (last - first == 1) {
            f(first, pool_.outside(covered, nodes_[node].conditions));
            return;
        }
        std::size_t middle = first + (last - first) / 2;
        const Node& left = nodes_[2 * node];
        const Node& right = nodes_[2 * node + 1];
        arriving(2 * node, first, middle, pool_.inside(covered, left.conditions), f);
        Diagram then = pool_.inside_either(right.conditions, covered, left.takes);
        arriving(2 * node + 1, middle, last, then, f);
    }

    template <typename F>
    void follow(std::size_t node, std::size_t first, std::size_t last, Diagram& packets,
                std::size_t from, std::size_t to, F& f, bool& on) {
        if (!on || packets == nothing || last <= from || to <= first) return;
        Diagram taken = pool_.inside(nodes_[node].takes, packets);
        if (taken == nothing) return;
        if (last - first == 1) {
            Step step = f(first, taken);
            on = step != Step::end;
            if (step == Step::take) packets = pool_.outside(taken, packets);
            return;
        }
        std::size_t middle = first + (last - first) / 2;
        follow(2 * node, first, middle, packets, from, to, f, on);
        follow(2 * node + 1, middle, last, packets, from, to, f, on);
    }

    DiagramPool& pool_;
    std::size_t size_;
    std::span<const Diagram> conditions_;
    std::span<const Diagram> own_takes_;
    Diagram all_takes_ = nothing;
    std::vector<Diagram> free_;  ///< of flat ones: a rule's packets that none before it takes
    std::vector<Node> nodes_;    ///< the root is 1, the halves of n are 2n and 2n + 1
};

}  // namespace untrack::packet
