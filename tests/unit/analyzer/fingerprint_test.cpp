// SPDX-License-Identifier: GPL-2.0-or-later
// The fingerprint of a finding stays when the file changes elsewhere, and goes with what it is
// about.
#include "analyzer/fingerprint.hpp"

#include <gtest/gtest.h>

#include "analyzer/driver.hpp"
#include "model/nft_text.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using namespace untrack::test;

namespace {

std::vector<std::string> fingerprints_of(const model::RulesetText& text,
                                         const std::vector<std::string>& select) {
    analyzer::FileContext file(text, model::KernelProfile::modern);
    analyzer::Findings findings =
        analyzer::lint(file, analyzer::Selection::make(select, {}).value());
    analyzer::Fingerprints fingerprints(text);
    std::vector<std::string> out;
    for (const analyzer::Finding& f : findings.list)
        out.push_back(analyzer::fingerprint_text(fingerprints.next(f, text.ruleset)));
    return out;
}

std::vector<std::string> of(std::string_view text, const std::vector<std::string>& select) {
    Loaded l(text);
    return fingerprints_of(model::IptablesText(l.tree, l.ruleset), select);
}

std::vector<std::string> of_nft(std::string_view text, const std::vector<std::string>& select) {
    LoadedNft l(text);
    return fingerprints_of(model::NftText(l.tree, l.ruleset), select);
}

using Prints = std::vector<std::string>;

const std::string rules =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
    "-A INPUT -p tcp -m state --state NEW -j ACCEPT\n"
    "-A INPUT -p udp -m state --state NEW -j ACCEPT\nCOMMIT\n";

}  // namespace

TEST(Fingerprint, IsTheSameInEveryRelease) {
    EXPECT_EQ(of(rules, {"UT101"}), (Prints{"e0cfe15611448173", "21a2551e7da84ec7"}));
}

TEST(Fingerprint, StaysWhenOtherLinesChange) {
    Prints before = of(rules, {"UT101"});
    ASSERT_EQ(before.size(), 2U);
    EXPECT_NE(before[0], before[1]);
    EXPECT_EQ(of(replaced(rules, "-A INPUT -p tcp", "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp"),
                 {"UT101"}),
              before);
    EXPECT_EQ(of(replaced(replaced(rules, "-A INPUT -p tcp", "[12:3456] -A INPUT  -p tcp"),
                          "DROP [0:0]", "DROP [7:8]"),
                 {"UT101"}),
              before)
        << "counters and blanks";
    EXPECT_EQ(of(rules, {"UT101", "UT501"}).size(), 4U);
    EXPECT_EQ(of(rules, {"UT101", "UT501"})[0], before[0]) << "what else is asked for";
    std::string turned =
        replaced(replaced(replaced(rules, "-p tcp", "-p X"), "-p udp", "-p tcp"), "-p X", "-p udp");
    EXPECT_EQ(of(turned, {"UT101"}), (Prints{before[1], before[0]}));
}

TEST(Fingerprint, GoesWithTheRuleItsChainItsTableAndTheCode) {
    std::string before = of(rules, {"UT101"})[0];
    for (const std::string& other :
         {replaced(rules, "--state NEW", "--state RELATED"),
          replaced(replaced(rules, "*filter", "*mangle"), ":FORWARD DROP [0:0]\n", "")})
        EXPECT_NE(of(other, {"UT101"})[0], before) << other;
    EXPECT_NE(of(replaced(rules, "INPUT -p tcp", "FORWARD -p tcp"), {"UT101"})[0], before);
    EXPECT_NE(of(rules, {"UT501"})[0], before);
}

TEST(Fingerprint, TellsEqualRulesApartByTheirNumber) {
    std::string one = "-A INPUT -p tcp -m state --state NEW -j ACCEPT\n";
    Prints twice = of(replaced(rules, one, one + one), {"UT101"});
    ASSERT_EQ(twice.size(), 3U);
    EXPECT_EQ(twice[0], of(rules, {"UT101"})[0]);
    EXPECT_NE(twice[0], twice[1]);
    EXPECT_EQ(of(replaced(rules, one, one + "-A INPUT -i lo -j ACCEPT\n" + one), {"UT101"}), twice);
}

TEST(Fingerprint, OfALineThatIsNoRuleLeavesItsCountersOut) {
    std::string open = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 25 -j DROP\nCOMMIT\n";
    Prints before = of(open, {"UT307"});
    ASSERT_EQ(before.size(), 1U);
    EXPECT_EQ(of(replaced(open, "[0:0]", "[123:45678]"), {"UT307"}), before);
    Prints unread = of(rules + "*raw\n[1:2] -A PREROUTING --none\nCOMMIT\n", {"UT901"});
    ASSERT_EQ(unread.size(), 1U);
    EXPECT_EQ(of(rules + "*raw\n[3:4] -A PREROUTING --none\nCOMMIT\n", {"UT901"}), unread);
    EXPECT_NE(of(rules + "*raw\n[1:2] -A PREROUTING --nothing\nCOMMIT\n", {"UT901"}), unread);
}

TEST(Fingerprint, OfNftablesLeavesCountersOutToo) {
    std::string text =
        "table ip t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n"
        "\t\tmeta mark set 1 meta mark 1 ct state new counter packets 1 bytes 2 accept\n"
        "\t\tct state { established, related } accept\n\t}\n}\n";
    Prints before = of_nft(text, {"UT101"});
    ASSERT_EQ(before.size(), 2U);
    EXPECT_EQ(of_nft(replaced(text, "packets 1 bytes 2", "packets 30 bytes 4000"), {"UT101"}),
              before);
    EXPECT_EQ(of_nft(replaced(text, "\t\tmeta mark set 1",
                              "\t\tmeta mark set 2 meta mark 2 drop\n\t\tmeta mark set 1"),
                     {"UT101"}),
              before)
        << "what stands behind an effect is written in the same chain";
    EXPECT_EQ(
        of_nft(replaced(text, "established, related", "established,\n\t\t\trelated"), {"UT101"}),
        before);
    EXPECT_NE(of_nft(replaced(text, "chain c", "chain d"), {"UT101"})[0], before[0]);
    Prints unread =
        of_nft(replaced(text, "ct state new counter", "ct state new ) counter"), {"UT901"});
    ASSERT_EQ(unread.size(), 1U);
    EXPECT_EQ(of_nft(replaced(text, "ct state new counter packets 1 bytes 2",
                              "ct state new ) counter packets 7 bytes 8"),
                     {"UT901"}),
              unread);
}
