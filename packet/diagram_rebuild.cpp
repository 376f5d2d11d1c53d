// SPDX-License-Identifier: GPL-2.0-or-later
// Diagrams made of one diagram from below: other numbers, other fields, fewer levels.
#include <algorithm>

#include "packet/diagram_walk.hpp"

namespace untrack::packet {

template <typename Leaf, typename Node>
Diagram DiagramPool::rebuild(Diagram d, const Leaf& leaf, const Node& node) {
    Memo<std::uint32_t> known;
    unsigned depth = 0;
    auto visit = [&](auto&& self, Diagram x) -> Diagram {
        if (const std::uint32_t* made = known.find(x.handle)) return {*made};
        step(0, ++depth);
        Diagram result =
            is_leaf(x) ? leaf(x) : node(x, [&](Diagram child) { return self(self, child); });
        --depth;
        known.insert(x.handle, result.handle);
        return result;
    };
    return visit(visit, d);
}

Diagram DiagramPool::map_leaves(Diagram d, const std::function<std::uint32_t(std::uint32_t)>& f) {
    return rebuild(
        d, [&](Diagram x) { return leaf(f(x.handle)); },
        [&](Diagram x, auto visit) {
            std::size_t base = building_.size();
            bool changed = false;
            for (std::uint32_t i = 0, n = edge_count(x); i < n; ++i) {
                Edge e = edge(x, i);
                Diagram child = visit(Diagram{e.child});
                changed = changed || child.handle != e.child;
                push(base, e.last, child);
            }
            if (changed) return finish(level_of(x), base);
            building_.resize(base);
            return x;
        });
}

Diagram DiagramPool::where(Diagram d, const std::function<bool(std::uint32_t)>& f) {
    return map_leaves(d, [&](std::uint32_t number) { return f(number) ? 1U : 0U; });
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

}  // namespace untrack::packet
