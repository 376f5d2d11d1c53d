// SPDX-License-Identifier: GPL-2.0-or-later
// The rules about what untracked packets lack: an entry, RELATED errors, a way over lo.
#include <gtest/gtest.h>

#include "packet/words.hpp"
#include "tests/unit/analyzer/lint_text.hpp"

using namespace untrack;
using test::lint;
using test::Loaded;

namespace {

const std::string pair =
    "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
    "--notrack\nCOMMIT\n";
const std::string drop = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n";
const std::string open_service = "-A INPUT -p tcp --dport 80 -j ACCEPT\n";
const std::string end = "COMMIT\n";

/// The message and the witness of the only finding of a rule.
struct Said {
    std::string message;
    std::string witness;
};
Said said(const std::string& text, const std::string& code,
          model::Family family = model::Family::ip) {
    Loaded l(text, family);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    analyzer::Findings findings =
        analyzer::lint(file, analyzer::Selection::make({code}, {}).value());
    if (findings.list.size() != 1) return {};
    const analyzer::FindingDetails* details = findings.details_of(findings.list[0]);
    return {std::string(findings.list[0].message),
            details != nullptr && details->witness ? packet::to_words(*details->witness) : ""};
}
bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST(UntrackedLint, StatelessReplyFromAnywhere) {
    auto found = [](const std::string& rules) { return lint(drop + rules + end, {"UT204"}); };
    EXPECT_EQ(found("-A INPUT -p udp --sport 53 -j ACCEPT\n"), "UT204:4 ");
    EXPECT_EQ(found("-A FORWARD -p tcp --sport 80 -j ACCEPT\n"), "UT204:4 ");
    EXPECT_EQ(found("-A INPUT -p tcp -m multiport --sports 80,443 -j ACCEPT\n"), "UT204:4 ");
    for (const char* fine :
         {"-A INPUT -s 192.0.2.53 -p udp --sport 53 -j ACCEPT\n",
          "-A INPUT -p udp --sport 53 --dport 1024: -j ACCEPT\n",
          "-A INPUT -p tcp --sport 80 ! --syn -j ACCEPT\n",
          "-A INPUT -p udp --sport 53 -m state --state ESTABLISHED -j ACCEPT\n",
          "-A INPUT -i lo -p udp --sport 53 -j ACCEPT\n",
          "-A INPUT -m set --match-set dns src -p udp --sport 53 -j ACCEPT\n",
          "-A INPUT -p tcp --syn -j DROP\n-A INPUT -p tcp --sport 80 -j ACCEPT\n",
          "-A INPUT -d 224.0.0.251 -p udp --sport 5353 -j ACCEPT\n",
          "-A OUTPUT -p tcp --sport 80 -j ACCEPT\n"})
        EXPECT_EQ(found(fine), "") << fine;
    // Where everything passes there is no door to open.
    EXPECT_EQ(lint("*filter\n-A INPUT -p udp --sport 53 -j ACCEPT\nCOMMIT\n", {"UT204"}), "");
    // A tested state of untracked packets is none that protects.
    EXPECT_EQ(
        lint("*raw\n-A PREROUTING -p udp --sport 53 -j CT --notrack\nCOMMIT\n" + drop +
                 "-A INPUT -p udp --sport 53 -m conntrack --ctstate UNTRACKED -j ACCEPT\n" + end,
             {"UT204"}),
        "UT204:7 ");
}

TEST(UntrackedLint, LoopbackNotCovered) {
    const std::string lo = "-A INPUT -i lo -j ACCEPT\n";
    const std::string untracked =
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n";
    EXPECT_EQ(lint(pair + drop + lo + untracked + end, {"UT207"}), "UT207:3 ");
    EXPECT_TRUE(
        contains(said(pair + drop + lo + untracked + end, "UT207").message, "leaves an entry"));
    Said broken = said(
        pair + drop + lo + untracked + "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n" + end,
        "UT207");
    EXPECT_TRUE(contains(broken.message, "line 10 (-A OUTPUT -m conntrack"));
    EXPECT_TRUE(contains(broken.message, "`-A OUTPUT -o lo -p tcp --dport 80 -j CT --notrack'"))
        << broken.message;
    EXPECT_EQ(broken.witness, "tcp 192.0.2.1:40001 > 192.0.2.1:80 ack out lo invalid");

    const std::string covered =
        test::replaced(pair, "COMMIT", "-A OUTPUT -o lo -p tcp --dport 80 -j CT --notrack\nCOMMIT");
    EXPECT_EQ(lint(covered + drop + lo + untracked + end, {"UT207"}), "");
    // lo is no way to the service, or everything on it is out of tracking, or nothing is tracked.
    EXPECT_EQ(lint(pair + drop + "-A INPUT -i lo -j DROP\n" + untracked + end, {"UT207"}), "");
    EXPECT_EQ(lint("*raw\n-A OUTPUT -o lo -j CT --notrack\n" + pair.substr(5) + drop + lo +
                       untracked + end,
                   {"UT207"}),
              "");
    EXPECT_EQ(lint(pair + drop + lo + open_service + end, {"UT207"}), "");
    // A router's rules, answers to some networks, and one-sided ones, which are UT201's.
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A PREROUTING -p tcp "
                   "--sport 80 -j CT --notrack\nCOMMIT\n" +
                       drop + lo + untracked + end,
                   {"UT207"}),
              "");
    EXPECT_EQ(lint("*raw\n-A OUTPUT -p tcp --sport 80 -j CT --notrack\nCOMMIT\n" + drop + lo +
                       untracked + open_service + end,
                   {"UT207"}),
              "");
}

TEST(UntrackedLint, IcmpErrorsLost) {
    const std::string related = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
    EXPECT_EQ(lint(pair + drop + open_service + related + end, {"UT211"}), "UT211:2 ");
    Said lost = said(pair + drop + open_service + related + end, "UT211");
    EXPECT_EQ(lost.witness, "icmp 203.0.113.9 > 192.0.2.1 type 3/4 in eth0");
    EXPECT_TRUE(contains(lost.message, "RELATED by line 9 (")) << lost.message;
    for (const std::string& fine :
         {"-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n" + open_service + related,
          "-A INPUT -p icmp -j ACCEPT\n" + open_service + related,
          // They never passed.
          open_service + "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n",
          // There is no such service.
          related})
        EXPECT_EQ(lint(pair + drop + fine + end, {"UT211"}), "") << fine;
    // After the drop of INVALID is too late.
    EXPECT_EQ(lint(pair + drop + "-A INPUT -m conntrack --ctstate INVALID -j DROP\n" +
                       open_service + related + "-A INPUT -p icmp -j ACCEPT\n" + end,
                   {"UT211"}),
              "UT211:2 ");
    // The policy let them in.
    EXPECT_EQ(
        lint(pair + "*filter\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n" + end, {"UT211"}),
        "UT211:2 ");
    // One finding for each rule that let them in.
    EXPECT_EQ(lint("*raw\n-A PREROUTING -p tcp --dport 443 -j CT --notrack\n-A OUTPUT -p tcp "
                   "--sport 443 -j CT --notrack\n" +
                       pair.substr(5) + drop + open_service +
                       "-A INPUT -p tcp --dport 443 -j ACCEPT\n" + related + end,
                   {"UT211"}),
              "UT211:2 ");
    EXPECT_EQ(said(pair + drop + open_service + related + end, "UT211", model::Family::ip6).witness,
              "icmpv6 2001:db8:ffff::9 > 2001:db8:1::1 type 2/0 in eth0");
}

TEST(UntrackedLint, UntrackedDropKillsNeighbourDiscovery) {
    auto found = [](const std::string& rules, model::Family family = model::Family::ip6) {
        return lint("*filter\n" + rules + "COMMIT\n", {"UT212"}, family);
    };
    const std::string untracked = "-A INPUT -m conntrack --ctstate UNTRACKED -j DROP\n";
    EXPECT_EQ(found(untracked), "UT212:2 ");
    EXPECT_EQ(found(untracked, model::Family::ip), "");
    EXPECT_EQ(found("-A OUTPUT -m conntrack --ctstate UNTRACKED -j DROP\n"), "UT212:2 ");
    EXPECT_EQ(found(":bad - [0:0]\n-A INPUT -m state --state UNTRACKED -j bad\n-A bad -j LOG\n-A "
                    "bad -j DROP\n"),
              "UT212:3 ");
    EXPECT_EQ(found("-A INPUT -m conntrack ! --ctstate NEW,RELATED,ESTABLISHED -j DROP\n"),
              "UT212:2 ");
    for (const std::string& fine :
         {"-A INPUT -p ipv6-icmp -j ACCEPT\n" + untracked,
          // Types of which each is accepted, and what a packet does not tell.
          "-A INPUT -p ipv6-icmp --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT\n-A INPUT -p "
          "ipv6-icmp --icmpv6-type 136 -m hl --hl-eq 255 -j ACCEPT\n" +
              untracked,
          // A link without neighbours.
          std::string(
              "-A INPUT -i wg0 -m conntrack --ctstate UNTRACKED -j DROP\n-A INPUT -i eth0 -j "
              "ACCEPT\n"),
          std::string("-A INPUT -p tcp -m conntrack --ctstate UNTRACKED -j DROP\n"),
          std::string("-A INPUT -m conntrack --ctstate INVALID -j DROP\n"),
          std::string("-A FORWARD -m conntrack --ctstate UNTRACKED -j DROP\n")})
        EXPECT_EQ(found(fine), "") << fine;
}

TEST(UntrackedLint, ConntrackKeyOnUntracked) {
    const std::string limit =
        "-A INPUT -p tcp --syn --dport 80 -m connlimit --connlimit-above 20 -j DROP\n";
    EXPECT_EQ(lint(pair + drop + limit + open_service + end, {"UT215"}), "UT215:8 ");
    // Of new connections only: it limited, and never does now.
    EXPECT_EQ(lint(pair + drop +
                       "-A INPUT -p tcp --dport 80 -m state --state NEW -m connlimit "
                       "--connlimit-above 20 -j DROP\n" +
                       open_service + end,
                   {"UT215"}),
              "UT215:8 ");
    EXPECT_EQ(
        lint(pair + drop + "-A INPUT -p tcp -m connmark --mark 1 -j ACCEPT\n" + end, {"UT215"}),
        "UT215:8 ");
    EXPECT_TRUE(contains(
        said(pair + drop + "-A INPUT -m helper ! --helper ftp -j ACCEPT\n" + end, "UT215").message,
        "always matches"));
    // Accepted for clients of one network only.
    EXPECT_EQ(
        lint(pair + drop + limit + "-A INPUT -s 10.0.0.0/8 -p tcp --dport 80 -j ACCEPT\n" + end,
             {"UT215"}),
        "UT215:8 ");
    for (const std::string& fine :
         {// Another service's, after the accept, and of no account.
          "-A INPUT -p tcp --dport 22 -m connlimit --connlimit-above 20 -j DROP\n" + open_service,
          open_service + limit, "-A INPUT -p tcp -m connmark --mark 1 -j ACCEPT\n" + open_service,
          limit,
          "-A INPUT -m helper --helper ftp -m state --state RELATED -j ACCEPT\n" + open_service})
        EXPECT_EQ(lint(pair + drop + fine + end, {"UT215"}), "") << fine;
    EXPECT_EQ(lint(drop + limit + open_service + end, {"UT215"}), "");
}
