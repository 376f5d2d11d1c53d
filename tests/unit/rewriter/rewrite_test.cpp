// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/rewrite.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "model/iptables_values.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using rewriter::Status;
using test::Loaded;

namespace {

rewriter::Request request(const char* port, rewriter::Role role = rewriter::Role::server) {
    rewriter::Request r;
    r.services.push_back(rewriter::parse_service(port).value());
    r.role = role;
    return r;
}

const std::string web =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
    "ACCEPT\n"
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A INPUT -s 10.66.0.0/16 -j DROP\n-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j "
    "ACCEPT\nCOMMIT\n";

std::string first_code(const std::string& text, const rewriter::Request& r) {
    Loaded l(text);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, r);
    EXPECT_EQ(o.status, Status::refused);
    EXPECT_TRUE(o.edits.empty());
    return o.reasons.empty() ? "" : o.reasons.front().code;
}

}  // namespace

TEST(Rewrite, OnlyAddsLinesAndOnlyOnce) {
    Loaded l(web);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << (o.reasons.empty() ? "" : o.reasons.front().message);
    for (const TextEdit& e : o.edits) EXPECT_TRUE(e.range.empty());
    std::string after = apply_edits(l.file.text(), o.edits);
    EXPECT_NE(after.find(
                  "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
                  "-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n"),
              std::string::npos)
        << after;
    EXPECT_NE(after.find("COMMIT\n*raw\n"), std::string::npos);
    EXPECT_NE(after.find("-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack\n"),
              std::string::npos);
    EXPECT_NE(after.find("-A OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack\n"),
              std::string::npos);
    EXPECT_NE(after.find("-A OUTPUT -o lo -p tcp -m tcp --dport 80 -j CT --notrack\n"),
              std::string::npos);
    // Path-MTU errors are INVALID now, and the policy would drop them.
    EXPECT_NE(
        after.find("--icmp-type destination-unreachable -m conntrack --ctstate INVALID -j ACCEPT"),
        std::string::npos);
    Loaded again(after);
    EXPECT_EQ(rewriter::rewrite(again.tree, again.ruleset, request("80/tcp")).status,
              Status::unchanged);
}

TEST(Rewrite, AHostThatForwardsKeepsForwardedPacketsTracked) {
    std::string text = web;
    text.replace(text.find(":FORWARD DROP"), 13, ":FORWARD ACCEPT");
    Loaded l(text);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten);
    EXPECT_NE(apply_edits(l.file.text(), o.edits)
                  .find("--dport 80 -m addrtype --dst-type LOCAL -j CT --notrack"),
              std::string::npos);
}

TEST(Rewrite, ALimitOnNewConnectionsStaysOne) {
    std::string text = web;
    text.insert(text.find(" -j ACCEPT\nCOMMIT"), " -m limit --limit 9/s");
    Loaded l(text);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    std::string after = apply_edits(l.file.text(), o.edits);
    EXPECT_NE(after.find("-m tcp --tcp-flags SYN,ACK SYN -m tcp --dport 80 -m conntrack --ctstate "
                         "UNTRACKED -m limit --limit 9/s -j ACCEPT"),
              std::string::npos)
        << after;
    EXPECT_NE(after.find("-m tcp ! --tcp-flags SYN,ACK SYN -m tcp --dport 80 -m conntrack "
                         "--ctstate UNTRACKED -j ACCEPT"),
              std::string::npos)
        << after;
}

TEST(Rewrite, RefusesWhatWouldBreak) {
    EXPECT_EQ(
        first_code(
            "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n" + web,
            request("80/tcp")),
        "UT205");
    EXPECT_EQ(first_code(web, request("21/tcp")), "UT214");
    EXPECT_EQ(first_code("*mangle\n-A PREROUTING -j CONNMARK --restore-mark\nCOMMIT\n" + web,
                         request("80/tcp")),
              "UT215");
    EXPECT_EQ(first_code("*raw\n-A PREROUTING -j CT --zone 2\nCOMMIT\n" + web, request("80/tcp")),
              "UT209");
    EXPECT_EQ(first_code("*filter\n-A INPUT -p udp --dport 53 -m state --state NEW -m limit "
                         "--limit 9/s -j ACCEPT\nCOMMIT\n",
                         request("53/udp")),
              "UT216");
    EXPECT_EQ(first_code("*filter\n-A INPUT -m state --state NEW -j ACCEPT\n", request("80/tcp")),
              "UT510");
}

TEST(Rewrite, ErrorsOfARefusedHostStayRefused) {
    // The drop stands before every test of the state: what it takes must not pass as an INVALID
    // error.
    std::string text = web;
    text.insert(text.find("-A INPUT -m conntrack"), "-A INPUT -s 10.77.0.0/16 -j DROP\n");
    Loaded l(text);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    std::string after = apply_edits(l.file.text(), o.edits);
    EXPECT_LT(after.find("10.77.0.0/16"), after.find("--ctstate INVALID -j ACCEPT"));
}

TEST(Rewrite, NamesTheErrorsThatPassFromAnyone) {
    Loaded l(web);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten);
    ASSERT_EQ(o.residue.size(), 1U);
    ASSERT_TRUE(o.residue[0].witness);
    const packet::Packet& p = *o.residue[0].witness;
    EXPECT_EQ(p.state, packet::ConntrackState::invalid);
    EXPECT_EQ(p.protocol, packet::proto_icmp);
    EXPECT_EQ(p.icmp_type, 3);
    // Where they passed already there is nothing to name.
    std::string text = web;
    text.insert(text.find("-A INPUT -m conntrack"), "-A INPUT -p icmp -j ACCEPT\n");
    Loaded open(text);
    o = rewriter::rewrite(open.tree, open.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten);
    EXPECT_TRUE(o.residue.empty());
}

TEST(Rewrite, RefusesErrorAcceptsWiderThanTheRelatedOne) {
    // Errors passed on one interface only; an accept without it would open the others.
    EXPECT_EQ(
        first_code(
            "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -i eth0 -m conntrack "
            "--ctstate RELATED,ESTABLISHED -j ACCEPT\n"
            "-A INPUT -i eth0 -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n",
            request("80/tcp")),
        "UT203");
}

TEST(Rewrite, AConversionMadeByHandIsLeftAlone) {
    // Port 80 is accepted only untracked, as it is after a conversion that dropped the old rule.
    Loaded l(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n*raw\n"
        "-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack\n"
        "-A OUTPUT -p tcp -m tcp --sport 80 -j CT --notrack\n"
        "-A OUTPUT -o lo -p tcp -m tcp --dport 80 -j CT --notrack\nCOMMIT\n");
    EXPECT_EQ(rewriter::rewrite(l.tree, l.ruleset, request("80/tcp")).status, Status::unchanged);
}

TEST(Rewrite, WhatIsMissingOfAConversionIsAdded) {
    Loaded l(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n*raw\n"
        "-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack\nCOMMIT\n");
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    EXPECT_NE(apply_edits(l.file.text(), o.edits).find("-A OUTPUT -p tcp -m tcp --sport 80 -j CT"),
              std::string::npos);
}

TEST(Rewrite, UsesNoInterfaceThatAHookHasNot) {
    // The chain is reached from INPUT, too; what leaves by lan was never let in there.
    Loaded l(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n:zone - [0:0]\n"
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j zone\n"
        "-A FORWARD -j zone\n-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A zone -o lan -j ACCEPT\n-A zone -i lan -p tcp --dport 80 -j ACCEPT\nCOMMIT\n");
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    std::string after = apply_edits(l.file.text(), o.edits);
    EXPECT_EQ(after.find("OUTPUT -i lan"), std::string::npos) << after;
    EXPECT_NE(after.find("OUTPUT -o lan"), std::string::npos) << after;
}

TEST(Rewrite, TheServersOwnAddressIsNotForwardedTo) {
    Loaded l(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT\n"
        "-A FORWARD -i docker0 -j ACCEPT\n"
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n");
    rewriter::Request r = request("22/tcp");
    model::MaskedAddress own;
    ASSERT_EQ(model::parse_masked_address(model::Family::ip, "192.0.2.1", own),
              model::AddressParse::ok);
    r.address = own;
    r.address_text = "192.0.2.1";
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, r);
    EXPECT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
}

TEST(Rewrite, RefusesAServiceThatTranslationMakes) {
    const std::string filter =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A FORWARD -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
    const std::string dnat =
        "*nat\n-A PREROUTING -d 198.51.100.1 -p tcp --dport 8080 -j DNAT --to-destination "
        "192.168.1.10:80\nCOMMIT\n";
    EXPECT_EQ(first_code(dnat + filter, request("80/tcp", rewriter::Role::router)), "UT205");
    EXPECT_EQ(first_code("*nat\n-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports "
                         "80\nCOMMIT\n" +
                             filter,
                         request("80/tcp")),
              "UT205");
    // A client behind this host may have the service's port as its own.
    EXPECT_EQ(
        first_code("*nat\n-A POSTROUTING -s 10.0.0.0/8 -o eth1 -j MASQUERADE\nCOMMIT\n" + filter,
                   request("80/tcp")),
        "UT205");
}

TEST(Rewrite, NatThatGivesOtherPortsIsNoReason) {
    const std::string filter =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    for (const char* nat :
         {"-A POSTROUTING -o eth1 -p tcp -j MASQUERADE --to-ports 1024-65535",
          "-A POSTROUTING -o eth1 -p tcp -j SNAT --to-source 192.0.2.1:1024-65535",
          "-A POSTROUTING -o eth1 -p udp -j MASQUERADE",
          // Nobody is forwarded.
          "-A POSTROUTING -o eth1 -j SNAT --to-source 192.0.2.1",
          "-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 198.51.100.2",
          "-A PREROUTING -p tcp --dport 81 -j DNAT --to-destination 198.51.100.2:8000-8010"}) {
        Loaded l("*nat\n" + std::string(nat) + "\nCOMMIT\n" + filter);
        rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
        EXPECT_EQ(o.status, Status::rewritten)
            << nat << ": " << (o.reasons.empty() ? "" : o.reasons.front().message);
    }
    for (const char* nat :
         {"-A POSTROUTING -o eth1 -p tcp -j MASQUERADE --to-ports 79-81",
          "-A POSTROUTING -o eth1 -j SNAT --to-source 192.0.2.1",
          "-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 198.51.100.2:79-80",
          "-A PREROUTING -d 192.0.2.1 -p tcp -j DNAT --to-destination 198.51.100.2"})
        EXPECT_EQ(first_code("*nat\n" + std::string(nat) + "\nCOMMIT\n" +
                                 test::replaced(filter, "-A FORWARD",
                                                "-A FORWARD -i eth0 -j ACCEPT\n-A FORWARD"),
                             request("80/tcp")),
                  "UT205")
            << nat;
}

TEST(Rewrite, RefusesToLoseTheHostsOwnQuestions) {
    const std::string accept = " -p udp --dport 123 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
    const std::string rest =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A INPUT";
    EXPECT_EQ(first_code(rest + " -s 10.0.0.0/8" + accept, request("123/udp")), "UT226");
    // From anywhere, answers pass by the accept of questions.
    Loaded l(rest + accept);
    EXPECT_EQ(rewriter::rewrite(l.tree, l.ruleset, request("123/udp")).status, Status::rewritten);
}

TEST(Rewrite, RefusesAdmissionsThatRememberWho) {
    std::string text = web;
    text.insert(text.find(" -j ACCEPT\nCOMMIT"), " -m recent --rcheck --name KNOCK");
    EXPECT_EQ(first_code(text, request("80/tcp")), "UT216");
}

namespace {

/// The web host with other rules in place of its accept; `chains` declares theirs.
std::string web_with(const std::string& rules, const std::string& chains = "") {
    std::string text = web;
    std::size_t accept = text.find("-A INPUT -p tcp --dport 80");
    text.replace(accept, text.rfind("COMMIT") - accept, rules);
    text.insert(text.find("-A INPUT"), chains);
    return text;
}

const std::string set_and_update =
    "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -m recent --set\n"
    "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -m recent --update --seconds 30 "
    "--hitcount 6 ";

}  // namespace

TEST(Rewrite, ALimitByMemoryThatOnlyRefusesMeetsFirstPackets) {
    // As ufw writes `limit`: the chain logs and rejects, the accept comes after.
    std::string limit = "-A limit -m limit --limit 3/min -j LOG\n-A limit -j REJECT\n";
    for (const char* where : {"-j limit\n", "-g limit\n", "-j DROP\n"}) {
        Loaded l(web_with(set_and_update + where + limit + "-A INPUT -p tcp --dport 80 -j ACCEPT\n",
                          ":limit - [0:0]\n"));
        rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
        ASSERT_EQ(o.status, Status::rewritten) << where << o.reasons.front().message;
        EXPECT_TRUE(
            std::any_of(o.residue.begin(), o.residue.end(), [](const rewriter::Reason& open) {
                return open.message.find("counts again") != std::string::npos;
            }));
        std::string after = apply_edits(l.file.text(), o.edits);
        EXPECT_NE(after.find("--tcp-flags SYN,ACK SYN -m tcp --dport 80 -m conntrack --ctstate "
                             "UNTRACKED -m recent --update --seconds 30 --hitcount 6 " +
                             std::string(where)),
                  std::string::npos)
            << after;
        EXPECT_EQ(after.find("! --tcp-flags SYN,ACK SYN -m tcp --dport 80 -m conntrack --ctstate "
                             "UNTRACKED -m recent"),
                  std::string::npos)
            << after;
    }
}

TEST(Rewrite, RefusesWhatOnlyMemoryLetsIn) {
    const std::string accept = "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n";
    // The chain accepts whom the list knows.
    EXPECT_EQ(
        first_code(web_with(set_and_update + "-j known\n-A known -j ACCEPT\n", ":known - [0:0]\n"),
                   request("80/tcp")),
        "UT216");
    // Whom it does not know is dropped, or goes on to a drop.
    EXPECT_EQ(first_code(web_with("-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -m recent "
                                  "! --rcheck --name KNOCK -j DROP\n" +
                                  accept),
                         request("80/tcp")),
              "UT216");
    EXPECT_EQ(
        first_code(web_with("-A INPUT -p tcp --dport 80 -j knock\n" + accept +
                                "-A knock -m conntrack --ctstate NEW -m recent --rcheck --name "
                                "KNOCK -j RETURN\n-A knock -m conntrack --ctstate NEW -j DROP\n",
                            ":knock - [0:0]\n"),
                   request("80/tcp")),
        "UT216");
    // Of UDP no packet is the first.
    std::string udp = web_with(set_and_update + "-j DROP\n-A INPUT -p tcp --dport 80 -j ACCEPT\n");
    for (std::size_t at; (at = udp.find("-p tcp")) != std::string::npos;)
        udp.replace(at, 6, "-p udp");
    EXPECT_EQ(first_code(udp, request("80/udp")), "UT216");
}

TEST(Rewrite, LaterPacketsOfWhatALimitLetInPassWhereEstablishedOnesDid) {
    // A limit returns, what is over it is dropped as NEW: packets after the first never came there.
    Loaded l(
        "*filter\n:INPUT DROP\n:slow -\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j "
        "ACCEPT\n-A INPUT -p tcp --dport 80 -j slow\n-A INPUT -p tcp --dport 80 -m conntrack "
        "--ctstate NEW -j ACCEPT\n-A slow -m conntrack --ctstate NEW -m limit --limit 9/s -j "
        "RETURN\n-A slow -m conntrack --ctstate NEW -j DROP\nCOMMIT\n");
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    std::string after = apply_edits(l.file.text(), o.edits);
    std::size_t later =
        after.find("! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT");
    ASSERT_NE(later, std::string::npos) << after;
    EXPECT_LT(later, after.find("-A INPUT -p tcp --dport 80 -j slow")) << after;
}

TEST(Rewrite, ALimitThatSawEveryPacketStillDoes) {
    std::string text =
        "*filter\n:INPUT DROP\n-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED "
        "-m "
        "hashlimit --hashlimit-above 9/s --hashlimit-name x -j DROP\n-A INPUT -m conntrack "
        "--ctstate "
        "RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j "
        "ACCEPT\nCOMMIT\n";
    Loaded l(text);
    rewriter::Outcome o = rewriter::rewrite(l.tree, l.ruleset, request("80/tcp"));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    std::string after = apply_edits(l.file.text(), o.edits);
    // Beside the rule as it was: for the first packet, and for all others.
    std::size_t copies = 0;
    for (std::size_t at = 0;
         (at = after.find("--hashlimit-name x -j DROP", at)) != std::string::npos; ++at)
        ++copies;
    EXPECT_GE(copies, 3U) << after;
}

TEST(Rewrite, NatOfOthersIsNoReason) {
    Loaded l(
        "*nat\n-A PREROUTING -p tcp --dport 8080 -j REDIRECT "
        "--to-ports 8081\nCOMMIT\n" +
        web);
    EXPECT_EQ(rewriter::rewrite(l.tree, l.ruleset, request("80/tcp")).status, Status::rewritten);
}

TEST(Rewrite, ARouterUntracksBothDirectionsInPrerouting) {
    Loaded l(
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
        "-A FORWARD -d 198.51.100.2 -p tcp --dport 80 -m state --state NEW -j ACCEPT\nCOMMIT\n");
    rewriter::Outcome o =
        rewriter::rewrite(l.tree, l.ruleset, request("80/tcp", rewriter::Role::router));
    ASSERT_EQ(o.status, Status::rewritten) << o.reasons.front().message;
    std::string after = apply_edits(l.file.text(), o.edits);
    EXPECT_NE(after.find("-A PREROUTING -p tcp -m tcp --sport 80 -m addrtype ! --dst-type "
                         "LOCAL,BROADCAST,MULTICAST -j CT --notrack"),
              std::string::npos)
        << after;
    EXPECT_NE(after.find("-A FORWARD -d 198.51.100.2 -p tcp -m tcp --dport 80 -m conntrack "
                         "--ctstate UNTRACKED"),
              std::string::npos)
        << after;
}

TEST(Service, SaysWhatIsWrong) {
    EXPECT_TRUE(rewriter::parse_service("80,443,8000-8010/tcp"));
    EXPECT_TRUE(rewriter::parse_service("https/tcp"));
    for (const char* wrong : {"80", "80/icmp", "/tcp", "99999/tcp", "10-5/tcp", "0/tcp"})
        EXPECT_FALSE(rewriter::parse_service(wrong)) << wrong;
}
