// SPDX-License-Identifier: GPL-2.0-or-later
// Interval decision diagrams: which packets, for all packets at once. A diagram gives every packet
// a number; a set of packets is a diagram of zeros and ones. Equal diagrams of a pool have equal
// handles, so that comparing two rulesets is comparing two integers (Gouda & Liu's firewall
// decision diagrams, hash-consed as Christiansen & Fleury have it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/large_memory.hpp"
#include "packet/intervals.hpp"

namespace untrack::packet {

/// A diagram of one pool. The handle of a leaf is its number; `everything` and `nothing` are sets.
struct Diagram {
    std::uint32_t handle = 0;
    friend constexpr bool operator==(Diagram, Diagram) = default;
};
inline constexpr Diagram nothing{0}, everything{1};

/// The pool has reached its limit: whatever was asked is undecided. An exception, so that no answer
/// can be read from a diagram that was never finished.
class PoolExhausted : public std::exception {
  public:
    [[nodiscard]] const char* what() const noexcept override { return "packet sets too large"; }
};

/// Diagrams over a fixed list of levels; a level is a field of a packet, or a part of one. Nothing
/// is ever freed: a pool lives for one question. One thread.
class DiagramPool {
  public:
    /// `last_values[l]` is the largest value of level l. `most_words` bounds the memory of the
    /// nodes, in words of four bytes; tables beside them take up to about as much again.
    DiagramPool(const std::vector<std::uint32_t>& last_values, std::size_t most_words);

    static constexpr std::uint32_t most_leaves = 1U << 22U;
    /// The same number for every packet; below `most_leaves`.
    static Diagram leaf(std::uint32_t number) { return {number}; }
    static bool is_leaf(Diagram d) { return d.handle < most_leaves; }

    /// `inside` for packets whose level has a value in the intervals (normalized), else `outside`.
    /// Both may only ask levels below this one.
    Diagram branch(std::uint32_t level, std::span<const Interval> intervals, Diagram inside,
                   Diagram outside);
    /// The packets whose level has a value in the intervals (normalized).
    Diagram values(std::uint32_t level, std::span<const Interval> intervals) {
        return branch(level, intervals, everything, nothing);
    }

    /// a, and where that is 0, b. Of two sets: their union.
    Diagram over(Diagram a, Diagram b);
    /// b inside the set, 0 outside. Of two sets: their intersection.
    Diagram inside(Diagram set, Diagram b);
    /// b outside the set, 0 inside. Of two sets: the difference.
    Diagram outside(Diagram set, Diagram b);
    /// The packets of the set that are in a or b, sets both: without making the union of the two.
    Diagram inside_either(Diagram set, Diagram a, Diagram b) { return inside_either(set, a, b, 0); }
    Diagram complement_of(Diagram set) { return outside(set, everything); }
    /// The set of packets to which a and b give different numbers.
    Diagram differing(Diagram a, Diagram b);
    /// over() of all of them, the first counting most: as a tree, since one after another copies a
    /// wide node as often as it has edges.
    Diagram over_all(std::span<const Diagram> parts);
    /// What becomes of a's number 0: that of b, as with over(); or it stays.
    enum class Zero : std::uint8_t { gives_way, stays };
    /// Numbers of a that are neither 0 nor `settled` become f(number of a, number of b).
    Diagram chained(Diagram a, Diagram b, Zero zero,
                    const std::function<bool(std::uint32_t)>& settled,
                    const std::function<std::uint32_t(std::uint32_t, std::uint32_t)>& f);

    /// Every number replaced by what `f` makes of it; `f` is asked once for each.
    Diagram map_leaves(Diagram d, const std::function<std::uint32_t(std::uint32_t)>& f);
    /// The set of packets whose number satisfies `f`.
    Diagram where(Diagram d, const std::function<bool(std::uint32_t)>& f);
    /// Every number that some packet has, ascending.
    std::vector<std::uint32_t> leaves(Diagram d) const;

    /// What a level is to be asked for instead: a fixed value, or the value of a level below.
    struct Substitution {
        std::uint32_t level;
        std::uint32_t with;  ///< the value or the level
        bool is_level;
        friend constexpr bool operator==(const Substitution&, const Substitution&) = default;
    };
    /// What the diagram says of packets after their fields have changed, with every number replaced
    /// by what `f` makes of it.
    Diagram substituted(Diagram d, std::span<const Substitution> changes,
                        const std::function<std::uint32_t(std::uint32_t)>& f);

    /// What the diagram says of packets whose level has that value: it asks the level no more.
    Diagram with_value(Diagram d, std::uint32_t level, std::uint32_t value);
    /// Packets for which some value of the level, or every value, leads into the set.
    Diagram for_some(Diagram set, std::uint32_t level);
    Diagram for_all(Diagram set, std::uint32_t level);
    /// The set of packets p such that p with its levels exchanged by `partner` is in the set;
    /// partner[partner[l]] == l, and partners have the same largest value.
    Diagram exchanged(Diagram set, std::span<const std::uint32_t> partner);
    /// Whether a set of packets asks the level.
    [[nodiscard]] bool asks(Diagram d, std::uint32_t level) const;

    /// The values of a level that lead into the set, whatever the other levels are.
    Intervals values_leading_into(Diagram set, std::uint32_t level);
    /// The values that a set asks of one level and of no other; nothing when it asks more, or none.
    struct Values {
        std::uint32_t level;
        Intervals intervals;
    };
    [[nodiscard]] std::optional<Values> values_of(Diagram set) const;

    /// How many packets are in the set, rounded to a long double.
    [[nodiscard]] long double count(Diagram set) const;

    /// The number of one packet, given by its value at each level.
    [[nodiscard]] std::uint32_t at(Diagram d, std::span<const std::uint32_t> values) const;
    /// The levels that are asked about one packet, ascending.
    [[nodiscard]] std::vector<std::uint32_t> levels_asked(
        Diagram d, std::span<const std::uint32_t> values) const;
    /// The first packet of a set that is not empty: the smallest values that lead into it.
    [[nodiscard]] std::vector<std::uint32_t> first_of(Diagram set) const;
    /// A packet of a set that is not empty: at each level that is asked `choose` picks one of the
    /// intervals that lead into the set, and a value in it; levels that are not asked get the
    /// value that `choose` picks of all.
    using Chooser = std::function<std::uint32_t(std::uint32_t level, std::span<const Interval>)>;
    [[nodiscard]] std::vector<std::uint32_t> pick(Diagram set, const Chooser& choose) const;

    [[nodiscard]] std::uint32_t level_count() const {
        return static_cast<std::uint32_t>(last_values_.size());
    }
    /// A further level below all others; what stands already does not ask it.
    std::uint32_t add_level(std::uint32_t last_value);
    [[nodiscard]] std::uint32_t last_value(std::uint32_t level) const {
        return last_values_[level];
    }
    /// Edges of a diagram: what it costs to go through it.
    [[nodiscard]] std::size_t size(Diagram d) const;
    /// Words in use.
    [[nodiscard]] std::size_t words() const { return words_.size(); }

  private:
    enum class Operation : std::uint32_t { over, inside, outside, differing };
    struct CacheEntry {
        std::uint32_t a = 0xffffffffU, b = 0, operation = 0, result = 0;
    };
    /// As many diagrams as are laid over each other at once: more of them make fewer nodes that
    /// nobody asks for again, and cost more comparisons for each edge. The rest is 0. Ends in
    /// `of_either` for what inside_either() was asked.
    using Few = std::array<std::uint32_t, 8>;
    static constexpr std::uint32_t of_either = 0xffffffffU;
    struct FewEntry {
        Few parts{};
        std::uint32_t result = 0;
    };
    /// An edge leads values up to `last` (from the edge before it) to `child`.
    struct Edge {
        std::uint32_t last;
        std::uint32_t child;
    };

    // A node in words_: level, number of edges, the edges. Its handle is its place + most_leaves.
    [[nodiscard]] std::uint32_t level_of(Diagram d) const {
        return is_leaf(d) ? 0xffffffffU : words_[d.handle - most_leaves];
    }
    [[nodiscard]] std::uint32_t edge_count(Diagram d) const {
        return words_[d.handle - most_leaves + 1];
    }
    [[nodiscard]] Edge edge(Diagram d, std::uint32_t i) const {
        std::size_t at = d.handle - most_leaves + 2 + 2 * std::size_t{i};
        return {words_[at], words_[at + 1]};
    }

    /// A node's place in the table of nodes; handle 0: free. Most of what is not the node that is
    /// looked for has another tag, and need not be read.
    struct Slot {
        std::uint32_t handle = 0;
        std::uint32_t tag = 0;  ///< its hash
    };

    void push(std::size_t base, std::uint32_t last, Diagram child);
    Diagram finish(std::uint32_t level, std::size_t base);
    Diagram add_node(std::uint32_t level, std::size_t base);
    void grow_table();
    [[nodiscard]] static std::uint32_t cache_hash(Diagram a, Diagram b, Operation operation);
    template <Operation operation>
    Diagram apply(Diagram a, Diagram b, unsigned depth = 0);
    /// Counts a step of an operation at that depth for each edge.
    void step(std::size_t edges, unsigned depth);
    Diagram over_few(const Few& parts, unsigned depth);
    Diagram inside_either(Diagram set, Diagram a, Diagram b, unsigned depth);
    [[nodiscard]] std::uint32_t edge_of(Diagram d, std::uint32_t value) const;
    /// How many combinations of values the levels from `above` to before `below` have.
    [[nodiscard]] long double combinations(std::uint32_t above, std::uint32_t below) const;
    template <Operation operation>
    static bool settles_first(std::uint32_t child);
    template <Operation operation>
    static Diagram settled_first(std::uint32_t child);
    template <Operation operation>
    static bool settles_second(std::uint32_t child);
    [[nodiscard]] std::uint32_t edge_behind(Diagram d, std::uint32_t i, std::uint32_t last) const;
    /// Rebuilds a diagram from below: `node` makes the result for a node of its level and the
    /// results of its edges.
    template <typename Leaf, typename Node>
    Diagram rebuild(Diagram d, const Leaf& leaf, const Node& node);
    Diagram quantify(Diagram set, std::uint32_t level, bool all);
    /// Calls `f` once for each node and leaf of the diagram.
    template <typename F>
    void each_part(Diagram d, F f) const;

    std::vector<std::uint32_t> last_values_;
    // Most levels have a power of two of values; questions may have thousands of them.
    std::vector<int> exponents_{0};          ///< by level: of those above it, together
    std::vector<std::uint32_t> odd_levels_;  ///< the others, ascending
    std::size_t most_words_;
    LargeTable<std::uint32_t> words_;
    std::size_t steps_ = 0;  ///< edges that operations have gone over
    LargeTable<Slot> table_;
    std::size_t node_count_ = 0;
    LargeTable<CacheEntry> cache_;
    LargeTable<FewEntry> few_cache_;
    std::vector<Edge> building_;  ///< edges of the nodes under construction, innermost last
};

}  // namespace untrack::packet
