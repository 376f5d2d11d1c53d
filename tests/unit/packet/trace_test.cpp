// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/trace.hpp"

#include <gtest/gtest.h>

#include "packet/words.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using packet::Truth;
using packet::Verdict;
using test::Loaded;

namespace {

packet::Trace run(const Loaded& l, const char* words) {
    const model::Ruleset* host[] = {&l.ruleset};
    auto p = packet::parse_packet(words);
    EXPECT_TRUE(p) << p.error();
    return packet::Tracer(host).trace(*p);
}

constexpr const char* server =
    "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
    "--notrack\nCOMMIT\n"
    "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j "
    "DROP\n"
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp --dport 22 -m "
    "state --state NEW -j ACCEPT\n"
    "-A INPUT -p tcp --dport 80 -m state --state UNTRACKED -j ACCEPT\nCOMMIT\n";

}  // namespace

TEST(Trace, AnUntrackedPacketIsNothingElse) {
    Loaded l(server);
    packet::Trace web = run(l, "tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0");
    EXPECT_EQ(web.verdict, Verdict::accept);
    EXPECT_EQ(web.untracked, Truth::yes);
    packet::Trace ssh = run(l, "tcp 203.0.113.9:40000 > 192.0.2.1:22 syn in eth0");
    EXPECT_EQ(ssh.verdict, Verdict::accept);
    EXPECT_EQ(ssh.untracked, Truth::no);
    EXPECT_EQ(run(l, "tcp 203.0.113.9:40000 > 192.0.2.1:23 syn in eth0").verdict, Verdict::drop);
    EXPECT_EQ(run(l, "tcp 203.0.113.9:40000 > 192.0.2.1:23 ack in eth0 established").verdict,
              Verdict::accept);
}

TEST(Trace, OverLoTheFirstHookDecides) {
    // Measured: a NOTRACK in PREROUTING comes too late for what this host sends itself.
    Loaded l(server);
    EXPECT_EQ(run(l, "tcp 127.0.0.1:40000 > 127.0.0.1:80 syn out lo").untracked, Truth::no);
}

TEST(Trace, TheFirstCtTargetWins) {
    Loaded zone_first(
        "*raw\n-A PREROUTING -j CT --zone 3\n-A PREROUTING -j CT --notrack\nCOMMIT\n");
    Loaded notrack_first(
        "*raw\n-A PREROUTING -j CT --notrack\n-A PREROUTING -j CT --zone 3\nCOMMIT\n");
    EXPECT_EQ(run(zone_first, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0").untracked, Truth::no);
    EXPECT_EQ(run(notrack_first, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0").untracked,
              Truth::yes);
}

TEST(Trace, WhatMatchesAnUntrackedPacket) {
    struct Row {
        const char* match;
        Truth matched;
    };
    // Measured in INPUT on Linux 6.18.
    const Row rows[] = {
        {"-m state ! --state ESTABLISHED", Truth::yes},
        {"-m state ! --state INVALID", Truth::yes},
        {"-m state --state INVALID", Truth::no},
        {"-m conntrack --ctstate UNTRACKED --ctproto udp", Truth::yes},
        {"-m conntrack --ctproto tcp", Truth::no},
        {"-m conntrack ! --ctproto udp", Truth::no},
        {"-m connmark ! --mark 0", Truth::no},
        {"-m helper ! --helper ftp", Truth::yes},
        {"-m helper --helper ftp", Truth::no},
    };
    for (const Row& row : rows) {
        Loaded l(std::string("*filter\n-A INPUT ") + row.match + " -j DROP\nCOMMIT\n");
        packet::Trace t = run(l, "tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0 untracked");
        EXPECT_EQ(t.verdict, row.matched == Truth::yes ? Verdict::drop : Verdict::accept)
            << row.match;
    }
}

TEST(Trace, UnknownOnlyWhereTheVerdictHangsOnIt) {
    Loaded hangs("*filter\n:INPUT DROP [0:0]\n-A INPUT -m limit --limit 1/s -j ACCEPT\nCOMMIT\n");
    packet::Trace t = run(hangs, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0");
    EXPECT_EQ(t.verdict, Verdict::unknown);
    EXPECT_EQ(t.unknown_on, std::vector<std::string>{"limit --limit 1/s"});
    Loaded does_not(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m limit --limit 1/s -j LOG\n-A INPUT -m set "
        "--match-set x src -j DROP\nCOMMIT\n");
    EXPECT_EQ(run(does_not, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0").verdict, Verdict::drop);
    Loaded complement(
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set x src -j ACCEPT\n-A INPUT -m set "
        "! --match-set x src -j ACCEPT\nCOMMIT\n");
    EXPECT_EQ(run(complement, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0").verdict,
              Verdict::accept);
}

TEST(Trace, GotoReturnsToTheCallersCaller) {
    Loaded l(
        "*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -g a\n-A INPUT -j ACCEPT\n-A "
        "a -j b\n-A b -j RETURN\nCOMMIT\n");
    EXPECT_EQ(run(l, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0").verdict, Verdict::drop);
}

TEST(Trace, MarksAreFollowed) {
    Loaded l(
        "*mangle\n-A PREROUTING -p udp -j MARK --set-xmark 0x10/0xff\nCOMMIT\n*filter\n-A INPUT -m "
        "mark --mark 0x10/0xf0 -j DROP\nCOMMIT\n");
    EXPECT_EQ(run(l, "udp 203.0.113.9:5000 > 192.0.2.1:53 in eth0").verdict, Verdict::drop);
    EXPECT_EQ(run(l, "tcp 203.0.113.9:5000 > 192.0.2.1:53 syn in eth0").verdict, Verdict::accept);
}

TEST(Trace, TablesThatDecideNothingMayBeLeftOut) {
    // The second reads the mark, so there mangle must be followed.
    for (const char* filter :
         {"-A INPUT -p tcp --dport 22 -j ACCEPT\n", "-A INPUT -m mark --mark 7 -j ACCEPT\n"}) {
        Loaded l(std::string("*mangle\n-A PREROUTING -p tcp --dport 22 -j MARK --set-mark 7\n"
                             "COMMIT\n*filter\n:INPUT DROP [0:0]\n") +
                 filter + "COMMIT\n");
        const model::Ruleset* host[] = {&l.ruleset};
        packet::Tracer tracer(host);
        for (const char* words : {"tcp 203.0.113.9:5000 > 192.0.2.1:22 syn in eth0",
                                  "tcp 203.0.113.9:5000 > 192.0.2.1:23 syn in eth0"}) {
            packet::Packet p = packet::parse_packet(words).value();
            EXPECT_EQ(tracer.trace(p, false).verdict, tracer.trace(p, true).verdict) << words;
        }
        EXPECT_EQ(
            tracer
                .trace(
                    packet::parse_packet("tcp 203.0.113.9:5000 > 192.0.2.1:22 syn in eth0").value(),
                    false)
                .verdict,
            Verdict::accept);
    }
}

TEST(Trace, ARedirectChangesTheWayOfAForwardedPacket) {
    Loaded l("*nat\n-A PREROUTING -p tcp -j REDIRECT --to-ports 8080\nCOMMIT\n");
    EXPECT_EQ(run(l, "tcp 203.0.113.9:40000 > 198.51.100.2:80 syn in eth0 out eth1").verdict,
              Verdict::unknown);
    EXPECT_EQ(run(l, "tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0").verdict, Verdict::accept);
    Loaded six(
        "*nat\n-A PREROUTING -p tcp -j REDIRECT --to-ports 8080\n-A OUTPUT -p tcp -j "
        "REDIRECT\nCOMMIT\n",
        model::Family::ip6);
    EXPECT_EQ(run(six, "tcp [2001:db8::9]:40000 > [2001:db8:1::1]:80 syn in eth0").verdict,
              Verdict::unknown);
    EXPECT_EQ(run(six, "tcp [2001:db8:1::1]:40000 > [2001:db8::9]:80 syn out eth0").verdict,
              Verdict::accept);
}

TEST(PacketWords, ComeBackAsTheyWere) {
    for (const char* words :
         {"tcp 203.0.113.9:40000 > 192.0.2.1:80 syn ack in eth0 out eth1 mark 0x10 established",
          "icmpv6 2001:db8::1 > 2001:db8::2 type 128/0 out lo",
          "udp [2001:db8::1]:53 > [2001:db8::2]:40000 in eth0 untracked"}) {
        auto p = packet::parse_packet(words);
        ASSERT_TRUE(p) << p.error();
        EXPECT_EQ(packet::to_words(*p), words);
    }
    EXPECT_EQ(packet::parse_packet("tcp 192.0.2.1:80 > 192.0.2.2:x syn").error(),
              "expected a destination address such as 192.0.2.1:80, not `192.0.2.2:x'");
}
