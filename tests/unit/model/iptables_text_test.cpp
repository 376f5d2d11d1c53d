// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/iptables_text.hpp"

#include <gtest/gtest.h>

#include "tests/unit/ruleset_text.hpp"

namespace untrack {
namespace {

using model::Hook;
using model::IptablesText;
using test::Loaded;

std::string_view match(const IptablesText& text, const model::Rule& rule,
                       std::initializer_list<std::string_view> names) {
    return text.at(text.match_range(rule, {names.begin(), names.size()}));
}

}  // namespace

TEST(IptablesText, SaysWhereThePartsOfARuleStand) {
    Loaded l(
        "*filter\n"
        "[1:2] -A INPUT -p tcp -m \"state\" --state NEW -m tcp --dport 22 -j ACCEPT \r\n"
        "-A INPUT -p udp --dport 53\n"
        "COMMIT\n");
    IptablesText text(l.tree, l.ruleset);
    const model::Rule& first = l.ruleset.rules[0];
    EXPECT_EQ(text.at(text.range(first)),
              "[1:2] -A INPUT -p tcp -m \"state\" --state NEW -m tcp --dport 22 -j ACCEPT ");
    EXPECT_EQ(text.at(text.removal_range(first)), std::string(text.at(text.range(first))) + "\r\n");
    EXPECT_EQ(text.line_number(first), 2U);
    EXPECT_EQ(text.at(text.target_range(first)), "-j ACCEPT");
    EXPECT_EQ(match(text, first, {"state", "conntrack"}), "-m \"state\"");
    EXPECT_EQ(text.plain_text(first),
              "-A INPUT -p tcp -m \"state\" --state NEW -m tcp --dport 22 -j ACCEPT");
    // What is not written out is somewhere in the rule.
    const model::Rule& second = l.ruleset.rules[1];
    EXPECT_EQ(text.at(text.target_range(second)), "-A INPUT -p udp --dport 53");
    EXPECT_EQ(match(text, second, {"udp"}), "-A INPUT -p udp --dport 53");
}

TEST(IptablesText, TurnsARuleRoundForTheAnswers) {
    Loaded l(
        "*raw\n-A PREROUTING -i eth0 -s 192.0.2.0/24 -p tcp ! --dport 80 -j CT --notrack\n"
        "COMMIT\n");
    IptablesText text(l.tree, l.ruleset);
    const model::Rule& rule = l.ruleset.rules[0];
    EXPECT_EQ(text.answering_rule(rule, Hook::output, ""),
              "-A OUTPUT -o eth0 -d 192.0.2.0/24 -p tcp ! --sport 80 -j CT --notrack");
    EXPECT_EQ(text.answering_rule(rule, Hook::prerouting, ""),
              "-A PREROUTING -d 192.0.2.0/24 -p tcp ! --sport 80 -j CT --notrack");
    EXPECT_EQ(text.answering_rule(rule, Hook::output, "lo").substr(0, 16), "-A OUTPUT -o lo ");
}

TEST(IptablesText, ErrorsComeInTheOrderOfTheirPlaces) {
    Loaded l("*filter\n-A INPUT -p tcp --dport 99999 -j DROP\nwhat is this\nCOMMIT\n");
    IptablesText text(l.tree, l.ruleset);
    std::vector<model::TextError> errors = text.errors();
    ASSERT_EQ(errors.size(), 2U);
    EXPECT_EQ(text.at(errors[0].range), "--dport 99999");
    EXPECT_EQ(errors[0].message, l.ruleset.problems.at(0).message);
    EXPECT_EQ(errors[1].message, l.tree.errors.at(0).message);
}

TEST(IptablesText, ReadsAChangedTextAsTheSameFamily) {
    Loaded l("*filter\n-A INPUT -j DROP\nCOMMIT\n", model::Family::ip6);
    IptablesText text(l.tree, l.ruleset);
    EXPECT_EQ(text.language(), "ip6tables");
    std::string changed = "*filter\n-A INPUT -j REJECT --reject-with tcp-reset\nCOMMIT\n";
    model::Ruleset after = text.reread(changed);
    EXPECT_EQ(after.family, model::Family::ip6);
    EXPECT_EQ(after.target_text(model::RuleId(std::size_t{0})), "REJECT --reject-with tcp-reset");
    EXPECT_EQ(text.with_target_texts().rules.size(), 1U);
}

}  // namespace untrack
