// SPDX-License-Identifier: GPL-2.0-or-later
// The rules about what a bypass takes besides its service, or takes in vain.
#include <gtest/gtest.h>

#include "tests/unit/analyzer/lint_text.hpp"

using namespace untrack;
using test::lint;
using test::lint_nft;

namespace {

const std::string end = "COMMIT\n";
const std::string pair =
    "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
    "--notrack\nCOMMIT\n";
const std::string drop = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n";
const std::string established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";

std::string raw(const std::string& rules) {
    return "*raw\n" + rules + end;
}
/// A chain of nftables before conntrack.
std::string nft_raw(const std::string& rules, const std::string& hook = "prerouting") {
    return "table inet early {\nchain c {\ntype filter hook " + hook +
           " priority raw; policy accept;\n" + rules + "}\n}\n";
}

}  // namespace

TEST(BypassLint, StateMatchBeforeConntrack) {
    auto found = [](const std::string& rule) { return lint(raw(rule), {"UT220"}); };
    for (const char* wrong :
         {"-A PREROUTING -m conntrack --ctstate INVALID -j DROP\n",
          "-A PREROUTING -m state --state NEW -j CT --notrack\n",
          "-A OUTPUT -o lo -m conntrack --ctstate NEW -j ACCEPT\n",
          "-A PREROUTING -m conntrack ! --ctstate ESTABLISHED -j DROP\n",
          "-A PREROUTING -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n",
          "-A PREROUTING -m conntrack --ctproto tcp -j ACCEPT\n",
          "-A PREROUTING -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT\n"})
        EXPECT_EQ(found(wrong), "UT220:2 ") << wrong;
    for (const char* fine : {"-A PREROUTING -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
                             "-A PREROUTING -m conntrack ! --ctstate UNTRACKED -j LOG\n",
                             "-A PREROUTING -i lo -m conntrack --ctstate ESTABLISHED -j ACCEPT\n",
                             "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n"})
        EXPECT_EQ(found(fine), "") << fine;
    // Behind conntrack the state is known, and a chain that nothing enters decides nothing.
    EXPECT_EQ(
        lint("*mangle\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n", {"UT220"}),
        "");
    EXPECT_EQ(found(":own - [0:0]\n-A own -m state --state NEW -j ACCEPT\n"), "");
}

TEST(BypassLint, StateMatchBeforeConntrackInNft) {
    EXPECT_EQ(lint_nft(nft_raw("ct state invalid drop\n"), {"UT220"}), "UT220:4 ");
    EXPECT_EQ(lint_nft(nft_raw("ct state established,related accept\n", "output"), {"UT220"}),
              "UT220:4 ");
    EXPECT_EQ(lint_nft(nft_raw("ct state untracked accept\n"), {"UT220"}), "");
    EXPECT_EQ(lint_nft(nft_raw("iif lo ct state established accept\n"), {"UT220"}), "");
    EXPECT_EQ(lint_nft("table inet t {\nchain shared {\nct state invalid drop\n}\n"
                       "chain early {\ntype filter hook prerouting priority raw;\njump shared\n}\n"
                       "chain late {\ntype filter hook input priority 0;\njump shared\n}\n}\n",
                       {"UT220"}),
              "");
}
