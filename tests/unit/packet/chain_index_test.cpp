// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/chain_index.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

#include "model/iptables_values.hpp"
#include "packet/trace.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using packet::ChainIndex;

namespace {

std::string random_rule(std::mt19937& random) {
    auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    std::string rule = "-A INPUT";
    if (below(3) == 0) rule += fmt::format("{} -s 10.0.0.{}", below(4) ? "" : " !", below(6));
    if (below(3) == 0) rule += fmt::format("{} -d 10.0.1.{}", below(4) ? "" : " !", below(6));
    if (below(5) == 0) rule += fmt::format(" -s 10.0.0.{},10.0.0.{}", below(6), below(6));
    if (below(5) == 0) rule += fmt::format(" -s 10.0.0.{}/30", 4 * below(2));
    if (below(5) == 0) rule += fmt::format("{} -d 10.{}.0.0/16", below(4) ? "" : " !", below(2));
    switch (below(5)) {
        case 0:
            rule += fmt::format(" -p tcp --dport {}", 20 + below(8));
            break;
        case 1:
            rule += fmt::format(" -p udp ! --dport {}", 20 + below(8));
            break;
        case 2:
            rule += fmt::format(" -p tcp -m multiport --dports {},{}:25", 20 + below(8), 22);
            break;
        case 3:
            rule += fmt::format(" -p tcp --sport {}:{}", 20 + below(4), 24 + below(4));
            break;
        default:
            break;
    }
    return rule + " -j RETURN\n";
}

}  // namespace

TEST(ChainIndex, LeavesOutOnlyRulesThatCannotMatch) {
    std::mt19937 random(7);
    std::size_t left_out = 0;
    for (int round = 0; round < 20; ++round) {
        std::string text = "*filter\n";
        for (int i = 0; i < 60; ++i) text += random_rule(random);
        // Two -s in one rule are an error of the line: such rules are not there.
        test::Loaded l(text + "COMMIT\n");
        model::ChainId input = l.ruleset.find_chain(l.ruleset.find_table("filter"), "INPUT");
        auto rules = l.ruleset.rules_of(l.ruleset.chain(input));
        ASSERT_GT(rules.size(), 24U);
        ChainIndex index(l.ruleset, l.ruleset.chain(input));
        for (int i = 0; i < 50; ++i) {
            packet::Packet p;
            p.protocol = random() % 2 == 0 ? packet::proto_tcp : packet::proto_udp;
            p.source = model::v4_address(0x0a000000U + static_cast<unsigned>(random() % 7));
            p.destination = model::v4_address(0x0a000100U + static_cast<unsigned>(random() % 7));
            p.source_port = static_cast<std::uint16_t>(20 + random() % 9);
            p.destination_port = static_cast<std::uint16_t>(20 + random() % 9);
            std::vector<bool> met(rules.size());
            ChainIndex::Candidates candidates(index, p);
            std::uint32_t last = 0;
            for (std::uint32_t at = 0; candidates.next(at);) {
                EXPECT_TRUE(at > last || !met[at]) << "out of order";
                last = at;
                met[at] = true;
            }
            for (std::size_t at = 0; at < rules.size(); ++at) {
                if (met[at]) continue;
                ++left_out;
                bool possible = true;
                for (const model::Match& m : l.ruleset.matches_of(l.ruleset.rule(rules[at])))
                    possible =
                        possible && packet::matches(l.ruleset, m, p, {}) != packet::Truth::no;
                EXPECT_FALSE(possible) << "rule " << at;
            }
        }
    }
    EXPECT_GT(left_out, 5000U);
}
