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

TEST(BypassLint, RedundantNotrack) {
    auto found = [](const std::string& rules) { return lint(raw(rules), {"UT219"}); };
    const std::string web = "-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack\n";
    for (const char* again :
         {"-A PREROUTING -p tcp --dport 80 -j CT --notrack\n",
          "-A PREROUTING -p tcp --dport 443 -j NOTRACK\n",
          "-A PREROUTING -s 10.0.0.0/8 -i eth0 -p tcp --dport 80 -j CT --notrack\n",
          "-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack\n",
          "-A PREROUTING -p tcp --syn --dport 80 -m set --match-set x src -j CT --notrack\n"})
        EXPECT_EQ(found(web + again), "UT219:3 ") << again;
    for (const char* other : {"-A PREROUTING -p tcp --dport 80:81 -j CT --notrack\n",
                              "-A PREROUTING -p udp --dport 80 -j CT --notrack\n",
                              "-A PREROUTING -p tcp --sport 80 -j CT --notrack\n",
                              "-A PREROUTING -p tcp ! --dport 80 -j CT --notrack\n",
                              "-A OUTPUT -p tcp --dport 80 -j CT --notrack\n",
                              "-A PREROUTING -p tcp -j CT --notrack\n"})
        EXPECT_EQ(found(web + other), "") << other;
    // What only some packets satisfied, and what a mark was then, covers nothing.
    const std::string narrow = "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n";
    EXPECT_EQ(
        found("-A PREROUTING -p tcp --dport 80 -m limit --limit 1/s -j CT --notrack\n" + narrow),
        "");
    EXPECT_EQ(found("-A PREROUTING -m mark --mark 1 -j CT --notrack\n-A PREROUTING -j MARK "
                    "--set-mark 1\n-A PREROUTING -m mark --mark 1 -j CT --notrack\n"),
              "");
    EXPECT_EQ(found("-A PREROUTING -s 10.0.0.0/8 -j CT --notrack\n-A PREROUTING -s 10.1.0.0/16 "
                    "-j CT --notrack\n-A PREROUTING -s 11.0.0.0/8 -j CT --notrack\n"),
              "UT219:3 ");
}

TEST(BypassLint, RedundantNotrackInChains) {
    const std::string narrow = "-A own -p tcp --dport 80 -j CT --notrack\n";
    const std::string wide = "-A PREROUTING -p tcp -j CT --notrack\n";
    auto found = [](const std::string& rules) {
        return lint(raw(":own - [0:0]\n" + rules), {"UT219"});
    };
    EXPECT_EQ(found(wide + "-A PREROUTING -j own\n" + narrow), "UT219:5 ");
    EXPECT_EQ(found("-A PREROUTING -j own\n" + wide + narrow), "");
    // From OUTPUT packets come that the rule in PREROUTING has not taken.
    EXPECT_EQ(found(wide + "-A PREROUTING -j own\n-A OUTPUT -j own\n" + narrow), "");
    EXPECT_EQ(found(wide + "-A PREROUTING -p tcp --dport 80 -j own\n-A own -j CT --notrack\n"),
              "UT219:5 ");
}

TEST(BypassLint, RedundantNotrackInNft) {
    EXPECT_EQ(lint_nft(nft_raw("tcp dport { 80, 443 } notrack\ntcp dport 80 notrack\n"), {"UT219"}),
              "UT219:5 ");
    // It marks, too; it takes IPv6, too; it is tracked again between.
    EXPECT_EQ(lint_nft(nft_raw("tcp dport 80 notrack\ntcp dport 80 meta mark set 1 notrack\n"),
                       {"UT219"}),
              "");
    EXPECT_EQ(lint_nft(nft_raw("ip saddr 0.0.0.0/0 tcp dport 80 notrack\ntcp dport 80 notrack\n"),
                       {"UT219"}),
              "");
    EXPECT_EQ(
        lint_nft(nft_raw("tcp dport 80 notrack\nct zone set 1\ntcp dport 80 notrack\n"), {"UT219"}),
        "");
}

TEST(BypassLint, RedundantNotrackIsSafelyRemoved) {
    test::Loaded l(raw("-A PREROUTING -p tcp -j CT --notrack\n-A PREROUTING -p tcp --dport 80 -j "
                       "CT --notrack\n") +
                   drop + established + end);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    analyzer::Findings findings =
        analyzer::lint(file, analyzer::Selection::make({"UT219"}, {}).value());
    ASSERT_EQ(findings.list.size(), 1U);
    const analyzer::FindingDetails* details = findings.details_of(findings.list[0]);
    ASSERT_TRUE(details != nullptr && details->fixes.size() == 1 && details->witness);
    EXPECT_EQ(details->fixes[0].applicability, analyzer::Applicability::safe);
}

TEST(BypassLint, ServicePortInEphemeralRange) {
    auto found = [](const std::string& ports, const std::string& accepts) {
        return lint("*raw\n-A PREROUTING -p tcp --dport " + ports +
                        " -j CT --notrack\n-A OUTPUT -p tcp --sport " + ports +
                        " -j CT --notrack\nCOMMIT\n" + drop + established + accepts + end,
                    {"UT226"});
    };
    auto accept = [](const std::string& ports) {
        return "-A INPUT -p tcp --dport " + ports + " -j ACCEPT\n";
    };
    const std::string some = "-A INPUT -s 10.0.0.0/8 -p tcp --dport 40000 -j ACCEPT\n";
    EXPECT_EQ(found("40000", some), "UT226:2 ");
    EXPECT_EQ(found("40000:40100", accept("40000:40100")), "UT226:2 ");
    EXPECT_EQ(found("1024:65535", accept("1024:65535")), "UT226:2 ");
    // The kernel does not pick a port on which somebody listens.
    EXPECT_EQ(found("40000", accept("40000")), "");
    EXPECT_EQ(found("40000:40010", accept("40000:40010")), "");
    EXPECT_EQ(found("8000:9000", accept("8000:9000")), "");
    EXPECT_EQ(found("61000:65535", some), "");
    // Nothing is let out, or in again, anyway.
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 40000:41000 -j CT --notrack\nCOMMIT\n" +
                       drop + accept("40000:41000") + end,
                   {"UT226"}),
              "");
}

TEST(BypassLint, ClientsOfARouterPickAnyPort) {
    auto found = [](const std::string& destination) {
        return lint(
            "*raw\n-A PREROUTING " + destination +
                "-p tcp --dport 50000 -j CT --notrack\n-A PREROUTING -p tcp --sport 50000 "
                "-j CT --notrack\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m "
                "conntrack --ctstate ESTABLISHED -j ACCEPT\n-A FORWARD -i lan0 -m conntrack "
                "--ctstate NEW -j ACCEPT\n-A FORWARD -d 192.0.2.8 -p tcp --dport 50000 -m "
                "conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n",
            {"UT226"});
    };
    EXPECT_EQ(found(""), "UT226:2 ");
    EXPECT_EQ(found("-d 192.0.2.8 "), "");
}

TEST(BypassLint, RejectAnswersInvalid) {
    auto found = [](const std::string& input, const std::string& output) {
        return lint(pair + drop + ":OUTPUT ACCEPT [0:0]\n" + input + output + end, {"UT225"});
    };
    const std::string reset = "-A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset\n";
    const std::string error = "-A INPUT -p tcp --dport 80 -j REJECT\n";
    const std::string invalid = "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n";
    EXPECT_EQ(found(reset, invalid), "UT225:9 ");
    EXPECT_EQ(found(error, invalid), "UT225:9 ");
    EXPECT_EQ(found("-A INPUT -j REJECT\n", invalid), "UT225:9 ");
    EXPECT_EQ(found("-A INPUT -p udp -j REJECT\n", invalid), "");
    EXPECT_EQ(found("-A INPUT -p tcp --dport 80 -j DROP\n", invalid), "");
    EXPECT_EQ(found("-A INPUT -p tcp -j ACCEPT\n" + reset, invalid), "");
    EXPECT_EQ(found(reset, "-A OUTPUT -m conntrack --ctstate INVALID -j LOG\n"), "");
    EXPECT_EQ(found(reset, "-A OUTPUT -p tcp --tcp-flags RST RST -j ACCEPT\n" + invalid), "");
    // Of the error it would be the other way round.
    EXPECT_EQ(found(error, "-A OUTPUT -p tcp --tcp-flags RST RST -j ACCEPT\n" + invalid),
              "UT225:9 ");
}

TEST(BypassLint, RejectAnswersInvalidInNft) {
    auto found = [](const std::string& reject, const std::string& output) {
        return lint_nft(
            "table ip t {\nchain p {\ntype filter hook prerouting priority raw;\n"
            "tcp dport 80 notrack\n}\nchain o {\ntype filter hook output priority "
            "raw;\n" +
                output + "}\nchain i {\ntype filter hook input priority 0; policy drop;\n" +
                reject +
                "}\nchain out {\ntype filter hook output priority 0;\nct state invalid "
                "drop\n}\n}\n",
            {"UT225"});
    };
    EXPECT_EQ(found("tcp dport 80 reject\n", "tcp sport 80 notrack\n"), "UT225:12 ");
    EXPECT_EQ(found("tcp dport 80 reject with tcp reset\n", ""), "UT225:11 ");
    // nft's own reset meets NOTRACK like any other packet.
    EXPECT_EQ(found("tcp dport 80 reject with tcp reset\n", "tcp sport 80 notrack\n"), "");
}

TEST(BypassLint, NotrackFirstPacketOnly) {
    auto found = [](const std::string& rules, const std::string& filter) {
        return lint(raw(rules) + drop + established + filter + end, {"UT210"});
    };
    const std::string accept = "-A INPUT -p tcp --dport 80 -j ACCEPT\n";
    const std::string syn = "-A PREROUTING -p tcp --dport 80 --syn -j CT --notrack\n";
    EXPECT_EQ(found(syn, accept), "UT210:2 ");
    EXPECT_EQ(
        found("-A PREROUTING -p tcp --tcp-flags SYN SYN --dport 80 -j CT --notrack\n", accept),
        "UT210:2 ");
    EXPECT_EQ(found(":web - [0:0]\n-A PREROUTING -p tcp --syn -j web\n-A web -p tcp --dport 80 -j "
                    "CT --notrack\n",
                    accept),
              "UT210:4 ");
    // Another rule takes the rest; the rest alone; all of it.
    EXPECT_EQ(found(syn + "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n", accept), "");
    EXPECT_EQ(found("-A PREROUTING -p tcp --dport 80 ! --syn -j CT --notrack\n", accept), "");
    EXPECT_EQ(found("-A PREROUTING -p tcp --dport 80 -j CT --notrack\n", accept), "");
    // SYNPROXY, here or in another file of the host.
    EXPECT_EQ(found(syn,
                    "-A INPUT -p tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j "
                    "SYNPROXY --mss 1460\n" +
                        accept),
              "");
    EXPECT_EQ(lint(raw(syn), {"UT210"}), "");
}

TEST(BypassLint, NotrackFirstPacketOnlyInNft) {
    const std::string filter =
        "table inet t {\nchain i {\ntype filter hook input priority 0; policy drop;\nct state "
        "established accept\n";
    EXPECT_EQ(lint_nft(nft_raw("tcp dport 80 tcp flags & (fin|syn|rst|ack) == syn notrack\n") +
                           filter + "tcp dport 80 accept\n}\n}\n",
                       {"UT210"}),
              "UT210:4 ");
    EXPECT_EQ(lint_nft(nft_raw("tcp dport 80 tcp flags syn notrack\n") + filter +
                           "ct state invalid,untracked synproxy mss 1460 wscale 7\n}\n}\n",
                       {"UT210"}),
              "");
}

TEST(BypassLint, NotrackHelperPort) {
    auto found = [](const std::string& protocol, const std::string& port,
                    const std::string& accepts) {
        return lint("*raw\n-A PREROUTING -p " + protocol + " --dport " + port +
                        " -j CT --notrack\n-A OUTPUT -p " + protocol + " --sport " + port +
                        " -j CT --notrack\nCOMMIT\n" + drop + accepts + "-A INPUT -p " + protocol +
                        " --dport " + port + " -j ACCEPT\nCOMMIT\n",
                    {"UT214"});
    };
    EXPECT_EQ(found("tcp", "21", established), "UT214:2 ");
    EXPECT_EQ(found("udp", "5060", established), "UT214:2 ");
    EXPECT_EQ(found("tcp", "1723", established), "UT214:2 ");
    EXPECT_EQ(
        found("tcp", "21",
              "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A INPUT -p tcp --dport "
              "1024: -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT\n"),
        "UT214:2 ");
    EXPECT_EQ(found("tcp", "80", established), "");
    // A server told which ports to use, or from which everything is let in.
    EXPECT_EQ(found("tcp", "21", established + "-A INPUT -p tcp --dport 30000:30009 -j ACCEPT\n"),
              "");
    EXPECT_EQ(found("tcp", "21", established + "-A INPUT -p tcp -j ACCEPT\n"), "");
    EXPECT_EQ(found("tcp", "21", "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"), "");
    // tftp's server opens the data connection itself.
    EXPECT_EQ(found("udp", "69", established), "");
    // Its client is answered from another port.
    EXPECT_EQ(lint("*raw\n-A OUTPUT -p udp --dport 69 -j CT --notrack\nCOMMIT\n" + drop +
                       established + end,
                   {"UT214"}),
              "UT214:2 ");
}

TEST(BypassLint, NatChainNotTraversed) {
    auto found = [](const std::string& nat, const std::string& rest) {
        return lint("*nat\n" + nat + end + rest, {"UT228"});
    };
    const std::string masquerade = "-A POSTROUTING -o ppp0 -j MASQUERADE\n";
    const std::string log = "-A PREROUTING -p tcp --dport 80 -j LOG\n";
    EXPECT_EQ(found(log + masquerade, pair), "UT228:2 ");
    EXPECT_EQ(found("-A PREROUTING -j MARK --set-mark 1\n" + masquerade, pair), "UT228:2 ");
    EXPECT_EQ(found("-A PREROUTING -p tcp --dport 81 -j LOG\n" + masquerade, pair), "");
    EXPECT_EQ(found("-A PREROUTING -p tcp --dport 80 -j ACCEPT\n" + masquerade, pair), "");
    EXPECT_EQ(found(log + masquerade, drop + established + end), "");
    // Nothing tracks; but in half a file who knows.
    const std::string stateless = drop + "-A INPUT -p tcp --dport 80 -j ACCEPT\nCOMMIT\n";
    EXPECT_EQ(found(log, stateless), "UT228:2 ");
    EXPECT_EQ(found(log, drop + established + end), "");
    EXPECT_EQ(found(log, ""), "");
    EXPECT_EQ(
        found(":KUBE-MARK-MASQ - [0:0]\n-A PREROUTING -j KUBE-MARK-MASQ\n-A KUBE-MARK-MASQ -j "
              "MARK --or-mark 0x4000\n" +
                  masquerade,
              pair),
        "");
}

TEST(BypassLint, ForeignOwnedChain) {
    auto found = [](const std::string& chain, const std::string& rule) {
        return lint("*filter\n:INPUT DROP [0:0]\n:" + chain + " - [0:0]\n-A INPUT -j " + chain +
                        "\n-A " + chain + " " + rule + "\nCOMMIT\n",
                    {"UT224"});
    };
    const std::string untracked = "-p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT";
    for (const char* owned : {"DOCKER", "DOCKER-ISOLATION-STAGE-1", "KUBE-FORWARD", "f2b-sshd",
                              "IN_public_allow", "LIBVIRT_INP", "ufw-user-input"})
        EXPECT_EQ(found(owned, untracked), "UT224:5 ") << owned;
    for (const char* free : {"DOCKER-USER", "IN_web", "IN_public_direct", "ufw-before-input",
                             "CILIUM_INPUT", "cali-INPUT", "mine"})
        EXPECT_EQ(found(free, untracked), "") << free;
    // What programs write themselves.
    EXPECT_EQ(found("IN_public_allow",
                    "-p tcp --dport 22 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"),
              "");
    EXPECT_EQ(found("DOCKER", "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"), "");
    EXPECT_EQ(lint_nft("table inet firewalld {\nchain raw_PREROUTING {\ntype filter hook "
                       "prerouting priority -290;\ntcp dport 80 notrack\n}\n}\n",
                       {"UT224"}),
              "UT224:4 ");
    EXPECT_EQ(lint_nft(nft_raw("tcp dport 80 notrack\n"), {"UT224"}), "");
}
