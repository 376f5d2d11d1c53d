// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/lower_nft.hpp"

#include <gtest/gtest.h>

#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using model::Family;
using model::Hook;
using model::TargetKind;
using test::LoadedNft;

namespace {

const model::Chain& chain_of(const LoadedNft& l, std::string_view table, std::string_view chain) {
    model::ChainId id = l.ruleset.find_chain(l.ruleset.find_table(table), chain);
    EXPECT_TRUE(id.valid()) << table << " " << chain;
    return l.ruleset.chain(id);
}

/// The texts of a chain's rules, in the order in which they apply.
std::string rules_of(const LoadedNft& l, std::string_view table, std::string_view chain) {
    std::string out;
    std::uint32_t last = 0;
    for (model::RuleId id : l.ruleset.rules_of(chain_of(l, table, chain))) {
        std::uint32_t line = l.ruleset.rule(id).line;
        if (line == last) continue;
        last = line;
        out += std::string(l.tree.text_of(l.tree.nodes[line])) + ";";
    }
    return out;
}

void expect_no_complaint(const LoadedNft& l) {
    for (const auto& e : l.tree.errors) ADD_FAILURE() << e.message;
    for (const auto& p : l.ruleset.problems) ADD_FAILURE() << p.message;
    for (const auto& p : l.ruleset.unfollowed) ADD_FAILURE() << p.message;
}

}  // namespace

TEST(LowerNft, BaseChainsHaveHookPriorityAndPolicy) {
    LoadedNft l(
        "table inet t {\n"
        "  chain a { type filter hook input priority filter - 10; policy drop; }\n"
        "  chain b { type nat hook postrouting priority srcnat + 5; }\n"
        "  chain c { type route hook output priority mangle; }\n"
        "  chain d { type filter hook prerouting priority -500; policy accept; }\n"
        "  chain e { accept }\n"
        "}\n");
    expect_no_complaint(l);
    const model::Chain& a = chain_of(l, "inet t", "a");
    EXPECT_TRUE(a.base);
    EXPECT_EQ(a.hook, Hook::input);
    EXPECT_EQ(a.priority, -10);
    EXPECT_EQ(a.policy, TargetKind::drop);
    EXPECT_EQ(a.role, model::ChainRole::filter);
    const model::Chain& b = chain_of(l, "inet t", "b");
    EXPECT_EQ(b.priority, 105);
    EXPECT_EQ(b.role, model::ChainRole::nat);
    EXPECT_EQ(model::Ruleset::place_in_hook(b), 100);
    EXPECT_EQ(chain_of(l, "inet t", "c").role, model::ChainRole::mangle);
    EXPECT_EQ(chain_of(l, "inet t", "d").role, model::ChainRole::raw);
    EXPECT_FALSE(chain_of(l, "inet t", "e").base);
}

TEST(LowerNft, VariablesMayBePrioritiesPoliciesAndDevices) {
    LoadedNft l(
        "define prio = \"filter + 20\"\n"
        "define pol = \"drop\"\n"
        "table ip t { chain c { type filter hook input priority $prio; policy $pol; } }\n");
    expect_no_complaint(l);
    EXPECT_EQ(chain_of(l, "ip t", "c").priority, 20);
    EXPECT_EQ(chain_of(l, "ip t", "c").policy, TargetKind::drop);
}

TEST(LowerNft, AHookCallsTheNewestOfEqualChainsFirst) {
    LoadedNft l(
        "table ip t {\n"
        "  chain first { type filter hook input priority 0; }\n"
        "  chain second { type filter hook input priority 0; }\n"
        "  chain before { type filter hook input priority -1; }\n"
        "}\n");
    std::string order;
    for (model::ChainId id : l.ruleset.base_chains())
        order += std::string(l.ruleset.chain(id).name) + " ";
    EXPECT_EQ(order, "before second first ");
}

TEST(LowerNft, CommandsWorkInTheirOrder) {
    LoadedNft l(
        "add table ip t\n"
        "add chain ip t c { type filter hook input priority 0; }\n"
        "add rule ip t c tcp dport 1 accept\n"
        "add rule ip t c tcp dport 2 accept\n"
        "insert rule ip t c tcp dport 3 accept\n"
        "add rule ip t c index 0 tcp dport 4 accept\n"
        "insert rule ip t c index 1 tcp dport 5 accept\n");
    expect_no_complaint(l);
    std::string order;
    for (model::RuleId id : l.ruleset.rules_of(chain_of(l, "ip t", "c"))) {
        auto matches = l.ruleset.matches_of(l.ruleset.rule(id));
        order += std::to_string(matches.back().payload.ports.first) + " ";
    }
    EXPECT_EQ(order, "3 5 4 1 2 ");
}

TEST(LowerNft, WhatIsFlushedOrDeletedIsGone) {
    LoadedNft l(
        "table ip old { chain c { type filter hook input priority 0; policy drop; } }\n"
        "flush ruleset\n"
        "table ip t { chain c { type filter hook input priority 0; tcp dport 1 accept; }\n"
        "             chain d { tcp dport 2 accept; } }\n"
        "flush chain ip t c\n"
        "add rule ip t c tcp dport 3 accept\n"
        "delete chain ip t d\n");
    expect_no_complaint(l);
    ASSERT_EQ(l.ruleset.base_chains().size(), 1U);
    EXPECT_EQ(rules_of(l, "ip t", "c"), "rule ip t c tcp dport 3 accept;");
    EXPECT_FALSE(chain_of(l, "ip t", "d").is_declared);
}

TEST(LowerNft, WhatNoPacketsOfTheFamilyMeetIsNoBaseChain) {
    const char* text =
        "table ip a { chain c { type filter hook input priority 0; } }\n"
        "table ip6 b { chain c { type filter hook input priority 0; } }\n"
        "table inet d { chain c { type filter hook input priority 0; } }\n"
        "table bridge e { chain c { type filter hook input priority 0; } }\n"
        "table arp f { chain c { type filter hook input priority 0; } }\n"
        "table ip g { flags dormant; chain c { type filter hook input priority 0; } }\n";
    auto tables = [&](Family family) {
        LoadedNft l(text, family);
        expect_no_complaint(l);
        std::string out;
        for (model::ChainId id : l.ruleset.base_chains())
            out += std::string(l.ruleset.table(l.ruleset.chain(id).table).name) + ",";
        return out;
    };
    EXPECT_EQ(tables(Family::ip), "bridge e,inet d,ip a,");
    EXPECT_EQ(tables(Family::ip6), "bridge e,inet d,ip6 b,");
}

TEST(LowerNft, SaysWhatItDoesNotFollow) {
    auto complaint = [](std::string_view text) {
        LoadedNft l(text);
        EXPECT_TRUE(l.tree.errors.empty()) << text;
        return l.ruleset.unfollowed.size();
    };
    EXPECT_EQ(complaint("include \"/etc/other.nft\"\n"), 1U);
    EXPECT_EQ(complaint("delete rule ip t c handle 7\n"), 1U);
    EXPECT_EQ(complaint("replace rule ip t c handle 7 accept\n"), 1U);
    EXPECT_EQ(complaint("add rule ip t c position 7 accept\n"), 1U);
    EXPECT_EQ(complaint("destroy element ip t s { 1.2.3.4 }\n"), 1U);
    EXPECT_EQ(complaint("table netdev t { chain c { type filter hook ingress device $which "
                        "priority 0; drop; } }\n"),
              1U);
    EXPECT_EQ(complaint("table ip t { chain c { type filter hook input priority 0; } }\n"), 0U);
}

TEST(LowerNft, WordsThatAreNoneAreProblemsWithAPlace) {
    LoadedNft l("table ip t { chain c { type filter hook input priority soon; policy maybe; } }\n");
    ASSERT_EQ(l.ruleset.problems.size(), 2U);
    EXPECT_EQ(l.file.text(l.ruleset.problems[0].range), "soon");
    EXPECT_EQ(l.ruleset.problems[0].message, "`soon' is no priority");
    EXPECT_EQ(l.file.text(l.ruleset.problems[1].range), "maybe");
}

TEST(LowerNft, NamesWhatNeedsConntrackByBeingDeclared) {
    LoadedNft l(
        "table inet t {\n"
        "  ct helper h { type \"ftp\" protocol tcp; }\n"
        "  ct timeout o { protocol tcp; policy = { established : 100 }; }\n"
        "  counter plain { packets 0 bytes 0 }\n"
        "  set seen { type ipv4_addr; flags dynamic; ct count over 3; }\n"
        "}\n");
    ASSERT_EQ(l.ruleset.conntrack_objects.size(), 3U);
    EXPECT_TRUE(l.file.text(l.ruleset.conntrack_objects[0].range).starts_with("ct helper h"));
}

TEST(LowerNft, AJumpFindsAChainThatComesLater) {
    LoadedNft l(
        "table ip t {\n"
        "  chain c { type filter hook input priority 0; jump later; jump nowhere; }\n"
        "  chain later { accept; }\n"
        "}\n");
    auto rules = l.ruleset.rules_of(chain_of(l, "ip t", "c"));
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(l.ruleset.rule(rules[0]).target, TargetKind::jump);
    EXPECT_EQ(l.ruleset.chain(l.ruleset.rule(rules[0]).jump).name, "later");
    EXPECT_EQ(l.ruleset.rule(rules[1]).target, TargetKind::external);
}

TEST(LowerNft, AChainThatIsDeletedAndMadeAnewHasItsNewRules) {
    LoadedNft l(
        "table ip t {\n"
        "  chain c { type filter hook input priority 0; jump d; }\n"
        "  chain d { accept; drop; }\n"
        "}\n"
        "delete chain ip t d\n"
        "add chain ip t d\n"
        "add rule ip t d tcp dport 22 accept\n");
    const model::Chain& d = chain_of(l, "ip t", "d");
    EXPECT_EQ(d.rule_count, 1U);
    EXPECT_EQ(d.references, 1U);
    EXPECT_TRUE(d.is_declared);
    EXPECT_EQ(rules_of(l, "ip t", "d"), "rule ip t d tcp dport 22 accept;");
}

TEST(LowerNft, ASetIsReadOnceHoweverManyRulesAskIt) {
    LoadedNft l(
        "table inet t {\n"
        "  set s { type ipv4_addr; elements = { 10.0.0.9, 10.0.0.1, 10.0.0.2 } }\n"
        "  chain c { type filter hook input priority 0; ip saddr @s drop; ip daddr != @s drop; }\n"
        "}\n");
    EXPECT_EQ(l.ruleset.address_ranges.size(), 2U);
    auto rules = l.ruleset.rules_of(chain_of(l, "inet t", "c"));
    ASSERT_EQ(rules.size(), 2U);
    for (model::RuleId id : rules) {
        auto matches = l.ruleset.matches_of(l.ruleset.rule(id));
        ASSERT_EQ(matches.size(), 1U);
        EXPECT_EQ(l.ruleset.ranges_of(matches[0]).size(), 2U);
    }
}

TEST(LowerNft, ElementsOfTheOtherFamilyAreNoRulesOfTheirOwn) {
    std::string_view text =
        "table inet t {\n"
        "  chain c {\n"
        "    type filter hook input priority 0;\n"
        "    ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.2 . 80, 10.0.0.3 . 443 } accept\n"
        "    ip saddr vmap { 10.0.0.1 : accept, 10.0.0.2 : drop }\n"
        "  }\n"
        "}\n";
    LoadedNft four(text);
    LoadedNft six(text, Family::ip6);
    EXPECT_EQ(four.ruleset.rules_of(chain_of(four, "inet t", "c")).size(), 5U);
    auto rules = six.ruleset.rules_of(chain_of(six, "inet t", "c"));
    ASSERT_EQ(rules.size(), 2U);
    for (model::RuleId id : rules) {
        auto matches = six.ruleset.matches_of(six.ruleset.rule(id));
        ASSERT_EQ(matches.size(), 1U);
        EXPECT_EQ(matches[0].kind, model::MatchKind::comment);
        EXPECT_TRUE(matches[0].negated);
    }
}
