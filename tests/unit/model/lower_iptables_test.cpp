// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/lower_iptables.hpp"

#include <gtest/gtest.h>

#include "model/conntrack_facts.hpp"
#include "model/guess_family.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using model::TargetKind;
using test::Loaded;

namespace {

/// The lines of a chain's rules, in the order in which they apply.
std::string order(const Loaded& l, std::string_view table, std::string_view chain) {
    std::string out;
    const model::Ruleset& r = l.ruleset;
    for (model::RuleId id : r.rules_of(r.chain(r.find_chain(r.find_table(table), chain))))
        out += std::to_string(r.rule(id).line + 1) + " ";
    return out;
}

}  // namespace

TEST(Lower, ChainsKeepTheOrderThatCommandsGiveThem) {
    Loaded l(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\n-I INPUT -p udp -j DROP\n-I INPUT "
        "2 -p icmp -j DROP\n-D INPUT 1\nCOMMIT\n");
    EXPECT_EQ(order(l, "filter", "INPUT"), "5 3 ");
    EXPECT_TRUE(l.ruleset.problems.empty());
}

TEST(Lower, DeleteTakesTheFirstLikeRule) {
    Loaded l(
        "*filter\n-A INPUT -s 192.0.2.1 -j DROP\n-A INPUT -p tcp --dport 80 -j DROP\n-D INPUT -s "
        "192.0.2.1/32 -j DROP\nCOMMIT\n");
    EXPECT_EQ(order(l, "filter", "INPUT"), "3 ");
}

TEST(Lower, ATableThatComesTwiceEmptiesTheFirst) {
    Loaded l("*filter\n-A INPUT -j DROP\nCOMMIT\n*filter\n-A INPUT -j ACCEPT\nCOMMIT\n");
    EXPECT_EQ(order(l, "filter", "INPUT"), "5 ");
    EXPECT_EQ(l.ruleset.repeated_tables.size(), 1U);
}

TEST(Lower, UnreadableValuesAreProblemsWithAPlace) {
    Loaded l("*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\nCOMMIT\n");
    ASSERT_EQ(l.ruleset.problems.size(), 1U);
    EXPECT_EQ(l.ruleset.problems[0].message,
              "`99999' is no port, range of ports or name of a service");
    EXPECT_EQ(l.file.text(l.ruleset.problems[0].range), "--dport 99999");
}

TEST(Lower, AChainHidesATargetOfItsName) {
    Loaded l("*filter\n:LOG - [0:0]\n-A INPUT -j LOG\n-A INPUT -j elsewhere\nCOMMIT\n");
    EXPECT_EQ(l.ruleset.rules[0].target, TargetKind::jump);
    EXPECT_EQ(l.ruleset.rules[1].target, TargetKind::external);
}

TEST(Lower, FamilyComesFromAddressesAndNames) {
    Loaded four("*filter\n-A INPUT -s 192.0.2.1 -j DROP\nCOMMIT\n");
    Loaded six("*filter\n-A INPUT -s 2001:db8::1 -j DROP\nCOMMIT\n");
    Loaded none("*filter\n-A INPUT -j DROP\nCOMMIT\n");
    EXPECT_EQ(model::guess_family("rules", four.tree).family, model::Family::ip);
    EXPECT_EQ(model::guess_family("rules", six.tree).family, model::Family::ip6);
    EXPECT_EQ(model::guess_family("/etc/iptables/rules.v6", none.tree).family, model::Family::ip6);
    EXPECT_EQ(model::guess_family("/etc/iptables/rules.v4", none.tree).family, model::Family::ip);
}

TEST(Lower, AListingWithoutTableLinesIsOneTable) {
    Loaded l("# iptables -S\n-P INPUT DROP\n-N web\n-A INPUT -j web");
    ASSERT_EQ(l.ruleset.tables.size(), 1U);
    EXPECT_EQ(l.ruleset.tables[0].name, "filter");
    EXPECT_EQ(order(l, "filter", "INPUT"), "4 ");
    Loaded nat("-P PREROUTING ACCEPT\n-P POSTROUTING ACCEPT\n-A POSTROUTING -j MASQUERADE\n");
    EXPECT_EQ(nat.ruleset.tables[0].name, "nat");
}

TEST(Lower, ChainsHaveTheRoleOfTheirTable) {
    using model::ChainRole;
    struct Row {
        const char* table;
        ChainRole role;
    };
    const Row rows[] = {{"raw", ChainRole::raw},           {"mangle", ChainRole::mangle},
                        {"nat", ChainRole::nat},           {"filter", ChainRole::filter},
                        {"security", ChainRole::security}, {"broute", ChainRole::none}};
    for (const Row& row : rows) {
        Loaded l(std::string("*") + row.table + "\n:own - [0:0]\n-A OUTPUT -j own\nCOMMIT\n");
        for (const char* name : {"OUTPUT", "own"}) {
            model::ChainId id = l.ruleset.find_chain(l.ruleset.find_table(row.table), name);
            ASSERT_TRUE(id.valid()) << row.table << ' ' << name;
            EXPECT_EQ(l.ruleset.chain(id).role, row.role) << row.table << ' ' << name;
        }
    }
}

// What turns conntrack on is measured on Linux 6.18: each construct in a rule that matches nothing.
TEST(ConntrackFacts, WhatTurnsTrackingOn) {
    struct Row {
        const char* table;
        const char* rule;
        bool tracks;
    };
    const Row rows[] = {
        {"filter", "-A INPUT -m state --state NEW", true},
        {"filter", "-A INPUT -m conntrack --ctstate UNTRACKED", true},
        {"filter", "-A INPUT -m connmark --mark 1", true},
        {"filter", "-A INPUT -m connlimit --connlimit-above 3", true},
        {"filter", "-A INPUT -m helper --helper ftp", true},
        {"raw", "-A PREROUTING -j CT --zone 1", true},
        {"raw", "-A PREROUTING -j CT", true},
        {"raw", "-A PREROUTING -j CT --notrack", false},
        {"raw", "-A PREROUTING -j NOTRACK", false},
        {"nat", "-A POSTROUTING -j MASQUERADE", true},
        {"nat", "-A POSTROUTING -j ACCEPT", false},
        {"mangle", "-A PREROUTING -j CONNMARK --save-mark", true},
        {"filter", "-A INPUT -m limit --limit 1/s", false},
        {"filter", "-A INPUT -m recent --set", false},
        {"mangle", "-A PREROUTING -m socket", false},
    };
    for (const Row& row : rows) {
        Loaded l(std::string("*") + row.table + "\n" + row.rule + "\nCOMMIT\n");
        EXPECT_EQ(model::needs_conntrack(l.ruleset, model::KernelProfile::modern), row.tracks)
            << row.rule;
    }
    Loaded empty_nat("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n");
    EXPECT_FALSE(model::needs_conntrack(empty_nat.ruleset, model::KernelProfile::modern));
    EXPECT_TRUE(model::needs_conntrack(empty_nat.ruleset, model::KernelProfile::rhel6_2_6));
}
