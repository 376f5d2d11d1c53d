// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/order.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using model::Family;
using packet::FieldOrder;
using packet::Host;
using packet::PacketSpace;

namespace {

/// Rules with a range of their own in each of four fields: their union is as large as it can be.
std::string wild(unsigned rules, unsigned seed) {
    std::mt19937 random(seed);
    auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    auto range = [&] {
        std::uint32_t a = below(65536);
        std::uint32_t b = below(65536);
        return fmt::format("{}:{}", std::min(a, b), std::max(a, b));
    };
    auto addresses = [&] {
        auto a = static_cast<std::uint32_t>(random());
        auto b = static_cast<std::uint32_t>(random());
        if (a > b) std::swap(a, b);
        return fmt::format("{}.{}.{}.{}-{}.{}.{}.{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255,
                           b >> 24, b >> 16 & 255, b >> 8 & 255, b & 255);
    };
    std::string text = "*filter\n:INPUT DROP [0:0]\n";
    for (unsigned i = 0; i < rules; ++i)
        text += fmt::format(
            "-A INPUT -p tcp -m iprange --src-range {} --dst-range {} -m tcp --sport {} --dport {} "
            "-j {}\n",
            addresses(), addresses(), range(), range(), below(2) == 0 ? "ACCEPT" : "DROP");
    return text + "COMMIT\n";
}

/// Networks that hardly overlap, ports that do: asked by address first, each address meets few
/// rules; asked by port first, each port meets half of all.
std::string networks(unsigned rules) {
    std::mt19937 random(7);
    auto network = [&] {
        auto a = static_cast<std::uint32_t>(random());
        return fmt::format("{}.{}.{}.{}/{}", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255,
                           8 + random() % 25);
    };
    auto ports = [&] {
        auto a = static_cast<std::uint32_t>(random() % 65536);
        auto b = static_cast<std::uint32_t>(random() % 65536);
        return fmt::format("{}:{}", std::min(a, b), std::max(a, b));
    };
    std::string text = "*filter\n:INPUT DROP [0:0]\n";
    for (unsigned i = 0; i < rules; ++i)
        text += fmt::format("-A INPUT -s {} -d {} -p tcp -m tcp --sport {} --dport {} -j {}\n",
                            network(), network(), ports(), ports(),
                            random() % 2 == 0 ? "ACCEPT" : "DROP");
    return text + "COMMIT\n";
}

struct Question {
    explicit Question(const std::string& text) : loaded(text), hosts{Host(host)} {}
    test::Loaded loaded;
    const model::Ruleset* host[1] = {&loaded.ruleset};
    Host hosts[1];

    std::optional<std::size_t> size(std::size_t words, unsigned* attempts = nullptr) {
        return packet::for_orders(Family::ip, hosts, {}, words, [&](PacketSpace& space) {
            if (attempts != nullptr) ++*attempts;
            packet::Outcomes outcomes;
            packet::Evaluator evaluator(space, outcomes, host, {});
            return space.pool().size(evaluator.way(packet::Way::input));
        });
    }
};

}  // namespace

TEST(Order, AnswersWhatTheQuestionAnswers) {
    Question q("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n");
    unsigned attempts = 0;
    EXPECT_GT(q.size(packet::default_words, &attempts).value(), 2U);
    EXPECT_EQ(attempts, 1U);
}

TEST(Order, RulesByChanceAreUndecidedInBoundedMemory) {
    Question q(wild(200, 1));
    unsigned attempts = 0;
    EXPECT_FALSE(q.size(100'000, &attempts).has_value());
    // The usual order has had all the words at once; the others get a part each, the best all.
    EXPECT_GE(attempts, 4U);
    EXPECT_LE(attempts, 5U);
}

namespace {

/// The words that the order takes; the limit when it takes more.
std::size_t words_of(const Question& q, FieldOrder order, std::size_t limit) {
    PacketSpace space(Family::ip, q.host, order, limit);
    packet::Outcomes outcomes;
    packet::Evaluator evaluator(space, outcomes, q.host, {});
    try {
        evaluator.way(packet::Way::input);
        return space.pool().words();
    } catch (const packet::PoolExhausted&) {
        return limit;
    }
}

}  // namespace

TEST(Order, AnotherOrderAnswersWhereTheUsualOneIsExhausted) {
    Question q(networks(500));
    std::vector<FieldOrder> ranked = packet::ranked_orders(Family::ip, q.hosts);
    std::size_t limit = words_of(q, ranked[0], 1'000'000) * 8 + 1000;
    ASSERT_EQ(words_of(q, packet::field_orders[0], limit), limit)
        << "the example no longer tells the orders apart";
    unsigned attempts = 0;
    EXPECT_TRUE(q.size(limit, &attempts).has_value());
    EXPECT_EQ(attempts, 2U);
}

TEST(Order, TrialFindsAnOrderThatIsMuchBetter) {
    Question q(networks(320));
    std::vector<std::size_t> words;
    for (FieldOrder order : packet::ranked_orders(Family::ip, q.hosts))
        words.push_back(words_of(q, order, 2'000'000));
    ASSERT_EQ(words.size(), 4U);
    EXPECT_LE(words[0], *std::min_element(words.begin(), words.end()) * 2);
    EXPECT_GT(*std::max_element(words.begin(), words.end()), words[0] * 10);
}

TEST(Order, TheFamilysOwnRulesAreAsked) {
    test::Loaded four(wild(400, 1));
    test::Loaded six("*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2001:db8::/32 -j ACCEPT\nCOMMIT\n",
                     Family::ip6);
    const model::Ruleset* host[] = {&four.ruleset, &six.ruleset};
    Host hosts[] = {Host(host)};
    auto size = packet::for_orders(Family::ip6, hosts, {}, 100'000, [&](PacketSpace& space) {
        packet::Outcomes outcomes;
        packet::Evaluator evaluator(space, outcomes, host, {});
        return space.pool().size(evaluator.way(packet::Way::input));
    });
    EXPECT_TRUE(size.has_value());
}
