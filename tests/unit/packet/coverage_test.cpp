// SPDX-License-Identifier: GPL-2.0-or-later
// What coverage says of rules, held against the evaluation of the ruleset without them.
#include "packet/coverage.hpp"

#include <gtest/gtest.h>
#include <map>

#include "base/line_index.hpp"
#include "packet/words.hpp"
#include "tests/unit/packet/random_ruleset.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using packet::Idleness;

namespace {

std::string letter(Idleness why) {
    switch (why) {
        case Idleness::shadowed:
            return "shadowed";
        case Idleness::repeated:
            return "repeated";
        case Idleness::followed:
            return "followed";
        case Idleness::contradictory:
            return "contradictory";
        case Idleness::excluded:
            return "excluded";
    }
    return {};
}

struct Analysed {
    test::Loaded loaded;
    packet::Coverage found;

    explicit Analysed(const std::string& text, model::Family family = model::Family::ip,
                      const packet::CoverageOptions& options = {})
        : loaded(text, family) {
        // With texts, as callers do it.
        loaded.ruleset = model::lower(loaded.tree, {family, loaded.file.path(), true});
        const model::Ruleset* host[] = {&loaded.ruleset};
        packet::Tracer tracer(host);
        found = packet::coverage(loaded.ruleset, tracer, options);
    }
    [[nodiscard]] std::uint32_t line(model::RuleId rule) const {
        LineIndex lines(loaded.file.text());
        return lines.place(loaded.tree.lines[loaded.ruleset.rule(rule).line].begin).line;
    }
    /// "4 shadowed by 2 3; ..."
    [[nodiscard]] std::string summary() const {
        std::string out;
        for (const packet::IdleRule& idle : found.idle) {
            out += std::to_string(line(idle.rule)) + " " + letter(idle.why);
            if (!idle.blockers.empty()) out += " by";
            for (const packet::Blocker& b : idle.blockers)
                out += b.rule.valid() ? " " + std::to_string(line(b.rule)) : " policy";
            out += "; ";
        }
        return out;
    }
};

std::string filter(const std::string& rules, const std::string& policy = "DROP") {
    return "*filter\n:INPUT " + policy + " [0:0]\n:u - [0:0]\n" + rules + "COMMIT\n";
}

/// What the ruleset does with all packets on all ways, and whether that of the other is the same.
bool same(const model::Ruleset& a, const model::Ruleset& b, bool effects) {
    const model::Ruleset* both[] = {&a, &b};
    packet::PacketSpace space(a.family, both, packet::FieldOrder::small_first, 50'000'000);
    packet::Outcomes outcomes;
    packet::EvaluateOptions options;
    options.effects = effects;
    packet::Evaluator before(space, outcomes, {both, 1}, options);
    packet::Evaluator after(space, outcomes, {both + 1, 1}, options);
    for (packet::Way way : packet::all_ways) {
        packet::Diagram there = space.pool().inside(space.possible(), space.on_way(way));
        // Without effects, marks are kept only for rulesets that ask for them.
        auto outcome = [&](packet::Evaluator& e) {
            packet::Diagram d = space.pool().inside(there, e.way(way));
            if (effects) return d;
            return space.pool().map_leaves(d, [&](std::uint32_t number) {
                return 1 + static_cast<std::uint32_t>(outcomes[number].fate);
            });
        };
        packet::Diagram one = outcome(before);
        packet::Diagram other = outcome(after);
        if (one == other) continue;
        packet::Diagram apart = space.pool().differing(one, other);
        ADD_FAILURE() << packet::to_words(space.witness(apart, way).packet);
        return false;
    }
    return true;
}

void random_rulesets(model::Family family) {
    std::map<Idleness, unsigned> seen;
    unsigned unconfirmed = 0;
    unsigned reached = 0;
    unsigned rules = 0;
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        test::RandomRuleset random(seed, family);
        std::string text = random.text();
        packet::CoverageOptions options;
        std::vector<std::pair<model::RuleId, packet::Packet>> packets;
        options.reached = [&](model::RuleId rule, const packet::Packet& p) {
            packets.emplace_back(rule, p);
        };
        Analysed a(text, family, options);
        unconfirmed += static_cast<unsigned>(a.found.unconfirmed);
        rules += static_cast<unsigned>(a.loaded.ruleset.rules.size());
        // Rules that are not called idle have a packet that reaches them.
        const model::Ruleset* host[] = {&a.loaded.ruleset};
        packet::Tracer tracer(host);
        for (const auto& [rule, p] : packets) {
            packet::Trace trace = tracer.trace(p);
            bool met = false;
            for (const packet::Step& step : trace.steps) met = met || step.rule == rule;
            if (met) ++reached;
        }
        // Idle ones can go.
        for (const packet::IdleRule& idle : a.found.idle) {
            ++seen[idle.why];
            const auto& line = a.loaded.tree.lines[a.loaded.ruleset.rule(idle.rule).line];
            std::string without = text;
            std::size_t end = without.find('\n', line.begin);
            without.erase(line.begin, end + 1 - line.begin);
            test::Loaded less(without, family);
            less.ruleset = model::lower(less.tree, {family, less.file.path(), true});
            bool limits = text.find("limit") != std::string::npos;
            ASSERT_TRUE(same(a.loaded.ruleset, less.ruleset, !limits))
                << a.line(idle.rule) << " " << letter(idle.why) << "\n"
                << text;
        }
    }
    EXPECT_GT(seen[Idleness::shadowed], 40U);
    EXPECT_GT(seen[Idleness::repeated], 10U);
    EXPECT_GT(seen[Idleness::followed], 40U);
    EXPECT_GT(seen[Idleness::contradictory] + seen[Idleness::excluded], 40U);
    EXPECT_LT(unconfirmed, rules / 50);
    // Most of the others: some hang on predicates, or packets are dropped in another table.
    EXPECT_GT(reached, rules / 3);
}

}  // namespace

TEST(Coverage, NamesThoseThatTakeARulesPackets) {
    EXPECT_EQ(Analysed(filter("-A INPUT -s 10.0.0.0/9 -j ACCEPT\n-A INPUT -s 10.128.0.0/9 -j DROP\n"
                              "-A INPUT -s 10.0.0.0/8 -p tcp -j ACCEPT\n"))
                  .summary(),
              "6 shadowed by 4 5; ");
    EXPECT_EQ(Analysed(filter("-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -s 10.1.2.3 -j ACCEPT\n"))
                  .summary(),
              "5 repeated by 4; ");
    EXPECT_EQ(Analysed(filter("-A INPUT -s 10.1.2.3 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n"))
                  .summary(),
              "4 followed by 5; ");
}

TEST(Coverage, FollowsJumps) {
    EXPECT_EQ(Analysed(filter("-A INPUT -p tcp -j u\n-A INPUT -p tcp --dport 80 -j DROP\n"
                              "-A u -p tcp --dport 0:1023 -j ACCEPT\n"))
                  .summary(),
              "5 shadowed by 4; ");
    // What returns is not taken.
    EXPECT_EQ(Analysed(filter("-A INPUT -p tcp -j u\n-A INPUT -p tcp --dport 80 -j ACCEPT\n"
                              "-A u -p tcp --dport 80 -j RETURN\n-A u -j ACCEPT\n"))
                  .summary(),
              "");
    // No jump lets UDP in; what comes before the jump takes port 22.
    EXPECT_EQ(Analysed(filter("-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -j u\n"
                              "-A u -p udp -j ACCEPT\n-A u -p tcp --dport 22 -j DROP\n"
                              "-A u -p tcp --dport 80 -j ACCEPT\n"))
                  .summary(),
              "6 excluded; 7 shadowed by 4; ");
}

TEST(Coverage, KnowsWhatCannotBe) {
    EXPECT_EQ(
        Analysed(filter("-A INPUT -o eth0 -j ACCEPT\n"
                        "-A INPUT -p icmp --icmp-type 3 -m conntrack --ctstate NEW -j ACCEPT\n"
                        "-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"))
            .summary(),
        "4 contradictory; 5 contradictory; ");
    EXPECT_EQ(Analysed("*raw\n-A OUTPUT -m conntrack --ctstate NEW -j DROP\nCOMMIT\n").summary(),
              "2 contradictory; ");
    // What comes in over lo has met conntrack on its way out.
    EXPECT_EQ(Analysed("*raw\n-A PREROUTING -m conntrack --ctstate NEW -j DROP\n-A PREROUTING -i "
                       "eth0 -m conntrack --ctstate NEW -j DROP\nCOMMIT\n")
                  .summary(),
              "3 contradictory; ");
    // Behind NOTRACK the state is another.
    EXPECT_EQ(Analysed("*raw\n-A PREROUTING -p tcp -j CT --notrack\n-A PREROUTING -m conntrack "
                       "--ctstate UNTRACKED -j DROP\nCOMMIT\n")
                  .summary(),
              "");
    // A name that no family of the rules has.
    EXPECT_EQ(Analysed(filter("-A INPUT -i eth+ -j DROP\n-A INPUT -i wan+ -j DROP\n-A INPUT -j "
                              "ACCEPT\n-A INPUT ! -i eth+ -j DROP\n"))
                  .summary(),
              "7 shadowed by 5 6; ");
}

TEST(Coverage, DoesNotTakeAnswersForGranted) {
    // Neither two limits nor two different questions are one.
    EXPECT_EQ(Analysed(filter("-A INPUT -m limit --limit 3/s -j ACCEPT\n"
                              "-A INPUT -m limit --limit 3/s -j DROP\n"
                              "-A INPUT -m set --match-set a src -j ACCEPT\n"
                              "-A INPUT -m set --match-set b src -j ACCEPT\n"))
                  .summary(),
              "");
    // The same question is.
    EXPECT_EQ(Analysed(filter("-A INPUT -m set --match-set a src -j ACCEPT\n"
                              "-A INPUT -p tcp -m set --match-set a src -j DROP\n"))
                  .summary(),
              "5 shadowed by 4; ");
    // Unless a rule between changes the set.
    EXPECT_EQ(Analysed(filter("-A INPUT -m set --match-set a src -j ACCEPT\n"
                              "-A INPUT -p tcp -j SET --add-set a src\n"
                              "-A INPUT -p tcp -m set --match-set a src -j ACCEPT\n"))
                  .summary(),
              "");
}

TEST(Coverage, FollowsMarks) {
    std::string mangle = "*mangle\n-A PREROUTING -p tcp -j MARK --set-mark 1\n";
    EXPECT_EQ(
        Analysed(mangle + "-A PREROUTING -p tcp -m mark --mark 2 -j DROP\nCOMMIT\n").summary(), "");
    EXPECT_EQ(Analysed(mangle + "-A PREROUTING -p tcp -m mark --mark 1 -j ACCEPT\n"
                                "-A PREROUTING -p tcp --dport 80 -j DROP\nCOMMIT\n")
                  .summary(),
              "4 shadowed by 3; ");
}

TEST(Coverage, LeavesWhatLogsAlone) {
    EXPECT_EQ(
        Analysed(filter("-A INPUT -p tcp --dport 23 -j DROP\n-A INPUT -p tcp -j LOG\n")).summary(),
        "");
    EXPECT_EQ(
        Analysed(filter("-A INPUT -p tcp --dport 23 -j DROP\n-A INPUT -p udp -j LOG\n")).summary(),
        "4 followed by policy; ");
    EXPECT_EQ(Analysed(filter("-A INPUT -p tcp --dport 23 -j REJECT\n-A INPUT -p tcp -j REJECT "
                              "--reject-with tcp-reset\n"))
                  .summary(),
              "");
}

TEST(Coverage, LongListsOfOneField) {
    std::string rules;
    for (int i = 0; i < 200; ++i)
        rules += "-A INPUT -s 10." + std::to_string(i) + ".0.0/16 -j DROP\n";
    EXPECT_EQ(Analysed(filter(rules + "-A INPUT -s 10.4.0.0/15 -j ACCEPT\n-A INPUT -s "
                                      "10.199.0.0/15 -j ACCEPT\n"))
                  .found.idle.back()
                  .blockers.size(),
              2U);
    Analysed a(filter("-A INPUT -s 10.7.7.7 -j ACCEPT\n" + rules +
                      "-A INPUT -s 10.7.0.0/16 -p tcp -j ACCEPT\n"));
    ASSERT_FALSE(a.found.idle.empty());
    EXPECT_EQ(a.line(a.found.idle.back().rule), 205U);
    EXPECT_EQ(a.found.idle.back().why, Idleness::shadowed);
}

TEST(Coverage, SaysWhenALimitIsReached) {
    std::string rules;
    for (int i = 0; i < 200; ++i) {
        std::string n = std::to_string(i);
        rules += "-A INPUT -m iprange --src-range 10.0.0." + n + "-10.0." + n +
                 ".7 -m iprange --dst-range 10.9." + n + ".1-10.11." + n + ".9 -p tcp --sport " +
                 std::to_string(3 * i) + ":" + std::to_string(9000 + 7 * i) + " --dport " +
                 std::to_string(5 * i) + ":" + std::to_string(8000 + 11 * i) + " -j ACCEPT\n";
    }
    packet::CoverageOptions options;
    options.most_words = 4000;
    Analysed a(filter(rules), model::Family::ip, options);
    EXPECT_EQ(a.found.undecided.size(), 1U);
    EXPECT_TRUE(a.found.idle.empty());
}

TEST(Coverage, FindsOpenEndsAndBrokenFlows) {
    EXPECT_EQ(
        Analysed(filter("-A INPUT -p tcp --dport 22 -j ACCEPT\n", "ACCEPT")).found.open_ends.size(),
        1U);
    EXPECT_EQ(
        Analysed(filter("-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT\n", "ACCEPT"))
            .found.open_ends.size(),
        0U);
    std::string established = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    EXPECT_EQ(Analysed(filter("-A INPUT -p tcp --dport 1024: -j DROP\n" + established))
                  .found.broken_flows.size(),
              1U);
    // A port barred on purpose, or an address.
    EXPECT_EQ(Analysed(filter("-A INPUT -p tcp --dport 40000 -j DROP\n-A INPUT -s 10.0.0.0/8 -j "
                              "DROP\n-A INPUT -p tcp --dport 23 -j DROP\n" +
                              established))
                  .found.broken_flows.size(),
              0U);
}

TEST(Coverage, IdleRulesCanGoV4) {
    random_rulesets(model::Family::ip);
}
TEST(Coverage, IdleRulesCanGoV6) {
    random_rulesets(model::Family::ip6);
}
