// SPDX-License-Identifier: GPL-2.0-or-later
// Diagrams against tables: over a few small levels every packet is looked at. A diagram built from
// a table must be the very one that the operation made, since equal ones have equal handles.
#include "packet/diagram.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <rapidcheck.h>

using namespace untrack::packet;

namespace {

using Values = std::vector<std::uint32_t>;
using Table = std::vector<std::uint32_t>;

const Values small_levels{2, 3, 1, 3, 2};

/// All packets of the levels, the last level changing fastest.
std::vector<Values> all_packets(const Values& lasts) {
    std::vector<Values> out{{}};
    for (std::uint32_t last : lasts) {
        std::vector<Values> longer;
        for (const Values& v : out)
            for (std::uint32_t n = 0; n <= last; ++n) {
                longer.push_back(v);
                longer.back().push_back(n);
            }
        out = std::move(longer);
    }
    return out;
}

struct Lab {
    explicit Lab(std::size_t words = 1'000'000)
        : pool(small_levels, words), packets(all_packets(small_levels)) {}

    DiagramPool pool;
    std::vector<Values> packets;

    /// Built from below, value by value.
    Diagram from(const Table& table, std::uint32_t level = 0, std::size_t at = 0) {
        if (level == small_levels.size()) return DiagramPool::leaf(table[at]);
        Diagram all = nothing;
        for (std::uint32_t v = 0; v <= small_levels[level]; ++v) {
            Diagram child = from(table, level + 1, at * (small_levels[level] + 1) + v);
            Interval one{v, v};
            all = pool.over(all, pool.branch(level, {&one, 1}, child, nothing));
        }
        return all;
    }
    Table table(Diagram d) const {
        Table out;
        for (const Values& p : packets) out.push_back(pool.at(d, p));
        return out;
    }
    template <typename F>
    Table each(F f) const {
        Table out;
        for (const Values& p : packets) out.push_back(f(p));
        return out;
    }
};

/// Any of them from the first case on; rapidcheck's own ranges begin narrow.
template <typename T>
T in_range(T first, T end) {
    return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(first, end));
}

/// Boxes over each other, so that diagrams have some shape and share parts.
Table random_table(std::uint32_t numbers) {
    std::vector<Values> packets = all_packets(small_levels);
    Table out(packets.size(), in_range<std::uint32_t>(0, numbers));
    for (int boxes = in_range(0, 7); boxes > 0; --boxes) {
        Values low;
        Values high;
        for (std::uint32_t last : small_levels) {
            auto a = in_range<std::uint32_t>(0, last + 1);
            auto b = in_range<std::uint32_t>(0, last + 1);
            bool any = in_range(0, 2) == 0;
            low.push_back(any ? 0 : std::min(a, b));
            high.push_back(any ? last : std::max(a, b));
        }
        auto number = in_range<std::uint32_t>(0, numbers);
        for (std::size_t i = 0; i < packets.size(); ++i) {
            bool in = true;
            for (std::size_t l = 0; l < low.size(); ++l)
                in = in && low[l] <= packets[i][l] && packets[i][l] <= high[l];
            if (in) out[i] = number;
        }
    }
    return out;
}
Table random_set() {
    return random_table(2);
}

template <typename F>
Table pointwise(const Table& a, const Table& b, F f) {
    Table out(a.size());
    std::transform(a.begin(), a.end(), b.begin(), out.begin(), f);
    return out;
}

template <typename F>
void holds(const char* what, F property) {
    EXPECT_TRUE(rc::check(what, property));
}

}  // namespace

TEST(Intervals, AreWhatTheyAreForEachValue) {
    holds("normalized, complement, intersection", [] {
        auto any = [] {
            Intervals out;
            for (int n = in_range(0, 5); n > 0; --n) {
                auto a = in_range<std::uint32_t>(0, 16);
                out.push_back({a, a + in_range<std::uint32_t>(0, 5)});
            }
            return out;
        };
        auto in = [](const Intervals& intervals, std::uint32_t v) {
            return std::any_of(intervals.begin(), intervals.end(),
                               [&](Interval i) { return i.first <= v && v <= i.last; });
        };
        Intervals raw = any();
        Intervals a = normalized(raw);
        Intervals b = normalized(any());
        Intervals not_a = complement(a, 31);
        Intervals both = intersection(a, b);
        for (std::uint32_t v = 0; v < 32; ++v) {
            RC_ASSERT(in(a, v) == in(raw, v));
            RC_ASSERT(in(not_a, v) != in(a, v));
            RC_ASSERT(in(both, v) == (in(a, v) && in(b, v)));
        }
        for (const Intervals& list : {a, not_a})
            for (std::size_t i = 1; i < list.size(); ++i)
                RC_ASSERT(list[i - 1].last + 1 < list[i].first);
    });
}

TEST(Intervals, ReachTheLargestNumber) {
    EXPECT_EQ(normalized({{5, 0xffffffffU}, {0xffffffffU, 0xffffffffU}}),
              (Intervals{{5, 0xffffffffU}}));
    EXPECT_EQ(complement({{0, 0xffffffffU}}, 0xffffffffU), Intervals{});
    EXPECT_EQ(complement({{1, 0xffffffffU}}, 0xffffffffU), (Intervals{{0, 0}}));
    EXPECT_EQ(complement({}, 0xffffffffU), (Intervals{{0, 0xffffffffU}}));
    EXPECT_EQ(normalized({{7, 6}}), Intervals{});
}

TEST(Diagram, OperationsAreWhatTheyAreForOnePacket) {
    holds("two diagrams", [] {
        Lab lab;
        Table a = random_table(4);
        Table b = random_table(4);
        Table s = random_set();
        Diagram x = lab.from(a);
        Diagram y = lab.from(b);
        Diagram set = lab.from(s);
        auto over = [](auto p, auto q) { return p != 0 ? p : q; };
        RC_ASSERT(lab.table(x) == a);
        RC_ASSERT(lab.pool.over(x, y) == lab.from(pointwise(a, b, over)));
        RC_ASSERT(lab.pool.inside(set, y) ==
                  lab.from(pointwise(s, b, [](auto p, auto q) { return p != 0 ? q : 0; })));
        RC_ASSERT(lab.pool.outside(set, y) ==
                  lab.from(pointwise(s, b, [](auto p, auto q) { return p != 0 ? 0 : q; })));
        RC_ASSERT(lab.pool.differing(x, y) ==
                  lab.from(pointwise(a, b, [](auto p, auto q) { return p != q ? 1U : 0U; })));
        RC_ASSERT(lab.pool.complement_of(set) ==
                  lab.from(pointwise(s, s, [](auto p, auto) { return 1 - p; })));
        auto sum = [](auto p, auto q) { return p * 10 + q; };
        for (auto zero : {DiagramPool::Zero::gives_way, DiagramPool::Zero::stays})
            RC_ASSERT(lab.pool.chained(
                          x, y, zero, [](auto n) { return n == 3; }, sum) ==
                      lab.from(pointwise(a, b, [&](auto p, auto q) {
                          if (p == 0) return zero == DiagramPool::Zero::stays ? 0 : q;
                          return p == 3 ? p : sum(p, q);
                      })));
    });
}

TEST(Diagram, ManyOverEachOtherAreOneAfterTheOther) {
    holds("over_all", [] {
        Lab lab;
        std::vector<Diagram> parts;
        Diagram expected = nothing;
        for (int n = in_range(0, 40); n > 0; --n) {
            // Sparse ones: else nothing is left for the later parts.
            Table t = random_table(6);
            Table mask = random_set();
            Table other = random_set();
            for (std::size_t i = 0; i < t.size(); ++i) t[i] *= mask[i] * other[i];
            parts.push_back(lab.from(t));
            expected = lab.pool.over(expected, parts.back());
        }
        RC_ASSERT(lab.pool.over_all(parts) == expected);
    });
}

TEST(Diagram, NumbersAreMapped) {
    holds("map_leaves, where, leaves", [] {
        Lab lab;
        Table a = random_table(5);
        Diagram x = lab.from(a);
        auto f = [](std::uint32_t n) { return n * n % 5; };
        RC_ASSERT(lab.pool.map_leaves(x, f) ==
                  lab.from(pointwise(a, a, [&](auto p, auto) { return f(p); })));
        RC_ASSERT(lab.pool.map_leaves(x, [](std::uint32_t n) { return n; }) == x);
        RC_ASSERT(lab.pool.where(x, [](std::uint32_t n) { return n > 2; }) ==
                  lab.from(pointwise(a, a, [](auto p, auto) { return p > 2 ? 1U : 0U; })));
        Table numbers = a;
        std::sort(numbers.begin(), numbers.end());
        numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
        RC_ASSERT(lab.pool.leaves(x) == numbers);
        std::map<std::uint32_t, int> asked;
        lab.pool.map_leaves(x, [&](std::uint32_t n) { return ++asked[n], n; });
        for (const auto& [number, times] : asked) RC_ASSERT(times == 1);
    });
}

TEST(Diagram, LevelsAreTakenOut) {
    holds("with_value, for_some, for_all, asks", [] {
        Lab lab;
        Table a = random_table(4);
        Table s = random_set();
        Diagram x = lab.from(a);
        Diagram set = lab.from(s);
        auto level = in_range<std::uint32_t>(0, static_cast<std::uint32_t>(small_levels.size()));
        std::uint32_t last = small_levels[level];
        auto value = in_range<std::uint32_t>(0, last + 1);
        auto with = [&](Values p, std::uint32_t v) {
            p[level] = v;
            return p;
        };
        Diagram fixed = lab.pool.with_value(x, level, value);
        RC_ASSERT(fixed == lab.from(lab.each(
                               [&](const Values& p) { return lab.pool.at(x, with(p, value)); })));
        RC_ASSERT(!lab.pool.asks(fixed, level));
        auto some = [&](const Values& p) {
            std::uint32_t hits = 0;
            for (std::uint32_t v = 0; v <= last; ++v) hits += lab.pool.at(set, with(p, v));
            return hits;
        };
        RC_ASSERT(lab.pool.for_some(set, level) ==
                  lab.from(lab.each([&](const Values& p) { return some(p) > 0 ? 1U : 0U; })));
        RC_ASSERT(lab.pool.for_all(set, level) == lab.from(lab.each([&](const Values& p) {
            return some(p) == last + 1 ? 1U : 0U;
        })));
        bool asked = false;
        for (const Values& p : lab.packets)
            asked = asked || lab.pool.at(x, p) != lab.pool.at(x, with(p, 0));
        RC_ASSERT(lab.pool.asks(x, level) == asked);
    });
}

TEST(Diagram, FieldsAreExchanged) {
    // Levels of equal size: 0 with 4, 1 with 3.
    const Values partner{4, 3, 2, 1, 0};
    holds("exchanged", [&] {
        Lab lab;
        Diagram x = lab.from(random_table(4));
        Diagram turned = lab.pool.exchanged(x, partner);
        for (const Values& p : lab.packets) {
            Values q(p.size());
            for (std::size_t l = 0; l < p.size(); ++l) q[l] = p[partner[l]];
            RC_ASSERT(lab.pool.at(turned, p) == lab.pool.at(x, q));
        }
        RC_ASSERT(lab.pool.exchanged(turned, partner) == x);
    });
}

TEST(Diagram, FieldsAreSubstituted) {
    holds("substituted", [] {
        Lab lab;
        Diagram x = lab.from(random_table(4));
        // A value for one level, the level below of the same size for another.
        std::vector<DiagramPool::Substitution> changes;
        bool moves = in_range(0, 2) == 0;
        if (moves) changes.push_back({1, 3, true});
        auto level = moves ? 0U : in_range<std::uint32_t>(0, 5);
        auto value = in_range<std::uint32_t>(0, small_levels[level] + 1);
        changes.push_back({level, value, false});
        Diagram after = lab.pool.substituted(x, changes, [](std::uint32_t n) { return n + 1; });
        for (const Values& p : lab.packets) {
            Values q = p;
            if (moves) q[1] = p[3];
            q[level] = value;
            RC_ASSERT(lab.pool.at(after, p) == lab.pool.at(x, q) + 1);
        }
    });
}

TEST(Diagram, PacketsAreCountedAndPicked) {
    holds("count, pick, at", [] {
        Lab lab;
        Table s = random_set();
        Diagram set = lab.from(s);
        RC_ASSERT(lab.pool.count(set) ==
                  static_cast<long double>(std::count(s.begin(), s.end(), 1U)));
        if (set == nothing) return;
        unsigned asked = 0;
        Values p = lab.pool.pick(set, [&](std::uint32_t level, std::span<const Interval> from) {
            RC_ASSERT(level == asked++);
            Interval i = from[in_range<std::size_t>(0, from.size())];
            RC_ASSERT(i.last <= small_levels[level]);
            return in_range(i.first, i.last + 1);
        });
        RC_ASSERT(asked == small_levels.size());
        RC_ASSERT(lab.pool.at(set, p) == 1U);
    });
}

TEST(Diagram, LawsOfSetsHoldForWholeFields) {
    holds("set algebra", [] {
        DiagramPool pool({255, 65535, 0xffffffffU, 0xffffffffU}, 10'000'000);
        auto any_set = [&] {
            Diagram d = nothing;
            for (int boxes = in_range(0, 6); boxes > 0; --boxes) {
                Diagram box = everything;
                for (std::uint32_t level = 4; level-- > 0;) {
                    if (in_range(0, 3) == 0) continue;
                    // Ends of fields are where mistakes are.
                    auto end = [&] {
                        std::uint32_t last = pool.last_value(level);
                        std::uint32_t n = in_range<std::uint32_t>(0, 0xffffffffU);
                        switch (n % 4) {
                            case 0:
                                return 0U;
                            case 1:
                                return last;
                            default:
                                return n & last;
                        }
                    };
                    auto [low, high] = std::minmax({end(), end()});
                    Interval i{low, high};
                    box = pool.inside(pool.values(level, {&i, 1}), box);
                }
                d = pool.over(d, box);
            }
            return d;
        };
        Diagram a = any_set();
        Diagram b = any_set();
        Diagram c = any_set();
        auto unite = [&](Diagram x, Diagram y) { return pool.over(x, y); };
        auto both = [&](Diagram x, Diagram y) { return pool.inside(x, y); };
        auto no = [&](Diagram x) { return pool.complement_of(x); };
        RC_ASSERT(unite(a, b) == unite(b, a));
        RC_ASSERT(both(a, b) == both(b, a));
        RC_ASSERT(unite(unite(a, b), c) == unite(a, unite(b, c)));
        RC_ASSERT(both(both(a, b), c) == both(a, both(b, c)));
        RC_ASSERT(both(a, unite(b, c)) == unite(both(a, b), both(a, c)));
        RC_ASSERT(unite(a, both(b, c)) == both(unite(a, b), unite(a, c)));
        RC_ASSERT(no(unite(a, b)) == both(no(a), no(b)));
        RC_ASSERT(no(both(a, b)) == unite(no(a), no(b)));
        RC_ASSERT(no(no(a)) == a);
        RC_ASSERT(unite(a, a) == a && both(a, a) == a);
        RC_ASSERT(unite(a, no(a)) == everything && both(a, no(a)) == nothing);
        RC_ASSERT(pool.outside(b, a) == both(a, no(b)));
        RC_ASSERT(pool.inside_either(a, b, no(a)) == both(a, unite(b, no(a))));
        RC_ASSERT(pool.inside_either(unite(a, b), a, b) == unite(a, b));
        RC_ASSERT(pool.inside_either(c, a, b) == both(c, unite(a, b)));
        RC_ASSERT(pool.differing(a, b) == unite(pool.outside(b, a), pool.outside(a, b)));
        RC_ASSERT((pool.differing(a, b) == nothing) == (a == b));
        RC_ASSERT(unite(a, both(a, b)) == a && both(a, unite(a, b)) == a);
        std::vector<Diagram> three{a, b, c};
        RC_ASSERT(pool.over_all(three) == unite(a, unite(b, c)));
        long double all = pool.count(everything);
        long double sum = pool.count(a) + pool.count(b);
        RC_ASSERT(std::abs(sum - pool.count(unite(a, b)) - pool.count(both(a, b))) <= sum * 1e-17L);
        RC_ASSERT(all == 256.0L * 65536.0L * 65536.0L * 65536.0L * 65536.0L * 65536.0L);
    });
}

TEST(Diagram, ExhaustedPoolsNeverAnswerWrongly) {
    std::mt19937 random(3);
    unsigned exhausted = 0;
    unsigned answered = 0;
    for (std::size_t words = 20; words < 4000; words = words * 5 / 4) {
        Lab large;
        Lab lab(words);
        std::vector<std::pair<Diagram, Diagram>> known{{nothing, nothing},
                                                       {everything, everything}};
        for (int step = 0; step < 400; ++step) {
            auto any = [&] { return known[random() % known.size()]; };
            auto level = static_cast<std::uint32_t>(random() % small_levels.size());
            auto value = static_cast<std::uint32_t>(random() % (small_levels[level] + 1));
            Interval i{0, value};
            auto [a, a_large] = any();
            auto [b, b_large] = any();
            auto ask = [&](DiagramPool& pool, Diagram x, Diagram y) {
                switch (step % 5) {
                    case 0:
                        return pool.over(pool.inside(pool.values(level, {&i, 1}), x), y);
                    case 1:
                        return pool.outside(x, y);
                    case 2:
                        return pool.differing(pool.values(level, {&i, 1}), x);
                    case 3:
                        return pool.for_some(x, level);
                    default:
                        return pool.over_all(std::vector<Diagram>{y, pool.complement_of(x), x});
                }
            };
            Diagram expected = ask(large.pool, a_large, b_large);
            try {
                Diagram got = ask(lab.pool, a, b);
                ++answered;
                ASSERT_EQ(lab.table(got), large.table(expected));
                known.emplace_back(got, expected);
            } catch (const PoolExhausted&) {
                ++exhausted;
            }
            ASSERT_LE(lab.pool.words(), words);
        }
    }
    EXPECT_GT(exhausted, 100U);
    EXPECT_GT(answered, 1000U);
}

TEST(Diagram, NarrowSetsInAWideOneDoNotUseUpItsSteps) {
    // As rules of a long list that are each held against the whole list.
    constexpr std::uint32_t hosts = 20'000;
    DiagramPool pool({0xffffffffU}, 1'000'000);
    Intervals even;
    for (std::uint32_t i = 0; i < hosts; ++i) even.push_back({4 * i, 4 * i});
    Diagram wide = pool.values(0, even);
    for (std::uint32_t i = 0; i < hosts; ++i) {
        Interval two{4 * i, 4 * i + 1};
        Interval one{4 * i + 1, 4 * i + 1};
        Diagram narrow = pool.values(0, {&two, 1});
        ASSERT_EQ(pool.outside(wide, narrow), pool.values(0, {&one, 1}));
    }
}

TEST(Diagram, PredicatesOneBelowTheOtherEndBeforeTheStackDoes) {
    constexpr std::uint32_t levels = 200'000;
    DiagramPool pool(Values(levels, 1), 100'000'000);
    Interval yes{1, 1};
    Diagram any = nothing;
    for (std::uint32_t level = levels; level-- > 0;)
        any = pool.over(pool.values(level, {&yes, 1}), any);
    Diagram last = pool.values(levels - 1, {&yes, 1});
    auto number = [](std::uint32_t n) { return n + 1; };
    auto no = [](std::uint32_t) { return false; };
    auto first = [](std::uint32_t n, std::uint32_t) { return n; };
    std::vector<Diagram> three{last, any, pool.values(0, {&yes, 1})};
    EXPECT_THROW(pool.differing(any, last), PoolExhausted);
    EXPECT_THROW(pool.over(last, any), PoolExhausted);
    EXPECT_THROW(pool.over_all(three), PoolExhausted);
    EXPECT_THROW(pool.map_leaves(any, number), PoolExhausted);
    EXPECT_THROW(pool.for_some(any, levels - 1), PoolExhausted);
    EXPECT_THROW(pool.chained(any, last, DiagramPool::Zero::stays, no, first), PoolExhausted);
    EXPECT_THROW((void)pool.count(any), PoolExhausted);
    EXPECT_EQ(pool.leaves(any), (Values{0, 1}));
    EXPECT_EQ(pool.at(any, Values(levels, 0)), 0U);
    EXPECT_EQ(pool.size(any), 2U * levels);
}
