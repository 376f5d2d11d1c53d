// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/chain_jumps.hpp"

#include <gtest/gtest.h>
#include <string>

#include "tests/unit/ruleset_text.hpp"

using namespace untrack;

namespace {

/// "CHAIN>CHAIN@LINE" for each jump of the filter table, chain after chain.
std::string jumps(const std::string& rules) {
    test::Loaded l("*filter\n:INPUT ACCEPT [0:0]\n:b - [0:0]\n:a - [0:0]\n:unused - [0:0]\n" +
                   rules + "COMMIT\n");
    model::ChainJumps jumps(l.ruleset);
    std::string out;
    for (std::size_t i = 0; i < l.ruleset.chains.size(); ++i)
        for (const model::Jump& j : jumps.of(model::ChainId(i)))
            out += std::string(l.ruleset.chains[i].name) + '>' +
                   std::string(l.ruleset.chain(j.to).name) + '@' +
                   std::to_string(l.ruleset.rule(j.rule).line + 1) + ' ';
    return out;
}

}  // namespace

TEST(ChainJumps, StandInTheOrderOfTheirChainsRules) {
    EXPECT_EQ(jumps("-A a -j b\n-A INPUT -j a\n-I INPUT -g b\n-A INPUT -j DROP\n-A INPUT -j b\n"),
              "INPUT>b@8 INPUT>a@7 INPUT>b@10 a>b@6 ");
}

TEST(ChainJumps, AreNotThoseOfRulesThatTheFileRemoves) {
    EXPECT_EQ(jumps("-A INPUT -j a\n-A INPUT -j b\n-D INPUT 1\n-A a -j b\n-F a\n"), "INPUT>b@7 ");
    EXPECT_EQ(jumps(""), "");
}
