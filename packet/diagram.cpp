// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/diagram.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace untrack::packet {
namespace {

constexpr std::size_t first_table = std::size_t{1} << 12U;
constexpr std::size_t largest_cache = std::size_t{1} << 22U;

std::uint64_t mix(std::uint64_t h, std::uint64_t more) {
    h = (h ^ more) * 0xff51afd7ed558ccdULL;
    return h ^ (h >> 32U);
}

std::uint64_t hash_node(const std::uint32_t* words) {
    std::uint64_t h = words[0] * 0x9e3779b97f4a7c15ULL ^ words[1];
    for (std::uint32_t i = 0; i < words[1]; ++i)
        h = mix(h, std::uint64_t{words[2 + 2 * i]} << 32U | words[3 + 2 * i]);
    return h;
}

}  // namespace

Intervals normalized(Intervals intervals) {
    std::sort(intervals.begin(), intervals.end(),
              [](Interval a, Interval b) { return a.first < b.first; });
    Intervals out;
    for (Interval i : intervals) {
        if (i.first > i.last) continue;
        if (!out.empty() && (out.back().last == 0xffffffffU || i.first <= out.back().last + 1))
            out.back().last = std::max(out.back().last, i.last);
        else
            out.push_back(i);
    }
    return out;
}

Intervals complement(const Intervals& intervals, std::uint32_t last) {
    Intervals out;
    std::uint64_t at = 0;
    for (Interval i : intervals) {
        if (i.first > at) out.push_back({static_cast<std::uint32_t>(at), i.first - 1});
        at = std::uint64_t{i.last} + 1;
    }
    if (at <= last) out.push_back({static_cast<std::uint32_t>(at), last});
    return out;
}

Intervals intersection(const Intervals& a, const Intervals& b) {
    Intervals out;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        std::uint32_t first = std::max(a[i].first, b[j].first);
        std::uint32_t last = std::min(a[i].last, b[j].last);
        if (first <= last) out.push_back({first, last});
        if (a[i].last < b[j].last)
            ++i;
        else
            ++j;
    }
    return out;
}

DiagramPool::DiagramPool(std::vector<std::uint32_t> last_values, std::size_t most_words)
    : last_values_(std::move(last_values)),
      most_words_(std::min<std::size_t>(most_words, 0xffffffffU - most_leaves)),
      table_(first_table),
      cache_(first_table) {}

void DiagramPool::push(std::size_t base, std::uint32_t last, Diagram child) {
    if (building_.size() > base && building_.back().child == child.handle)
        building_.back().last = last;
    else
        building_.push_back({last, child.handle});
}

/// The node of the edges from `base` on: the one that is there already, or a new one; a node with
/// one edge is its child.
Diagram DiagramPool::finish(std::uint32_t level, std::size_t base) {
    std::size_t n = building_.size() - base;
    if (n == 1) {
        Diagram only{building_.back().child};
        building_.resize(base);
        return only;
    }
    std::size_t at = words_.size();
    std::size_t size = 2 + 2 * n;
    if (at + size > most_words_) throw PoolExhausted();
    words_.resize(at + size);
    words_[at] = level;
    words_[at + 1] = static_cast<std::uint32_t>(n);
    std::memcpy(&words_[at + 2], &building_[base], n * sizeof(Edge));
    building_.resize(base);
    std::size_t mask = table_.size() - 1;
    for (std::size_t slot = hash_node(&words_[at]) & mask;; slot = (slot + 1) & mask) {
        std::uint32_t there = table_[slot];
        if (there == 0) {
            std::uint32_t handle = static_cast<std::uint32_t>(at) + most_leaves;
            table_[slot] = handle;
            if (++node_count_ * 4 > table_.size() * 3) grow_table();
            return {handle};
        }
        const std::uint32_t* other = &words_[there - most_leaves];
        if (other[0] == level && other[1] == n &&
            std::memcmp(other + 2, &words_[at + 2], n * sizeof(Edge)) == 0) {
            words_.resize(at);
            return {there};
        }
    }
}

void DiagramPool::grow_table() {
    table_.assign(table_.size() * 2, 0);
    std::size_t mask = table_.size() - 1;
    for (std::size_t at = 0; at < words_.size(); at += 2 + 2 * std::size_t{words_[at + 1]}) {
        std::size_t slot = hash_node(&words_[at]) & mask;
        while (table_[slot] != 0) slot = (slot + 1) & mask;
        table_[slot] = static_cast<std::uint32_t>(at) + most_leaves;
    }
    if (cache_.size() < table_.size() && cache_.size() < largest_cache)
        cache_.assign(cache_.size() * 2, {});
}

Diagram DiagramPool::branch(std::uint32_t level, std::span<const Interval> intervals,
                            Diagram inside, Diagram outside) {
    assert(level < level_of(inside) && level < level_of(outside));
    std::size_t base = building_.size();
    std::uint64_t at = 0;
    for (Interval i : intervals) {
        if (i.first > at) push(base, i.first - 1, outside);
        push(base, i.last, inside);
        at = std::uint64_t{i.last} + 1;
    }
    if (at <= last_values_[level]) push(base, last_values_[level], outside);
    return finish(level, base);
}

template <DiagramPool::Operation operation>
Diagram DiagramPool::apply(Diagram a, Diagram b) {
    if constexpr (operation == Operation::over) {
        if (a == nothing || a == b) return b;
        if (b == nothing || is_leaf(a)) return a;
    } else if constexpr (operation == Operation::inside) {
        if (a == nothing || b == nothing) return nothing;
        if (a == everything) return b;
        if (a == b) return a;
        if (b == everything) return a;
    } else if constexpr (operation == Operation::outside) {
        if (a == everything || b == nothing || a == b) return nothing;
        if (a == nothing) return b;
    } else {
        if (a == b) return nothing;
        if (is_leaf(a) && is_leaf(b)) return everything;
        if (a.handle > b.handle) std::swap(a, b);
    }
    constexpr auto code = static_cast<std::uint32_t>(operation);
    std::uint64_t hash = mix(std::uint64_t{a.handle} << 32U | b.handle, code + 1);
    {
        const CacheEntry& known = cache_[hash & (cache_.size() - 1)];
        if (known.a == a.handle && known.b == b.handle && known.operation == code)
            return {known.result};
    }
    std::uint32_t level_a = level_of(a);
    std::uint32_t level_b = level_of(b);
    std::uint32_t level = std::min(level_a, level_b);
    std::size_t base = building_.size();
    if (level_a != level_b) {
        bool of_a = level_a < level_b;
        Diagram split = of_a ? a : b;
        std::uint32_t n = edge_count(split);
        for (std::uint32_t i = 0; i < n; ++i) {
            Edge e = edge(split, i);
            Diagram child = of_a ? apply<operation>({e.child}, b) : apply<operation>(a, {e.child});
            push(base, e.last, child);
        }
    } else {
        for (std::uint32_t i = 0, j = 0;;) {
            Edge x = edge(a, i);
            Edge y = edge(b, j);
            std::uint32_t last = std::min(x.last, y.last);
            push(base, last, apply<operation>({x.child}, {y.child}));
            if (last == last_values_[level]) break;
            if (x.last == last) ++i;
            if (y.last == last) ++j;
        }
    }
    Diagram result = finish(level, base);
    cache_[hash & (cache_.size() - 1)] = {a.handle, b.handle, code, result.handle};
    return result;
}

Diagram DiagramPool::over(Diagram a, Diagram b) {
    return apply<Operation::over>(a, b);
}
Diagram DiagramPool::inside(Diagram set, Diagram b) {
    return apply<Operation::inside>(set, b);
}
Diagram DiagramPool::outside(Diagram set, Diagram b) {
    return apply<Operation::outside>(set, b);
}
Diagram DiagramPool::differing(Diagram a, Diagram b) {
    return apply<Operation::differing>(a, b);
}

Diagram DiagramPool::over_all(std::span<const Diagram> parts) {
    if (parts.empty()) return nothing;
    if (parts.size() == 1) return parts[0];
    std::size_t half = parts.size() / 2;
    Diagram first = over_all(parts.first(half));
    return over(first, over_all(parts.subspan(half)));
}

template <typename Leaf, typename Node>
Diagram DiagramPool::rebuild(Diagram d, const Leaf& leaf, const Node& node) {
    std::unordered_map<std::uint32_t, Diagram> known;
    auto visit = [&](auto&& self, Diagram x) -> Diagram {
        if (is_leaf(x)) return leaf(x);
        auto it = known.find(x.handle);
        if (it != known.end()) return it->second;
        Diagram result = node(x, [&](Diagram child) { return self(self, child); });
        known.emplace(x.handle, result);
        return result;
    };
    return visit(visit, d);
}

Diagram DiagramPool::map_leaves(Diagram d, const std::function<std::uint32_t(std::uint32_t)>& f) {
    std::unordered_map<std::uint32_t, std::uint32_t> asked;
    return rebuild(
        d,
        [&](Diagram x) {
            auto it = asked.find(x.handle);
            if (it == asked.end()) it = asked.emplace(x.handle, f(x.handle)).first;
            return leaf(it->second);
        },
        [&](Diagram x, auto visit) {
            std::size_t base = building_.size();
            for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
                Edge e = edge(x, i);
                push(base, e.last, visit(Diagram{e.child}));
            }
            return finish(level_of(x), base);
        });
}

Diagram DiagramPool::where(Diagram d, const std::function<bool(std::uint32_t)>& f) {
    return map_leaves(d, [&](std::uint32_t number) { return f(number) ? 1U : 0U; });
}

template <typename F>
void DiagramPool::each_part(Diagram d, F f) const {
    std::unordered_set<std::uint32_t> seen{d.handle};
    std::vector<Diagram> todo{d};
    while (!todo.empty()) {
        Diagram x = todo.back();
        todo.pop_back();
        f(x);
        if (is_leaf(x)) continue;
        for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
            Diagram child{edge(x, i).child};
            if (seen.insert(child.handle).second) todo.push_back(child);
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

Diagram DiagramPool::substituted(Diagram d, std::span<const Substitution> changes,
                                 const std::function<std::uint32_t(std::uint32_t)>& f) {
    return rebuild(
        d, [&](Diagram x) { return leaf(f(x.handle)); },
        [&](Diagram x, auto visit) -> Diagram {
            std::uint32_t own = level_of(x);
            auto change = std::find_if(changes.begin(), changes.end(),
                                       [&](const Substitution& s) { return s.level == own; });
            std::uint32_t n = edge_count(x);
            if (change == changes.end()) {
                std::size_t base = building_.size();
                for (std::uint32_t i = 0; i < n; ++i) {
                    Edge e = edge(x, i);
                    push(base, e.last, visit(Diagram{e.child}));
                }
                return finish(own, base);
            }
            if (!change->is_level) {
                std::uint32_t i = 0;
                while (edge(x, i).last < change->with) ++i;
                return visit(Diagram{edge(x, i).child});
            }
            std::vector<Diagram> parts;
            std::uint32_t first = 0;
            for (std::uint32_t i = 0; i < n; ++i) {
                Edge e = edge(x, i);
                Interval interval{first, e.last};
                first = e.last + 1;
                parts.push_back(
                    inside(values(change->with, {&interval, 1}), visit(Diagram{e.child})));
            }
            return over_all(parts);
        });
}

Diagram DiagramPool::with_value(Diagram d, std::uint32_t level, std::uint32_t value) {
    return rebuild(
        d, [](Diagram x) { return x; },
        [&](Diagram x, auto visit) -> Diagram {
            std::uint32_t own = level_of(x);
            if (own > level) return x;
            std::size_t base = building_.size();
            for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
                Edge e = edge(x, i);
                if (own == level) {
                    if (value <= e.last) return {e.child};
                } else {
                    push(base, e.last, visit(Diagram{e.child}));
                }
            }
            return finish(own, base);
        });
}

Diagram DiagramPool::quantify(Diagram set, std::uint32_t level, bool all) {
    return rebuild(
        set, [](Diagram x) { return x; },
        [&](Diagram x, auto visit) -> Diagram {
            std::uint32_t own = level_of(x);
            if (own > level) return x;
            std::uint32_t n = edge_count(x);
            if (own == level) {
                Diagram result = all ? everything : nothing;
                for (std::uint32_t i = 0; i < n; ++i) {
                    Diagram child{edge(x, i).child};
                    result = all ? inside(result, child) : over(result, child);
                }
                return result;
            }
            std::size_t base = building_.size();
            for (std::uint32_t i = 0; i < n; ++i) {
                Edge e = edge(x, i);
                push(base, e.last, visit(Diagram{e.child}));
            }
            return finish(own, base);
        });
}
Diagram DiagramPool::for_some(Diagram set, std::uint32_t level) {
    return quantify(set, level, false);
}
Diagram DiagramPool::for_all(Diagram set, std::uint32_t level) {
    return quantify(set, level, true);
}

Diagram DiagramPool::exchanged(Diagram set, std::span<const std::uint32_t> partner) {
    return rebuild(
        set, [](Diagram x) { return x; },
        [&](Diagram x, auto visit) -> Diagram {
            std::uint32_t own = level_of(x);
            std::vector<Diagram> parts;
            std::uint32_t first = 0;
            for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
                Edge e = edge(x, i);
                Interval interval{first, e.last};
                first = e.last + 1;
                // The child asks levels on both sides of the partner now, hence the intersection.
                parts.push_back(
                    inside(values(partner[own], {&interval, 1}), visit(Diagram{e.child})));
            }
            return over_all(parts);
        });
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

long double DiagramPool::count(Diagram set) const {
    auto values_of = [&](std::uint32_t level) {
        return static_cast<long double>(last_values_[level]) + 1;
    };
    auto between = [&](std::uint32_t above, std::uint32_t below) {
        long double n = 1;
        for (std::uint32_t l = above; l < std::min(below, level_count()); ++l) n *= values_of(l);
        return n;
    };
    std::unordered_map<std::uint32_t, long double> known;
    // Of the levels from the node's own on.
    auto visit = [&](auto&& self, Diagram x) -> long double {
        if (is_leaf(x)) return x == nothing ? 0 : 1;
        auto it = known.find(x.handle);
        if (it != known.end()) return it->second;
        long double sum = 0;
        std::uint64_t first = 0;
        std::uint32_t own = level_of(x);
        for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
            Edge e = edge(x, i);
            Diagram child{e.child};
            auto width = static_cast<long double>(e.last - first + 1);
            first = std::uint64_t{e.last} + 1;
            sum += width * self(self, child) * between(own + 1, level_of(child));
        }
        known.emplace(x.handle, sum);
        return sum;
    };
    return visit(visit, set) * between(0, level_of(set));
}

std::uint32_t DiagramPool::at(Diagram d, std::span<const std::uint32_t> values) const {
    while (!is_leaf(d)) {
        std::uint32_t value = values[level_of(d)];
        // By halves: a node may have a hundred thousand edges.
        std::uint32_t low = 0;
        for (std::uint32_t high = edge_count(d) - 1; low < high;) {
            std::uint32_t middle = low + (high - low) / 2;
            if (value <= edge(d, middle).last)
                high = middle;
            else
                low = middle + 1;
        }
        d = {edge(d, low).child};
    }
    return d.handle;
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
        std::uint32_t i = 0;
        while (edge(set, i).last < values[level]) ++i;
        set = {edge(set, i).child};
    }
    return values;
}

std::size_t DiagramPool::size(Diagram d) const {
    std::size_t edges = 0;
    each_part(d, [&](Diagram x) { edges += is_leaf(x) ? 0 : edge_count(x); });
    return edges;
}

}  // namespace untrack::packet
