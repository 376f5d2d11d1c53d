// SPDX-License-Identifier: GPL-2.0-or-later
// What a bypass by hand forgets: limits, fragments, options without an entry, entries, answers.
#include <gtest/gtest.h>

#include "tests/unit/analyzer/lint_text.hpp"

using namespace untrack;
using test::lint;

namespace {

const std::string bypass =
    "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
    "--notrack\nCOMMIT\n";
const std::string filter = "*filter\n:INPUT DROP [0:0]\n";
const std::string established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
const std::string web = "-A INPUT -p tcp --dport 80 ";
const std::string end = "COMMIT\n";

std::string limits(const std::string& rules) {
    return lint(bypass + filter + established + rules + end, {"UT216"});
}
std::string options(const std::string& rules) {
    return lint(bypass + filter + rules + end, {"UT221"});
}

}  // namespace

TEST(Lint, LimitsForConnectionsMeetEveryPacket) {
    EXPECT_EQ(limits(web + "-m limit --limit 20/sec -j ACCEPT\n"), "UT216:8 ");
    EXPECT_EQ(limits(web + "-m conntrack --ctstate NEW,UNTRACKED -m limit --limit 5/m -j ACCEPT\n"),
              "UT216:8 ");
    // NEW replaced by UNTRACKED.
    const std::string naive = web + "-m conntrack --ctstate UNTRACKED -m ";
    EXPECT_EQ(limits(naive + "limit --limit 20/sec -j ACCEPT\n"), "UT216:8 ");
    EXPECT_EQ(
        limits(naive + "recent --update --seconds 60 --hitcount 4 -j DROP\n" + web + "-j ACCEPT\n"),
        "UT216:8 ");
    EXPECT_EQ(limits(web +
                     "-m hashlimit --hashlimit-above 20/sec --hashlimit-mode srcip "
                     "--hashlimit-name web -j DROP\n" +
                     web + "-j ACCEPT\n"),
              "UT216:8 ");
}

TEST(Lint, LimitsInChainsAndByReturn) {
    EXPECT_EQ(
        lint(bypass + filter + ":web - [0:0]\n" + established + web + "-j web\n" + web +
                 "-j ACCEPT\n-A web -m limit --limit 20/sec -j RETURN\n-A web -j DROP\n" + end,
             {"UT216"}),
        "UT216:11 ");
}

TEST(Lint, LogsForConnectionsMeetEveryPacket) {
    EXPECT_EQ(limits(web + "-j LOG\n" + web + "-j ACCEPT\n"), "UT216:8 ");
    // Tracked packets only; first packets only; what is dropped anyway.
    EXPECT_EQ(limits(web + "-m conntrack --ctstate NEW -j LOG\n" + web + "-j ACCEPT\n"), "");
    EXPECT_EQ(limits("-A INPUT -p tcp --syn -j LOG\n" + web + "-j ACCEPT\n"), "");
    EXPECT_EQ(limits("-A INPUT -m limit --limit 5/min -j LOG\n"), "");
    EXPECT_EQ(limits(web + "-j ACCEPT\n-A INPUT -j LOG\n"), "");
    // A few lines in a minute.
    EXPECT_EQ(limits(web + "-m limit --limit 5/min -j LOG\n" + web + "-j ACCEPT\n"), "");
    // Somebody looks at the bypass itself.
    EXPECT_EQ(limits(web + "-m conntrack --ctstate UNTRACKED -j LOG\n" + web + "-j ACCEPT\n"), "");
}

TEST(Lint, LimitsOfPacketsAreNone) {
    // For first packets alone.
    EXPECT_EQ(
        limits(web + "--syn -m limit --limit 20/sec -j ACCEPT\n" + web + "! --syn -j ACCEPT\n"),
        "");
    // For all packets, tracked or not.
    EXPECT_EQ(lint(bypass + filter + web +
                       "-m hashlimit --hashlimit-above 20/sec "
                       "--hashlimit-mode srcip --hashlimit-name web -j DROP\n" +
                       established + web + "-j ACCEPT\n" + end,
                   {"UT216"}),
              "");
    // A rate that is one of packets, for untracked ones alone.
    EXPECT_EQ(limits(web +
                     "-m conntrack --ctstate UNTRACKED -m hashlimit --hashlimit-above "
                     "5000/sec --hashlimit-mode srcip --hashlimit-name web -j DROP\n" +
                     web + "-j ACCEPT\n"),
              "");
    // Nothing hangs on it.
    EXPECT_EQ(limits(web + "-m limit --limit 20/sec -j ACCEPT\n" + web + "-j ACCEPT\n"), "");
    // Another port; no bypass; UDP.
    EXPECT_EQ(limits("-A INPUT -p tcp --dport 22 -m limit --limit 20/sec -j ACCEPT\n"), "");
    EXPECT_EQ(
        lint(filter + established + web + "-m limit --limit 20/sec -j ACCEPT\n" + end, {"UT216"}),
        "");
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\nCOMMIT\n" + filter +
                       established +
                       "-A INPUT -p udp --dport 53 -m limit --limit 20/sec -j ACCEPT\n" + end,
                   {"UT216"}),
              "");
}

TEST(Lint, SynproxyLeavesLimitsAlone) {
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 80 --syn -j CT --notrack\nCOMMIT\n" +
                       filter + established + web + "-m limit --limit 20/sec -j ACCEPT\n" + end,
                   {"UT216"}),
              "");
}

TEST(Lint, FragmentsOfWhatARouterPassesOn) {
    auto router = [](const std::string& rules) {
        return lint("*filter\n:FORWARD DROP [0:0]\n" + rules + "COMMIT\n", {"UT218"});
    };
    const std::string sip = "-A FORWARD -p udp --dport 5060 -j ACCEPT\n";
    EXPECT_EQ(router(sip), "UT218:3 ");
    EXPECT_EQ(router(sip + "-A FORWARD -p udp --sport 5060 -j ACCEPT\n"), "UT218:3 ");
    EXPECT_EQ(router("-A FORWARD -f -j ACCEPT\n" + sip), "");
    EXPECT_EQ(router("-A FORWARD -p udp -j ACCEPT\n"), "");
    EXPECT_EQ(router(sip + "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"), "");
    EXPECT_EQ(router(sip + "-A FORWARD -p tcp -m socket -j ACCEPT\n"), "");
    // Of DNS only answers are large; NTP never is.
    EXPECT_EQ(router("-A FORWARD -p udp --dport 53 -j ACCEPT\n"), "");
    EXPECT_EQ(router("-A FORWARD -p udp --sport 53 -j ACCEPT\n"), "UT218:3 ");
    EXPECT_EQ(router("-A FORWARD -p udp --dport 123 -j ACCEPT\n"), "");
    EXPECT_EQ(router("-A FORWARD -p tcp --dport 5060 -j ACCEPT\n"), "");
}

TEST(Lint, FragmentsForAHostOfIpv6) {
    auto host = [](const std::string& rules, model::Family family) {
        return lint("*filter\n:INPUT DROP [0:0]\n" + rules + "COMMIT\n", {"UT218"}, family);
    };
    const std::string ike = "-A INPUT -p udp --dport 500 -j ACCEPT\n";
    EXPECT_EQ(host(ike, model::Family::ip6), "UT218:3 ");
    EXPECT_EQ(host(ike, model::Family::ip), "");
    EXPECT_EQ(host("-A INPUT -p udp -m frag --fragmore -j ACCEPT\n-A INPUT -p udp -m frag "
                   "--fraglast -j ACCEPT\n" +
                       ike,
                   model::Family::ip6),
              "");
}

TEST(Lint, OptionsThatAreIgnoredWithoutAnEntry) {
    const std::string asks = "-A INPUT -m conntrack --ctstate NEW,UNTRACKED ";
    EXPECT_EQ(options(asks + "--ctorigdst 192.0.2.1 -j ACCEPT\n"), "UT221:7 ");
    EXPECT_EQ(options(asks + "--ctproto udp -j ACCEPT\n"), "UT221:7 ");
    EXPECT_EQ(options(asks + "--ctstatus ASSURED -j ACCEPT\n"), "UT221:7 ");
    EXPECT_EQ(
        options("-A INPUT -m conntrack ! --ctstate INVALID --ctorigdst 192.0.2.1 -j ACCEPT\n"),
        "UT221:7 ");
    // The rest of the rule says the same; a packet does not tell its direction; no such state.
    EXPECT_EQ(options(asks + "--ctproto tcp -p tcp -j ACCEPT\n"), "");
    EXPECT_EQ(options(asks + "--ctorigdst 192.0.2.1 -s 192.0.2.1 -j ACCEPT\n"), "");
    EXPECT_EQ(options(asks + "--ctdir ORIGINAL -j ACCEPT\n"), "");
    EXPECT_EQ(options("-A INPUT -m conntrack --ctstate NEW --ctorigdst 192.0.2.1 -j ACCEPT\n"), "");
    EXPECT_EQ(options("-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW,UNTRACKED "
                      "--ctorigdst 192.0.2.1 -j ACCEPT\n"),
              "");
    // Never met.
    EXPECT_EQ(options(web + "-j ACCEPT\n" + asks + "--ctorigdst 192.0.2.1 -j ACCEPT\n"), "");
}

TEST(Lint, EntriesThatStay) {
    const std::string accept = web + "-m conntrack --ctstate UNTRACKED -j ACCEPT\n";
    EXPECT_EQ(lint(bypass + filter + established + accept + end, {"UT222"}), "UT222:2 ");
    // One direction; dropped; nothing was tracked.
    EXPECT_EQ(lint(test::replaced(bypass, "-A OUTPUT -p tcp --sport 80 -j CT --notrack\n", "") +
                       filter + established + accept + end,
                   {"UT222"}),
              "");
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT "
                   "--notrack\n-A OUTPUT -p tcp --sport 80 -j CT --notrack\nCOMMIT\n" +
                       filter + established + end,
                   {"UT222"}),
              "");
    EXPECT_EQ(lint(bypass + filter + web + "-j ACCEPT\n" + end, {"UT222"}), "");
    // What was translated does not go on.
    EXPECT_EQ(lint(bypass +
                       "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports "
                       "8081\nCOMMIT\n" +
                       filter + established + web + "-j ACCEPT\n" + end,
                   {"UT222"}),
              "");
    // UDP's are gone in minutes.
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\n-A OUTPUT -p udp "
                   "--sport 53 -j CT --notrack\nCOMMIT\n" +
                       filter + established + "-A INPUT -p udp --dport 53 -j ACCEPT\n" + end,
                   {"UT222"}),
              "");
}

TEST(Lint, TheLineThatDeletesEntries) {
    auto message = [](const std::string& ports, const std::string& answers) {
        test::Loaded l("*raw\n-A OUTPUT -p tcp " + answers +
                       " -j CT --notrack\n-A PREROUTING -p tcp " + ports +
                       " -j CT --notrack\nCOMMIT\n*filter\n-A INPUT -m conntrack --ctstate NEW -j "
                       "ACCEPT\nCOMMIT\n");
        model::IptablesText rules(l.tree, l.ruleset);
        analyzer::FileContext file(rules, model::KernelProfile::modern);
        analyzer::Findings findings =
            analyzer::lint(file, analyzer::Selection::make({"UT222"}, {}).value());
        EXPECT_EQ(findings.list.size(), 1U);
        return findings.list.empty() ? "" : std::string(findings.list.front().message);
    };
    EXPECT_NE(message("--dport 80", "--sport 80").find("run `conntrack -D -p tcp --dport 80'"),
              std::string::npos);
    EXPECT_NE(message("-m multiport --dports 80,443", "-m multiport --sports 80,443")
                  .find("`for p in 80 443; do conntrack -D -p tcp --dport $p; done'"),
              std::string::npos);
    EXPECT_NE(message("--dport 8000:8010", "--sport 8000:8010").find("--dport PORT' for each"),
              std::string::npos);
    EXPECT_NE(message("! --dport 22", "! --sport 22").find("--dport PORT' for each"),
              std::string::npos);
}

TEST(Lint, WhatTheHostOpensItself) {
    auto host = [](const std::string& raw, const std::string& input) {
        return lint("*raw\n" + raw + "COMMIT\n" + filter + input + end, {"UT223"});
    };
    const std::string all =
        "-A PREROUTING -p tcp -j CT --notrack\n-A OUTPUT -p tcp -j CT --notrack\n";
    EXPECT_EQ(host(all, established + web + "-j ACCEPT\n"), "UT223:2 ");
    // Answers that pass all the same, or passed never.
    EXPECT_EQ(host(all, established + "-A INPUT -p tcp ! --syn -j ACCEPT\n"), "");
    EXPECT_EQ(host(all, established + "-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\n"), "");
    EXPECT_EQ(host(all, web + "-m conntrack --ctstate NEW -j ACCEPT\n"), "");
    EXPECT_EQ(
        host("-A PREROUTING -i lo -j CT --notrack\n-A OUTPUT -o lo -j CT --notrack\n", established),
        "");
    EXPECT_EQ(host("-A PREROUTING -p udp -j CT --notrack\n-A OUTPUT -p udp -j CT --notrack\n",
                   established),
              "UT223:2 ");
    EXPECT_EQ(host("-A PREROUTING -p icmp -j CT --notrack\n-A OUTPUT -p icmp -j CT --notrack\n",
                   established),
              "");
}

TEST(Lint, LimitsOfNftMeetEveryPacket) {
    auto found = [](const std::string& rules) {
        return test::lint_nft(
            "table inet bypass {\nchain p {\ntype filter hook prerouting priority raw;\ntcp dport "
            "80 notrack\n}\nchain o {\ntype filter hook output priority raw;\ntcp sport 80 "
            "notrack\n}\n}\ntable inet filter {\nchain input {\ntype filter hook input priority 0; "
            "policy drop;\nct state established,related accept\n" +
                rules + "}\n}\n",
            {"UT216"});
    };
    const std::string syn = "tcp flags & (fin|syn|rst|ack) == syn ";
    EXPECT_EQ(found("tcp dport 80 ct state untracked limit rate 20/second accept\n"), "UT216:15 ");
    EXPECT_EQ(found("tcp dport 80 ct state untracked limit rate over 3/minute drop\ntcp dport 80 "
                    "accept\n"),
              "UT216:15 ");
    // So many are packets; first packets alone.
    EXPECT_EQ(found("tcp dport 80 ct state untracked limit rate 2000/second accept\n"), "");
    EXPECT_EQ(
        found("tcp dport 80 " + syn + "ct state untracked limit rate 20/second accept\n" +
              "tcp dport 80 tcp flags & (fin|syn|rst|ack) != syn ct state untracked accept\n"),
        "");
}
