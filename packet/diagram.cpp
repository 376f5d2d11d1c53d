// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "packet/diagram_walk.hpp"

namespace untrack::packet {
namespace {

constexpr std::size_t first_table = std::size_t{1} << 10U;
constexpr std::size_t largest_cache = std::size_t{1} << 22U;
}  // namespace

DiagramPool::DiagramPool(const std::vector<std::uint32_t>& last_values, std::size_t most_words)
    : most_words_(std::min<std::size_t>(most_words, 0xffffffffU - most_leaves)),
      table_(first_table),
      cache_(first_table),
      few_cache_(first_table / 2) {
    for (std::uint32_t last : last_values) add_level(last);
}

std::uint32_t DiagramPool::add_level(std::uint32_t last_value) {
    std::uint32_t level = level_count();
    last_values_.push_back(last_value);
    std::uint64_t values = std::uint64_t{last_value} + 1;
    bool power = std::has_single_bit(values);
    exponents_.push_back(exponents_.back() + (power ? std::countr_zero(values) : 0));
    if (!power) odd_levels_.push_back(level);
    return level;
}

/// The node of the edges from `base` on: the one that is there already, or a new one; a node with
/// one edge is its child.
Diagram DiagramPool::finish(std::uint32_t level, std::size_t base) {
    std::size_t n = building_.size() - base;
    const Edge* edges = building_.data() + base;
    if (n == 1) {
        Diagram only{edges->child};
        building_.resize(base);
        return only;
    }
    std::uint64_t hash = mix(level, n);
    for (std::size_t i = 0; i < n; ++i)
        hash = mix(hash, std::uint64_t{edges[i].last} << 32U | edges[i].child);
    auto tag = static_cast<std::uint32_t>(hash);
    std::size_t mask = table_.size() - 1;
    std::size_t slot = tag & mask;
    for (; table_[slot].handle != 0; slot = (slot + 1) & mask) {
        if (table_[slot].tag != tag) continue;
        const std::uint32_t* there = &words_[table_[slot].handle - most_leaves];
        if (there[0] != level || there[1] != n ||
            std::memcmp(there + 2, edges, n * sizeof(Edge)) != 0)
            continue;
        building_.resize(base);
        return {table_[slot].handle};
    }
    Diagram made = add_node(level, base);
    table_[slot] = {made.handle, tag};
    if (++node_count_ * 4 > table_.size() * 3) grow_table();
    return made;
}

Diagram DiagramPool::add_node(std::uint32_t level, std::size_t base) {
    std::size_t n = building_.size() - base;
    std::size_t at = words_.size();
    std::size_t size = 2 + 2 * n;
    if (size > most_words_ - at) {
        building_.resize(base);
        throw PoolExhausted();
    }
    // Memory that is not written yet costs nothing, moving hundreds of megabytes does.
    if (at + size > words_.capacity())
        words_.reserve(std::min(most_words_, std::max(at + size, 4 * at + first_table)));
    words_.resize(at + size);
    words_[at] = level;
    words_[at + 1] = static_cast<std::uint32_t>(n);
    std::memcpy(&words_[at + 2], &building_[base], n * sizeof(Edge));
    building_.resize(base);
    return {static_cast<std::uint32_t>(at) + most_leaves};
}

void DiagramPool::grow_table() {
    LargeTable<Slot> old(table_.size() * 2);
    old.swap(table_);
    std::size_t mask = table_.size() - 1;
    for (const Slot& s : old) {
        if (s.handle == 0) continue;
        std::size_t slot = s.tag & mask;
        while (table_[slot].handle != 0) slot = (slot + 1) & mask;
        table_[slot] = s;
    }
    if (cache_.size() >= table_.size() || cache_.size() >= largest_cache) return;
    LargeTable<CacheEntry> known(cache_.size() * 2);
    known.swap(cache_);
    for (const CacheEntry& e : known)
        if (e.a != 0xffffffffU)
            cache_[cache_hash({e.a}, {e.b}, Operation{e.operation}) & (cache_.size() - 1)] = e;
    few_cache_.assign(cache_.size() / 2, {});
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

inline std::uint32_t DiagramPool::cache_hash(Diagram a, Diagram b, Operation operation) {
    return static_cast<std::uint32_t>(
        mix(std::uint64_t{a.handle} << 32U | b.handle, static_cast<std::uint64_t>(operation) + 1));
}

/// Whether a child of the first operand says what comes out, whatever the second one is.
template <DiagramPool::Operation operation>
bool DiagramPool::settles_first(std::uint32_t child) {
    if constexpr (operation == Operation::over) return child != 0 && is_leaf({child});
    if constexpr (operation == Operation::inside) return child == 0;
    if constexpr (operation == Operation::outside) return child == everything.handle;
    return false;
}
template <DiagramPool::Operation operation>
Diagram DiagramPool::settled_first(std::uint32_t child) {
    return operation == Operation::over ? Diagram{child} : nothing;
}
/// The same of the second operand: nothing comes out.
template <DiagramPool::Operation operation>
bool DiagramPool::settles_second(std::uint32_t child) {
    return (operation == Operation::inside || operation == Operation::outside) && child == 0;
}

/// The edge of the value behind `last`, looked for from edge i on: in steps that double, then by
/// halves.
std::uint32_t DiagramPool::edge_behind(Diagram d, std::uint32_t i, std::uint32_t last) const {
    if (edge(d, i).last > last) return i;
    std::uint32_t end = edge_count(d) - 1;
    std::uint32_t stride = 1;
    while (i + stride < end && edge(d, i + stride).last <= last) {
        i += stride;
        stride *= 2;
    }
    std::uint32_t low = i + 1;
    std::uint32_t high = std::min(i + stride, end);
    while (low < high) {
        std::uint32_t middle = low + (high - low) / 2;
        if (edge(d, middle).last > last)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

template <DiagramPool::Operation operation>
Diagram DiagramPool::apply(Diagram a, Diagram b, unsigned depth) {
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
    std::uint32_t hash = cache_hash(a, b, operation);
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
        step(n, ++depth);
        for (std::uint32_t i = 0; i < n; ++i) {
            Edge e = edge(split, i);
            Diagram child = of_a ? apply<operation>({e.child}, b, depth)
                                 : apply<operation>(a, {e.child}, depth);
            push(base, e.last, child);
        }
    } else {
        step(0, ++depth);
        for (std::uint32_t i = 0, j = 0;;) {
            Edge x = edge(a, i);
            Edge y = edge(b, j);
            ++steps_;
            // Where one child settles the result, the other node's edges are passed over at once:
            // a narrow set inside a wide one costs no more than the narrow one.
            if (settles_first<operation>(x.child)) {
                push(base, x.last, settled_first<operation>(x.child));
                if (x.last == last_values_[level]) break;
                ++i;
                j = edge_behind(b, j, x.last);
                continue;
            }
            if (settles_second<operation>(y.child)) {
                push(base, y.last, nothing);
                if (y.last == last_values_[level]) break;
                ++j;
                i = edge_behind(a, i, y.last);
                continue;
            }
            std::uint32_t last = std::min(x.last, y.last);
            push(base, last, apply<operation>({x.child}, {y.child}, depth));
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

Diagram DiagramPool::inside_either(Diagram set, Diagram a, Diagram b, unsigned depth) {
    if (set == nothing) return nothing;
    if (a == everything || b == everything || a == set || b == set) return set;
    if (b == nothing || a == b) return apply<Operation::inside>(set, a, depth);
    if (a == nothing) return apply<Operation::inside>(set, b, depth);
    if (set == everything) return apply<Operation::over>(a, b, depth);
    if (a.handle > b.handle) std::swap(a, b);
    const Few key{set.handle, a.handle, b.handle, 0, 0, 0, 0, of_either};
    std::uint64_t hash = mix(mix(of_either, std::uint64_t{set.handle} << 32U | a.handle), b.handle);
    {
        const FewEntry& known = few_cache_[hash & (few_cache_.size() - 1)];
        if (known.parts == key) return {known.result};
    }
    const std::array<Diagram, 3> parts{set, a, b};
    std::uint32_t level = std::min({level_of(set), level_of(a), level_of(b)});
    std::uint32_t end = last_values_[level];
    std::array<std::uint32_t, 3> at{};
    std::array<Edge, 3> edges{};
    for (std::size_t k = 0; k < 3; ++k)
        edges[k] = level_of(parts[k]) == level ? edge(parts[k], 0) : Edge{end, parts[k].handle};
    step(0, ++depth);
    std::size_t base = building_.size();
    for (;;) {
        ++steps_;
        // Outside the set, the edges of the other two are passed over at once.
        bool out = edges[0].child == 0;
        std::uint32_t last =
            out ? edges[0].last : std::min({edges[0].last, edges[1].last, edges[2].last});
        push(base, last,
             out ? nothing
                 : inside_either({edges[0].child}, {edges[1].child}, {edges[2].child}, depth));
        if (last == end) break;
        for (std::size_t k = 0; k < 3; ++k) {
            if (edges[k].last > last) continue;
            at[k] = edge_behind(parts[k], at[k], last);
            edges[k] = edge(parts[k], at[k]);
        }
    }
    Diagram result = finish(level, base);
    few_cache_[hash & (few_cache_.size() - 1)] = {key, result.handle};
    return result;
}

Diagram DiagramPool::over_few(const Few& all, unsigned depth) {
    // Without what changes nothing: 0, what has come already, what comes after a leaf.
    Few parts{};
    std::size_t n = 0;
    for (std::uint32_t part : all) {
        auto end = parts.begin() + static_cast<std::ptrdiff_t>(n);
        if (part == 0 || std::find(parts.begin(), end, part) != end) continue;
        parts[n++] = part;
        if (is_leaf({part})) break;
    }
    if (n <= 1) return {parts[0]};
    if (n == 2) return apply<Operation::over>({parts[0]}, {parts[1]}, depth);
    std::uint64_t hash = n;
    for (std::size_t i = 0; i < n; i += 2)
        hash = mix(hash, std::uint64_t{parts[i]} << 32U | parts[i + 1]);
    {
        const FewEntry& known = few_cache_[hash & (few_cache_.size() - 1)];
        if (known.parts == parts) return {known.result};
    }
    std::uint32_t level = 0xffffffffU;
    for (std::size_t i = 0; i < n; ++i) level = std::min(level, level_of({parts[i]}));
    Few at{};  // the edge of each that the values have come to
    Few children = parts;
    Few lasts{};
    std::size_t edges = 0;
    auto go_to = [&](std::size_t i, std::uint32_t number) {
        Edge e = edge({parts[i]}, number);
        at[i] = number;
        lasts[i] = e.last;
        children[i] = e.child;
    };
    for (std::size_t i = 0; i < n; ++i) {
        lasts[i] = last_values_[level];
        if (level_of({parts[i]}) != level) continue;
        edges += edge_count({parts[i]});
        go_to(i, 0);
    }
    step(edges, ++depth);
    std::size_t base = building_.size();
    for (;;) {
        std::uint32_t last = lasts[0];
        for (std::size_t i = 1; i < n; ++i) last = std::min(last, lasts[i]);
        push(base, last, over_few(children, depth));
        if (last == last_values_[level]) break;
        for (std::size_t i = 0; i < n; ++i)
            if (lasts[i] == last) go_to(i, at[i] + 1);
    }
    Diagram result = finish(level, base);
    few_cache_[hash & (few_cache_.size() - 1)] = {parts, result.handle};
    return result;
}

Diagram DiagramPool::over_all(std::span<const Diagram> parts) {
    Few few{};
    std::size_t each = 1;
    while (each * few.size() < parts.size()) each *= few.size();
    for (std::size_t i = 0; !parts.empty(); ++i) {
        std::size_t n = std::min(each, parts.size());
        few[i] = n == 1 ? parts[0].handle : over_all(parts.first(n)).handle;
        parts = parts.subspan(n);
    }
    return over_few(few, 0);
}

Diagram DiagramPool::chained(Diagram a, Diagram b, Zero zero,
                             const std::function<bool(std::uint32_t)>& settled,
                             const std::function<std::uint32_t(std::uint32_t, std::uint32_t)>& f) {
    Memo<std::uint32_t> plain_known;
    // Whether all numbers are 0 or settled.
    auto plain = [&](auto&& self, Diagram x, unsigned depth) -> bool {
        if (const std::uint32_t* known = plain_known.find(x.handle)) return *known != 0;
        step(0, ++depth);
        bool result = true;
        if (is_leaf(x))
            result = x == nothing || settled(x.handle);
        else
            for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i)
                result = self(self, Diagram{edge(x, i).child}, depth) && result;
        plain_known.insert(x.handle, result ? 1 : 0);
        return result;
    };
    plain(plain, a, 0);
    Memo<std::uint64_t> known;
    auto visit = [&](auto&& self, Diagram x, Diagram y, unsigned depth) -> Diagram {
        if (*plain_known.find(x.handle) != 0)
            return zero == Zero::stays ? x : apply<Operation::over>(x, y, depth);
        if (is_leaf(x) && is_leaf(y)) return leaf(f(x.handle, y.handle));
        std::uint64_t key = std::uint64_t{x.handle} << 32U | y.handle;
        if (const std::uint32_t* made = known.find(key)) return {*made};
        std::uint32_t level = std::min(level_of(x), level_of(y));
        bool of_x = level_of(x) == level;
        bool of_y = level_of(y) == level;
        step((of_x ? edge_count(x) : 0) + (of_y ? edge_count(y) : 0), ++depth);
        std::size_t base = building_.size();
        for (std::uint32_t i = 0, j = 0;;) {
            Edge e = of_x ? edge(x, i) : Edge{last_values_[level], x.handle};
            Edge g = of_y ? edge(y, j) : Edge{last_values_[level], y.handle};
            std::uint32_t last = std::min(e.last, g.last);
            push(base, last, self(self, Diagram{e.child}, Diagram{g.child}, depth));
            if (last == last_values_[level]) break;
            if (e.last == last) ++i;
            if (g.last == last) ++j;
        }
        Diagram result = finish(level, base);
        known.insert(key, result.handle);
        return result;
    };
    return visit(visit, a, b, 0);
}

}  // namespace untrack::packet
