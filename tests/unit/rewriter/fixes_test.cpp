// SPDX-License-Identifier: GPL-2.0-or-later
// Texts before and after their fixes.
#include "rewriter/fixes.hpp"

#include <gtest/gtest.h>

#include "tests/unit/rewriter/mended_text.hpp"

using namespace untrack;
using namespace untrack::test;

namespace {

std::string mended(const std::string& before, const std::vector<std::string>& select,
                   bool unsafe = false) {
    return Mended(before, {select, unsafe}).text;
}

/// The rules in an INPUT chain with that policy.
std::string input(const std::string& rules, const std::string& policy = "DROP") {
    return "*filter\n:INPUT " + policy + " [0:0]\n" + rules + "COMMIT\n";
}
std::string raw(const std::string& rules) {
    return "*raw\n:PREROUTING ACCEPT [0:0]\n" + rules + "COMMIT\n";
}
std::string chain(const std::string& rules, const std::string& policy = "drop") {
    return "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy " +
           policy + ";\n" + rules + "\t}\n}\n";
}

void expect_mended(const std::string& rules, const std::string& expected, const std::string& code,
                   bool unsafe = false) {
    EXPECT_EQ(mended(input(rules), {code}, unsafe), input(expected));
}

}  // namespace

TEST(Fixes, StateMatchKeepsEverythingElseOfItsLine) {
    expect_mended("-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n",
                  "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", "UT501");
    expect_mended("[12:345] -A INPUT  -p tcp\t--match state ! --state NEW --jump DROP \n",
                  "[12:345] -A INPUT  -p tcp\t--match conntrack ! --ctstate NEW --jump DROP \n",
                  "UT501");
    expect_mended(
        "-A INPUT -m comment --comment \"-m state --state NEW\" -m state --state NEW -j ACCEPT\n",
        "-A INPUT -m comment --comment \"-m state --state NEW\" -m conntrack --ctstate NEW -j "
        "ACCEPT\n",
        "UT501");
    expect_mended("-A INPUT -m \"state\" --state \"NEW\" -j ACCEPT\r\n",
                  "-A INPUT -m conntrack --ctstate \"NEW\" -j ACCEPT\r\n", "UT501");
    expect_mended("-A INPUT -mstate --state=NEW -j ACCEPT\n",
                  "-A INPUT -m conntrack --ctstate=NEW -j ACCEPT\n", "UT501");
    expect_mended("-A INPUT -m state --sta NEW -j ACCEPT\n",
                  "-A INPUT -m conntrack --ctstate NEW -j ACCEPT\n", "UT501");
    EXPECT_EQ(mended("*filter\n-A INPUT -m state --state NEW -j ACCEPT", {"UT501"}),
              "*filter\n-A INPUT -m conntrack --ctstate NEW -j ACCEPT");
}

TEST(Fixes, StateMatchIsLeftWhereTheOtherNameWouldTakeMore) {
    // --ctstate would go to the match that was named last.
    const std::string two =
        "-A INPUT -m state -m conntrack --ctdir ORIGINAL --state NEW -j ACCEPT\n";
    Mended m(input(two), {{"UT501"}});
    EXPECT_EQ(m.text, input(two));
    EXPECT_EQ(m.fixed.undecided + m.fixed.unreadable, 1U);
}

TEST(Fixes, NotrackTargetBecomesAnOption) {
    EXPECT_EQ(mended(raw("-A PREROUTING -p tcp --dport 80 -j NOTRACK\n"
                         "[1:2] -A PREROUTING --jump \"NOTRACK\" -m comment --comment 'NOTRACK'\r\n"
                         "-A PREROUTING -p udp -jNOTRACK\n"),
                     {"UT502"}),
              raw("-A PREROUTING -p tcp --dport 80 -j CT --notrack\n"
                  "[1:2] -A PREROUTING --jump CT --notrack -m comment --comment 'NOTRACK'\r\n"
                  "-A PREROUTING -p udp -j CT --notrack\n"));
}

TEST(Fixes, NotrackTargetIsRightForOldKernels) {
    const std::string text = raw("-A PREROUTING -j NOTRACK\n");
    EXPECT_EQ(
        Mended(text, {{"UT502"}, true, model::Family::ip, model::KernelProfile::rhel6_2_6}).text,
        text);
}

TEST(Fixes, NegationGoesBeforeItsOption) {
    expect_mended("-A INPUT -s ! 10.0.0.0/8 -j DROP\n", "-A INPUT ! -s 10.0.0.0/8 -j DROP\n",
                  "UT503");
    expect_mended("-A INPUT -p tcp --dport !  80 -i ! eth0 -j ACCEPT\r\n",
                  "-A INPUT -p tcp ! --dport 80 ! -i eth0 -j ACCEPT\r\n", "UT503");
    expect_mended("-A INPUT -p tcp --tcp-flags ! SYN,ACK SYN -j ACCEPT\n",
                  "-A INPUT -p tcp ! --tcp-flags SYN,ACK SYN -j ACCEPT\n", "UT503");
    expect_mended("-A INPUT -m comment --comment \"-s ! x\" -d ! \"10.0.0.1\" -j ACCEPT\n",
                  "-A INPUT -m comment --comment \"-s ! x\" ! -d \"10.0.0.1\" -j ACCEPT\n",
                  "UT503");
}

TEST(Fixes, TwoFixesOfOneOptionComeOneAfterTheOther) {
    Mended m(input("-A INPUT -m state --state ! NEW -j ACCEPT\n"), {{"UT5"}});
    EXPECT_EQ(m.text, input("-A INPUT -m conntrack ! --ctstate NEW -j ACCEPT\n"));
    EXPECT_EQ(m.fixed.findings, 2U);
    EXPECT_EQ(m.fixed.unsafe + m.fixed.undecided + m.fixed.unreadable, 0U);
}

TEST(Fixes, StateListIsChangedWhenAskedTo) {
    const std::string before = chain("\t\tct state != established,related drop\n", "accept");
    Mended safe(before, {{"UT508"}});
    EXPECT_EQ(safe.text, before);
    EXPECT_EQ(safe.fixed.unsafe, 1U);
    EXPECT_EQ(mended(before, {"UT508"}, true),
              chain("\t\tct state != { established,related } drop\n", "accept"));
}

TEST(Fixes, StateListIsSafeWhereItDecidesNothing) {
    // Whatever the first rule does, the second does the same.
    EXPECT_EQ(mended(chain("\t\tct state != established,related drop\n\t\tdrop\n"), {"UT508"}),
              chain("\t\tct state != { established,related } drop\n\t\tdrop\n"));
}

TEST(Fixes, GluedInterfaceIsChangedWhenAskedTo) {
    expect_mended("-A INPUT -ieth0 -j ACCEPT\n", "-A INPUT -ieth0 -j ACCEPT\n", "UT509");
    expect_mended("-A INPUT -ieth0 -j ACCEPT\n", "-A INPUT -i eth0 -j ACCEPT\n", "UT509", true);
}

TEST(Fixes, NothingIsProvenOfWhatIptablesLoadsOtherwise) {
    const std::string rule = "-A INPUT -i eth0 -j ACCEPT\n";
    const std::string cut =
        "-A INPUT -p icmp -m comment --comment " + std::string(10300, 'x') + " -j ACCEPT\n";
    Mended m(input(rule + rule + cut), {{"UT308"}});
    EXPECT_EQ(m.text, input(rule + rule + cut));
    EXPECT_EQ(m.fixed.undecided, 1U);
}

TEST(Fixes, ARuleThatMatchesNothingHidesNoOther) {
    // As it is loaded the first rule takes nothing, and the second is needed.
    const std::string rules = "-A INPUT -ieth0 -j ACCEPT\n-A INPUT -i eth0 -p tcp -j ACCEPT\n";
    expect_mended(rules, rules, "UT302");
    EXPECT_EQ(mended(input(rules), {"UT302", "UT509"}, true),
              input("-A INPUT -i eth0 -j ACCEPT\n"));
}

TEST(Fixes, RedundantRuleGoesWithItsLineEnd) {
    const std::string first = "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n";
    const std::string second = "[3:4] -A INPUT -s 192.0.2.7 -p tcp -j ACCEPT";
    const std::string last = "-A INPUT -p icmp -j ACCEPT\n";
    expect_mended(first + second + "\n" + last, first + last, "UT302");
    expect_mended(first + second + "\r\n" + last, first + last, "UT302");
    expect_mended(first + "# about it\n" + second + "\n" + last, first + "# about it\n" + last,
                  "UT302");
    // What suppresses findings of the rule would suppress those of the next one.
    expect_mended(first + "# a word\n# untrack: ignore[UT203] why\n#untrack: ignore[UT204]\n" +
                      second + "\n" + last,
                  first + "# a word\n" + last, "UT302");
    // Nothing stands behind it.
    EXPECT_EQ(mended("*filter\n:INPUT DROP [0:0]\n" + first + second, {"UT302"}),
              "*filter\n:INPUT DROP [0:0]\n" + first);
}

TEST(Fixes, RedundantNftRuleGoesWithWhatIsSaidBehindIt) {
    const std::string first = "\t\tip saddr 192.0.2.0/24 accept\n";
    const std::string last = "\t\tmeta l4proto icmp accept\n";
    for (std::string second :
         {"\t\tip saddr 192.0.2.7 tcp dport 22 accept\n", "\t\tip saddr 192.0.2.7 accept;\n",
          "\t\tip saddr 192.0.2.7 accept # the admin\n",
          "\t\tip saddr 192.0.2.7 accept # handle 7\n",
          "\t\tip saddr 192.0.2.7 accept comment \"the admin\"\r\n",
          "\t\tip saddr {\n\t\t\t192.0.2.7,\n\t\t\t192.0.2.8 } accept\n"})
        EXPECT_EQ(mended(chain(first + second + last), {"UT3"}), chain(first + last)) << second;
    EXPECT_EQ(mended(chain("\t\tip saddr 192.0.2.0/24 accept; ip saddr 192.0.2.7 accept; ip saddr "
                           "192.0.3.0/24 accept\n"),
                     {"UT3"}),
              chain("\t\tip saddr 192.0.2.0/24 accept; ip saddr 192.0.3.0/24 accept\n"));
    EXPECT_EQ(mended("table ip t {\n chain c { type filter hook input priority 0; policy drop; ip "
                     "saddr 192.0.2.0/24 accept; ip saddr 192.0.2.7 accept }\n}\n",
                     {"UT3"}),
              "table ip t {\n chain c { type filter hook input priority 0; policy drop; ip saddr "
              "192.0.2.0/24 accept; }\n}\n");
}

TEST(Fixes, DuplicateRuleGoesOnce) {
    const std::string rule = "-A INPUT -p tcp --dport 80 -j ACCEPT\n";
    const std::string other = "-A INPUT -p tcp --dport 22 -j ACCEPT\n";
    expect_mended(rule + other + rule + rule, rule + other, "UT308");
    const std::string nft = "\t\ttcp dport 80 accept\n";
    EXPECT_EQ(mended(chain(nft + "\t\ttcp dport 22 accept\n" + nft), {"UT308"}),
              chain(nft + "\t\ttcp dport 22 accept\n"));
}

TEST(Fixes, DuplicateLogIsRemovedWhenAskedTo) {
    const std::string log = "-A INPUT -p tcp -j LOG --log-prefix \"x \"\n";
    Mended safe(input(log + log), {{"UT308"}});
    EXPECT_EQ(safe.text, input(log + log));
    EXPECT_EQ(safe.fixed.unsafe, 1U);
    expect_mended(log + log, log, "UT308", true);
}

TEST(Fixes, RulesThatAreNamedByTheirPlaceStay) {
    const std::string twice =
        "-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p "
        "tcp --dport 22 -j ACCEPT\n";
    for (std::string command : {"-I INPUT 3 -p udp -j ACCEPT\n", "-R INPUT 3 -p udp -j ACCEPT\n",
                                "-D INPUT 3\n", "-D INPUT -p tcp --dport 22 -j ACCEPT\n"})
        for (bool unsafe : {false, true})
            expect_mended(twice + command, twice + command, "UT308", unsafe);
    // Places before it, and those of other chains, do not move.
    const std::string once =
        "-A INPUT -p tcp --dport 80 -j ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\n";
    for (std::string command : {"-I INPUT -p udp -j ACCEPT\n", "-I OUTPUT 1 -p udp -j ACCEPT\n"})
        expect_mended(twice + command, once + command, "UT308");
    const std::string nft =
        "add table ip t\nadd chain ip t c { type filter hook input priority 0; policy drop; }\nadd "
        "rule ip t c tcp dport 80 accept\nadd rule ip t c tcp dport 80 accept\n";
    const std::string place = "insert rule ip t c index 1 udp dport 53 accept\n";
    EXPECT_EQ(mended(nft + place, {"UT308"}, true), nft + place);
    EXPECT_EQ(mended(nft, {"UT308"}), nft.substr(0, nft.rfind("add rule")));
}

TEST(Fixes, OneOfTwoThatGoForEachOtherStays) {
    const std::string a = "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n";
    const std::string b = "-A INPUT -s 192.0.0.0/16 -j ACCEPT\n";
    for (bool unsafe : {false, true}) {
        expect_mended(a + b, b, "UT302", unsafe);
        expect_mended(b + a, b, "UT302", unsafe);
    }
}

TEST(Fixes, SpellingAndRemovalOfOneLine) {
    const std::string first = "-A INPUT -s 192.0.2.0/24 -j ACCEPT\n";
    Mended m(input(first + "-A INPUT -s 192.0.2.7 -m state --state NEW -j ACCEPT\n"),
             {{"UT302", "UT501"}});
    EXPECT_EQ(m.text, input(first + "-A INPUT -s 192.0.2.7 -m conntrack --ctstate NEW -j ACCEPT\n"))
        << "without its state match the host would not track";
    EXPECT_EQ(m.fixed.findings, 1U);
}

TEST(Fixes, ManyFixesAreProvenTogether) {
    std::string before;
    std::string after;
    for (int i = 0; i < 300; ++i) {
        std::string s =
            "-A INPUT -s 10.0." + std::to_string(i % 256) + "." + std::to_string(i / 256);
        before += s + " -m state --state NEW -j ACCEPT\n";
        after += s + " -m conntrack --ctstate NEW -j ACCEPT\n";
        if (i % 3 == 0) before += s + " -m state --state NEW -j ACCEPT\n";
    }
    Mended m(input(before), {{"UT3", "UT5"}});
    EXPECT_EQ(m.text, input(after));
    EXPECT_TRUE(m.fixed.settled);
}
