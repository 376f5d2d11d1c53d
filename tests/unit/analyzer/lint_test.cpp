// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "tests/unit/analyzer/lint_text.hpp"

using namespace untrack;
using test::lint;
using test::Loaded;

namespace {

constexpr const char* router =
    "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A PREROUTING -p tcp --sport 80 -j CT "
    "--notrack\nCOMMIT\n"
    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";

}  // namespace

TEST(Lint, SaysWhatTurnsTrackingOn) {
    EXPECT_EQ(lint("*filter\n-A INPUT -m state --state NEW -j ACCEPT\n-A INPUT -m connlimit "
                   "--connlimit-above 3 -j DROP\nCOMMIT\n"
                   "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n*raw\n-A PREROUTING -j CT --zone "
                   "1\nCOMMIT\n",
                   {"UT1"}),
              "UT101:2 UT102:3 UT103:6 UT104:9 ");
    EXPECT_EQ(lint("*filter\n-A INPUT -p tcp --dport 80 -j ACCEPT\nCOMMIT\n", {"UT1"}), "");
}

TEST(Lint, OnlyUntrackedLeft) {
    EXPECT_EQ(
        lint("*filter\n-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n", {"UT105"}),
        "UT105:2 ");
    EXPECT_EQ(lint("*filter\n-A INPUT -m conntrack --ctstate UNTRACKED,NEW -j ACCEPT\nCOMMIT\n",
                   {"UT105"}),
              "");
}

TEST(Lint, NamesTheServicesThatHangOnTheEstablishedAccept) {
    auto message = [](const std::string& rules) {
        Loaded l("*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n*filter\n" +
                 rules + "COMMIT\n");
        model::IptablesText as_text(l.tree, l.ruleset);
        analyzer::FileContext file(as_text, model::KernelProfile::modern);
        analyzer::Findings findings =
            analyzer::lint(file, analyzer::Selection::make({"UT109"}, {}).value());
        return findings.list.empty() ? std::string() : std::string(findings.list[0].message);
    };
    const std::string established = "-A INPUT -m state --state ESTABLISHED -j ACCEPT\n";
    EXPECT_NE(message(established + "-A INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT\n")
                  .find(": 22/tcp;"),
              std::string::npos);
    // Without a test of the state its rule takes later packets, too; and 53 is untracked.
    for (const char* other :
         {"-A INPUT -p tcp --dport 80 -j ACCEPT\n",
          "-A INPUT -p tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT\n",
          "-A INPUT -p udp --dport 53 -m state --state NEW -j ACCEPT\n"})
        EXPECT_EQ(message(established + other).find("services"), std::string::npos) << other;
    // Not all connections pass an accept of one port.
    EXPECT_EQ(message("-A INPUT -p tcp --dport 22 -m state --state NEW,ESTABLISHED -j ACCEPT\n")
                  .find("all packets"),
              std::string::npos);
}

TEST(Lint, DeadRules) {
    EXPECT_EQ(
        lint("*filter\n:dead - [0:0]\n-A dead -m state --state NEW -j ACCEPT\nCOMMIT\n", {"UT106"}),
        "UT106:3 ");
    EXPECT_EQ(lint("*filter\n:used - [0:0]\n-A INPUT -j used\n-A used -m state --state NEW -j "
                   "ACCEPT\nCOMMIT\n",
                   {"UT106"}),
              "");
}

TEST(Lint, OneSidedNotrack) {
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\nCOMMIT\n", {"UT201"}),
              "UT201:2 ");
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp "
                   "--sport 80 -j CT --notrack\nCOMMIT\n",
                   {"UT201"}),
              "");
    EXPECT_EQ(lint(std::string(router) + "COMMIT\n", {"UT201"}), "");
    EXPECT_EQ(
        lint("*raw\n-A PREROUTING -p tcp --dport 80 --syn -j CT --notrack\nCOMMIT\n*filter\n-A "
             "INPUT -p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY\nCOMMIT\n",
             {"UT201"}),
        "");
}

TEST(Lint, UntrackedNotAccepted) {
    const std::string start =
        "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
        "--notrack\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    EXPECT_EQ(lint(start + "-A INPUT -s 10.0.0.0/8 -p tcp --dport 80 -m conntrack --ctstate NEW -j "
                           "ACCEPT\nCOMMIT\n",
                   {"UT202"}),
              "UT202:2 ");
    EXPECT_EQ(
        lint(start + "-A INPUT -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT\nCOMMIT\n", {"UT202"}),
        "");
}

TEST(Lint, UntrackedAnswersNotAccepted) {
    // Whoever opens a connection does not open it from the service's port; answers must pass.
    const std::string start =
        "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
        "--notrack\nCOMMIT\n*filter\n:OUTPUT DROP [0:0]\n"
        "-A OUTPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\n";
    EXPECT_EQ(lint(start + "COMMIT\n", {"UT202"}), "UT202:3 ");
    EXPECT_EQ(lint(start + "-A OUTPUT -p tcp --sport 80 ! --syn -m conntrack --ctstate UNTRACKED "
                           "-j ACCEPT\nCOMMIT\n",
                   {"UT202"}),
              "");
    // UDP from port to port, as ntpd speaks it.
    EXPECT_EQ(
        lint("*raw\n-A OUTPUT -p udp --sport 123 -j CT --notrack\nCOMMIT\n*filter\n:INPUT DROP "
             "[0:0]\n:OUTPUT DROP [0:0]\n-A OUTPUT -p udp --dport 123 -m conntrack "
             "--ctstate NEW -j ACCEPT\nCOMMIT\n",
             {"UT202"}),
        "UT202:2 ");
    // A port that a socket may get by chance.
    const std::string chance =
        "*raw\n-A OUTPUT -p tcp --sport 40000 -j CT --notrack\nCOMMIT\n*filter\n:INPUT DROP "
        "[0:0]\n:OUTPUT DROP [0:0]\n-A OUTPUT -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
    EXPECT_EQ(lint(chance, {"UT202"}), "UT202:2 ");
}

TEST(Lint, WhatNatWouldTranslateIsNoLossOfTheFilters) {
    // Tracked, the packets would go elsewhere; leaving them tracked is UT205's advice.
    EXPECT_EQ(lint("*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination "
                   "198.51.100.2\nCOMMIT\n*raw\n-A PREROUTING -p tcp --dport 80 -j CT "
                   "--notrack\n-A PREROUTING -p tcp --sport 80 -j CT --notrack\nCOMMIT\n"
                   "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
                   "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n",
                   {"UT202", "UT205"}),
              "UT205:5 ");
}

TEST(Lint, BlanketUntrackedAccept) {
    EXPECT_EQ(lint(std::string(router) +
                       "-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n",
                   {"UT203"}),
              "UT203:8 ");
    EXPECT_EQ(
        lint(
            std::string(router) +
                "-A FORWARD -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n",
            {"UT203"}),
        "");
}

TEST(Lint, NotrackAgainstNatAndTemplates) {
    const std::string raw =
        "*raw\n-A PREROUTING -p tcp --dport 8080 -j CT --notrack\nCOMMIT\n*nat\n";
    EXPECT_EQ(lint(raw + "-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination "
                         "198.51.100.2:80\nCOMMIT\n",
                   {"UT205"}),
              "UT205:2 ");
    EXPECT_EQ(lint(raw + "-A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination "
                         "198.51.100.2:80\nCOMMIT\n",
                   {"UT205"}),
              "");
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p udp -j CT --zone 2\n-A PREROUTING -p udp --dport 53 -j "
                   "CT --notrack\nCOMMIT\n",
                   {"UT209"}),
              "UT209:3 ");
    EXPECT_EQ(lint("*mangle\n-A PREROUTING -j NOTRACK\nCOMMIT\n", {"UT208"}), "UT208:2 ");
}

TEST(Lint, AnswersOfWhatDestinationNatMakes) {
    const std::string dnat =
        "*nat\n-A PREROUTING -d 203.0.113.1 -p tcp --dport 8080 -j DNAT --to-destination "
        "198.51.100.2:80\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    const std::string forward =
        "-A FORWARD -i wan -d 198.51.100.2 -o lan -p tcp --dport 80 -m conntrack --ctstate NEW -j "
        "ACCEPT\n";
    const std::string raw =
        "COMMIT\n*raw\n-A PREROUTING -d 198.51.100.2 -p tcp --dport 80 -j CT --notrack\n"
        "-A PREROUTING -s 198.51.100.2 -p tcp --sport 80 -j CT --notrack\nCOMMIT\n";
    EXPECT_EQ(lint(dnat + forward + raw, {"UT205"}), "UT205:11 ");
    // Nothing is passed on, so nothing is lost.
    EXPECT_EQ(lint(dnat + raw, {"UT205"}), "");
    const std::string local =
        "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n*raw\n";
    EXPECT_EQ(lint(local + "-A OUTPUT -p tcp --sport 8080 -j CT --notrack\nCOMMIT\n", {"UT205"}),
              "UT205:5 ");
    EXPECT_EQ(lint(local + "-A OUTPUT -p tcp --sport 8081 -j CT --notrack\nCOMMIT\n", {"UT205"}),
              "");
    // A container's port is not this host's, though its number is.
    EXPECT_EQ(lint("*nat\n-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination "
                   "172.17.0.2:80\nCOMMIT\n*raw\n-A OUTPUT -p tcp --sport 80 -j CT "
                   "--notrack\nCOMMIT\n",
                   {"UT205"}),
              "");
}

TEST(Lint, PacketsOfClientsBehindAGateway) {
    const std::string filter =
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
    const std::string forward = "-A FORWARD -i lan -o wan -j ACCEPT\n";
    auto nat = [](const std::string& rule) {
        return "COMMIT\n*nat\n-A POSTROUTING -o wan " + rule + "\nCOMMIT\n";
    };
    auto raw = [](const std::string& rule) {
        return "*raw\n-A PREROUTING -p tcp " + rule + " -j CT --notrack\nCOMMIT\n";
    };
    const std::string masquerade = nat("-j MASQUERADE");
    EXPECT_EQ(lint(filter + forward + masquerade + raw("--dport 80"), {"UT205", "UT206"}),
              "UT206:10 ");
    EXPECT_EQ(lint(filter + masquerade + raw("--dport 80"), {"UT205", "UT206"}), "");
    // Bound to this host, it still takes answers to a client that has the same port.
    const std::string bound = raw("--dport 80 -m addrtype --dst-type LOCAL");
    EXPECT_EQ(lint(filter + forward + masquerade + bound, {"UT206"}), "UT206:10 ");
    EXPECT_EQ(lint(filter + forward + nat("-p tcp -j MASQUERADE --to-ports 1024-65535") + bound,
                   {"UT206"}),
              "");
    // Answers from servers outside, to everybody behind this host.
    EXPECT_EQ(lint(filter + forward + masquerade + raw("--sport 80"), {"UT206"}), "UT206:10 ");
    EXPECT_EQ(lint(filter + forward + masquerade + raw("-i lan --sport 80"), {"UT206"}), "");
    // SNAT says to which address answers come.
    EXPECT_EQ(lint(filter + forward + nat("-j SNAT --to-source 192.0.2.1") +
                       raw("-d 192.0.2.1 --dport 80"),
                   {"UT206"}),
              "UT206:10 ");
    EXPECT_EQ(lint(filter + forward + nat("-j SNAT --to-source 192.0.2.2") +
                       raw("-d 192.0.2.1 --dport 80"),
                   {"UT206"}),
              "");
}

TEST(Lint, OverLoopbackOnlyTheDestinationMatters) {
    const std::string raw =
        "*raw\n-A OUTPUT -o lo -p tcp --dport 80 -j CT --notrack\nCOMMIT\n*nat\n";
    EXPECT_EQ(lint(raw + "-A POSTROUTING -j MASQUERADE\nCOMMIT\n", {"UT205"}), "");
    EXPECT_EQ(
        lint(raw + "-A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n", {"UT205"}),
        "UT205:2 ");
}

TEST(Lint, NegatedStates) {
    const std::string start =
        "*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n*filter\n";
    EXPECT_EQ(lint(start + "-A INPUT -m state ! --state ESTABLISHED -j DROP\nCOMMIT\n", {"UT217"}),
              "UT217:5 ");
    EXPECT_EQ(
        lint(start + "-A INPUT -p tcp -m state ! --state ESTABLISHED -j DROP\nCOMMIT\n", {"UT217"}),
        "");
}

TEST(Lint, Spelling) {
    EXPECT_EQ(lint("*filter\n-A INPUT -ieth0 -s ! 192.0.2.1 -m state --state NEW -j FOO\nCOMMIT\n",
                   {"UT501", "UT503", "UT506", "UT509"}),
              "UT509:2 UT503:2 UT501:2 UT506:2 ");
    EXPECT_EQ(lint("*filter\n-A INPUT -p icmp -j ACCEPT\nCOMMIT\n", {"UT512"}, model::Family::ip6),
              "UT512:2 ");
    EXPECT_EQ(lint("*filter\n:LOG - [0:0]\nCOMMIT\n", {"UT513"}), "UT513:2 ");
    EXPECT_EQ(lint("*filter\nCOMMIT\n*filter\nCOMMIT", {"UT514", "UT510"}), "UT514:3 UT510:4 ");
    EXPECT_EQ(lint("*filter\n-A INPUT --nonsense\nCOMMIT\n", {"UT901"}), "UT901:2 ");
}

TEST(Registry, CodesAreInOrderAndSelectorsChecked) {
    for (std::size_t i = 1; i < analyzer::rules().size(); ++i)
        EXPECT_LT(analyzer::rules()[i - 1].code, analyzer::rules()[i].code);
    EXPECT_FALSE(analyzer::Selection::make({"UT999"}, {}));
    EXPECT_TRUE(analyzer::Selection::make({"UT2", "state-match"}, {"UT205"}));
}
