// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <vector>

#include "model/lower_iptables.hpp"

using namespace untrack;

namespace {

/// The few destination ports of the only rule of a filter table.
std::vector<std::uint16_t> ports(const std::string& rule) {
    std::string text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT " + rule + " -j ACCEPT\nCOMMIT\n";
    auto tree = parser::iptables::parse(text);
    model::Ruleset r = model::lower(tree, {model::Family::ip, "rules.v4"});
    EXPECT_EQ(r.rules.size(), 1U);
    model::FewPorts few =
        few_ports(r, r.matches_of(r.rules.front()), model::MatchKind::destination_port);
    EXPECT_EQ(few.empty(), few.begin() == few.end());
    return {few.begin(), few.end()};
}

}  // namespace

TEST(FewPorts, AreThoseOfRangesAndLists) {
    using List = std::vector<std::uint16_t>;
    EXPECT_EQ(ports("-p tcp -m tcp --dport 80"), List{80});
    EXPECT_EQ(ports("-p tcp -m multiport --dports 22,80:82"), (List{22, 80, 81, 82}));
    EXPECT_EQ(ports("-p tcp -m tcp --sport 80"), List{});
    EXPECT_EQ(ports("-p tcp -m tcp ! --dport 80"), List{});
}

TEST(FewPorts, SixteenAreFewAndSeventeenAreNot) {
    EXPECT_EQ(ports("-p tcp -m tcp --dport 65520:65535").size(), 16U);
    EXPECT_EQ(ports("-p tcp -m tcp --dport 65519:65535").size(), 0U);
    EXPECT_EQ(ports("-p tcp -m multiport --dports 1,10:25").size(), 0U);
}
