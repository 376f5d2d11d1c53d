// SPDX-License-Identifier: GPL-2.0-or-later
// What a diagram says: its numbers, its packets and how many they are.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "packet/diagram_walk.hpp"

namespace untrack::packet {

template <typename F>
void DiagramPool::each_part(Diagram d, F f) const {
    Memo<std::uint32_t> seen;
    seen.insert(d.handle, 0);
    std::vector<Diagram> todo{d};
    while (!todo.empty()) {
        Diagram x = todo.back();
        todo.pop_back();
        f(x);
        if (is_leaf(x)) continue;
        for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
            Diagram child{edge(x, i).child};
            if (seen.insert(child.handle, 0)) todo.push_back(child);
        }
    }
}

std::vector<std::uint32_t> DiagramPool::leaves(Diagram d) const {
    std::vector<std::uint32_t> out;
    each_part(d, [&](Diagram x) {
        if (is_leaf(x)) out.push_back(x.handle);
    });
    std::sort(out.begin(), out.end());
    return out;
}

Intervals DiagramPool::values_leading_into(Diagram set, std::uint32_t level) {
    for (std::uint32_t other = 0; other < level_count(); ++other)
        if (other != level && asks(set, other)) set = for_some(set, other);
    if (is_leaf(set)) return set == nothing ? Intervals{} : Intervals{{0, last_values_[level]}};
    Intervals out;
    std::uint32_t first = 0;
    for (std::uint32_t i = 0, n = edge_count(set); i < n; ++i) {
        Edge e = edge(set, i);
        if (e.child != nothing.handle) out.push_back({first, e.last});
        first = e.last + 1;
    }
    return out;
}

bool DiagramPool::asks(Diagram d, std::uint32_t level) const {
    bool found = false;
    each_part(d, [&](Diagram x) { found = found || level_of(x) == level; });
    return found;
}

std::optional<DiagramPool::Values> DiagramPool::values_of(Diagram set) const {
    if (is_leaf(set)) return std::nullopt;
    Values out{level_of(set), {}};
    std::uint32_t first = 0;
    for (std::uint32_t i = 0, n = edge_count(set); i < n; ++i) {
        Edge e = edge(set, i);
        if (!is_leaf({e.child})) return std::nullopt;
        if (e.child != 0) out.intervals.push_back({first, e.last});
        first = e.last + 1;
    }
    return out;
}

long double DiagramPool::combinations(std::uint32_t above, std::uint32_t below) const {
    below = std::min(below, level_count());
    long double n = std::ldexp(1.0L, exponents_[below] - exponents_[above]);
    auto odd = std::lower_bound(odd_levels_.begin(), odd_levels_.end(), above);
    for (; odd != odd_levels_.end() && *odd < below; ++odd)
        n *= static_cast<long double>(last_values_[*odd]) + 1;
    return n;
}

long double DiagramPool::count(Diagram set) const {
    Memo<std::uint32_t> known;
    std::vector<long double> counts;
    // Of the levels from the node's own on.
    auto visit = [&](auto&& self, Diagram x, unsigned depth) -> long double {
        if (is_leaf(x)) return x == nothing ? 0 : 1;
        if (++depth > most_depth) throw PoolExhausted();
        if (const std::uint32_t* at = known.find(x.handle)) return counts[*at];
        long double sum = 0;
        std::uint64_t first = 0;
        std::uint32_t own = level_of(x);
        for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
            Edge e = edge(x, i);
            Diagram child{e.child};
            auto width = static_cast<long double>(e.last - first + 1);
            first = std::uint64_t{e.last} + 1;
            if (child == nothing) continue;
            sum += width * self(self, child, depth) * combinations(own + 1, level_of(child));
        }
        known.insert(x.handle, static_cast<std::uint32_t>(counts.size()));
        counts.push_back(sum);
        return sum;
    };
    return visit(visit, set, 0) * combinations(0, level_of(set));
}

/// The edge of a value, by halves: a node may have a hundred thousand edges.
std::uint32_t DiagramPool::edge_of(Diagram d, std::uint32_t value) const {
    std::uint32_t low = 0;
    for (std::uint32_t high = edge_count(d) - 1; low < high;) {
        std::uint32_t middle = low + (high - low) / 2;
        if (value <= edge(d, middle).last)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

std::uint32_t DiagramPool::at(Diagram d, std::span<const std::uint32_t> values) const {
    while (!is_leaf(d)) d = {edge(d, edge_of(d, values[level_of(d)])).child};
    return d.handle;
}

std::vector<std::uint32_t> DiagramPool::levels_asked(Diagram d,
                                                     std::span<const std::uint32_t> values) const {
    std::vector<std::uint32_t> levels;
    while (!is_leaf(d)) {
        levels.push_back(level_of(d));
        d = {edge(d, edge_of(d, values[levels.back()])).child};
    }
    return levels;
}

std::vector<std::uint32_t> DiagramPool::first_of(Diagram set) const {
    assert(!(set == nothing));
    std::vector<std::uint32_t> values(level_count());
    while (!is_leaf(set)) {
        std::uint32_t i = 0;
        while (edge(set, i).child == nothing.handle) ++i;
        if (i != 0) values[level_of(set)] = edge(set, i - 1).last + 1;
        set = {edge(set, i).child};
    }
    return values;
}

std::vector<std::uint32_t> DiagramPool::pick(Diagram set, const Chooser& choose) const {
    assert(!(set == nothing));
    std::vector<std::uint32_t> values(level_count());
    Intervals ways;
    for (std::uint32_t level = 0; level < level_count(); ++level) {
        ways.clear();
        if (level_of(set) != level) {
            ways.push_back({0, last_values_[level]});
            values[level] = choose(level, ways);
            continue;
        }
        std::uint32_t first = 0;
        for (std::uint32_t i = 0, n = edge_count(set); i < n; ++i) {
            Edge e = edge(set, i);
            if (e.child != nothing.handle) {
                if (!ways.empty() && ways.back().last + 1 == first)
                    ways.back().last = e.last;
                else
                    ways.push_back({first, e.last});
            }
            first = e.last + 1;
        }
        values[level] = choose(level, ways);
        set = {edge(set, edge_of(set, values[level])).child};
    }
    return values;
}

std::size_t DiagramPool::size(Diagram d) const {
    std::size_t edges = 0;
    each_part(d, [&](Diagram x) { edges += is_leaf(x) ? 0 : edge_count(x); });
    return edges;
}

}  // namespace untrack::packet
