// SPDX-License-Identifier: GPL-2.0-or-later
// The same said in iptables and in nftables is the same, and what is not the same is told apart.
#include <gtest/gtest.h>

#include "packet/compare.hpp"
#include "packet/words.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using model::Family;

namespace {

packet::Comparison compare(Family family, const model::Ruleset& a, const model::Ruleset& b) {
    const model::Ruleset* before[] = {&a};
    const model::Ruleset* after[] = {&b};
    return packet::compare(family, before, after, {});
}

std::string said(const packet::Comparison& c) {
    std::string out;
    for (const auto& d : c.differences)
        out += std::string(packet::name(d.kind)) + " " + packet::to_words(d.witness) + "\n";
    for (const std::string& u : c.undecided) out += u + "\n";
    return out;
}

/// "INPUT ..." is a rule of a chain that drops what no rule accepts.
std::string iptables_file(std::string_view rule) {
    return "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A " +
           std::string(rule) + "\nCOMMIT\n";
}
std::string nft_file(std::string_view hook, std::string_view rules) {
    std::string out =
        "table inet filter {\n set addresses { type ipv4_addr; flags interval; "
        "elements = { 192.0.2.0/24, 198.51.100.7 } }\n";
    for (std::string_view name : {"input", "forward", "output"})
        out += " chain " + std::string(name) + " { type filter hook " + std::string(name) +
               " priority filter; policy drop;\n" + (name == hook ? std::string(rules) : "") +
               "\n }\n";
    return out + " chain sub { accept; }\n}\n";
}

struct Pair {
    const char* iptables;  ///< "INPUT ..."
    const char* nft;       ///< in chain input, forward or output, as the other says
    Family family = Family::ip;
};

const Pair same[] = {
    {"INPUT -j ACCEPT", "accept"},
    {"INPUT -p tcp -j ACCEPT", "meta l4proto tcp accept"},
    {"INPUT -p tcp -j ACCEPT", "ip protocol 6 accept"},
    {"INPUT ! -p udp -j ACCEPT", "meta l4proto != 17 accept"},
    {"INPUT -s 192.0.2.0/24 -j ACCEPT", "ip saddr 192.0.2.0/24 accept"},
    {"INPUT ! -d 192.0.2.1 -j ACCEPT", "ip daddr != 192.0.2.1 accept"},
    {"INPUT -m iprange --src-range 192.0.2.4-192.0.2.9 -j ACCEPT",
     "ip saddr 192.0.2.4-192.0.2.9 accept"},
    {"INPUT -m iprange ! --dst-range 192.0.2.4-192.0.2.9 -j ACCEPT",
     "ip daddr != 192.0.2.4-192.0.2.9 accept"},
    {"INPUT -s 192.0.2.0/24,198.51.100.7 -j ACCEPT", "ip saddr @addresses accept"},
    {"INPUT -s 192.0.2.0/24,198.51.100.7 -j ACCEPT",
     "ip saddr { 192.0.2.0/24, 198.51.100.7 } accept"},
    {"INPUT -s 2001:db8::/32 -j ACCEPT", "ip6 saddr 2001:db8::/32 accept", Family::ip6},
    {"INPUT -j ACCEPT", "meta nfproto ipv6 accept", Family::ip6},
    {"INPUT -p tcp --dport 22 -j ACCEPT", "tcp dport ssh accept"},
    {"INPUT -p tcp --dport 1000:2000 -j ACCEPT", "tcp dport 1000-2000 accept"},
    {"INPUT -p tcp ! --sport 80 -j ACCEPT", "tcp sport != 80 accept"},
    {"INPUT -p tcp -m multiport --dports 22,80,1000:2000 -j ACCEPT",
     "tcp dport { 22, 80, 1000-2000 } accept"},
    {"INPUT -p udp -m multiport ! --dports 53,123 -j ACCEPT", "udp dport != { 53, 123 } accept"},
    {"INPUT -p tcp --dport 1024: -j ACCEPT", "tcp dport >= 1024 accept"},
    {"INPUT -p tcp --dport 1024: -j ACCEPT", "tcp dport > 1023 accept"},
    {"INPUT -p tcp --dport 80 -j ACCEPT", "meta l4proto tcp th dport 80 accept"},
    {"INPUT -p tcp --syn -j ACCEPT", "tcp flags & (fin | syn | rst | ack) == syn accept"},
    {"INPUT -p tcp --syn -j ACCEPT", "tcp flags syn / fin,syn,rst,ack accept"},
    {"INPUT -p tcp ! --syn -j ACCEPT", "tcp flags & (fin | syn | rst | ack) != syn accept"},
    {"INPUT -p tcp --tcp-flags ALL NONE -j ACCEPT",
     "tcp flags & (fin | syn | rst | psh | ack | urg) == 0 accept"},
    {"INPUT -p icmp --icmp-type echo-request -j ACCEPT", "icmp type echo-request accept"},
    {"INPUT -p icmp --icmp-type 3 -j ACCEPT", "icmp type destination-unreachable accept"},
    {"INPUT -p icmpv6 --icmpv6-type 135 -j ACCEPT", "icmpv6 type nd-neighbor-solicit accept",
     Family::ip6},
    {"INPUT -i lo -j ACCEPT", "iif lo accept"},
    {"INPUT -i eth+ -j ACCEPT", "iifname \"eth*\" accept"},
    {"INPUT ! -i eth0 -j ACCEPT", "iifname != \"eth0\" accept"},
    {"OUTPUT -o eth0 -j ACCEPT", "oifname eth0 accept"},
    {"FORWARD -i eth0 -o eth1 -j ACCEPT", "iifname eth0 oifname eth1 accept"},
    {"FORWARD -i eth0 -o eth1 -j ACCEPT", "iifname . oifname { eth0 . eth1 } accept"},
    {"INPUT -s 192.0.2.1 -p tcp --dport 22 -j ACCEPT",
     "ip saddr . tcp dport { 192.0.2.1 . 22 } accept"},
    {"INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT", "ct state established,related accept"},
    {"INPUT -m state --state NEW -j ACCEPT", "ct state { new } accept"},
    {"INPUT -m conntrack ! --ctstate INVALID -j ACCEPT", "ct state != invalid accept"},
    {"INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT", "ct state 0x40 accept"},
    {"INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
     "ct state vmap { established : accept, related : accept, invalid : drop }"},
    {"INPUT -p tcp --dport 80 -j ACCEPT", "tcp dport vmap { 80 : accept, 81 : drop }"},
    {"INPUT -p tcp --dport 80 -j ACCEPT", "tcp dport vmap { 80 : jump sub, 81 : continue }"},
    {"INPUT -m mark --mark 0x1/0xff -j ACCEPT", "meta mark & 0xff == 1 accept"},
    {"INPUT -m mark ! --mark 7 -j ACCEPT", "meta mark != 0x7 accept"},
    {"INPUT -m addrtype --dst-type LOCAL -j ACCEPT", "fib daddr type local accept"},
    {"INPUT -m addrtype ! --src-type UNICAST -j ACCEPT", "fib saddr type != unicast accept"},
    {"INPUT -p tcp --dport 80 -j ACCEPT", "counter tcp dport 80 counter accept comment \"web\""},
    {"INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset",
     "tcp dport 80 reject with tcp reset"},
    {"INPUT -p tcp --dport 80 -j ACCEPT", "tcp dport 81 drop\ntcp dport 80 jump sub"},
    {"INPUT -p tcp --dport 80 -j ACCEPT", "tcp dport 80 jump { ip saddr 0.0.0.0/0 accept; }"},
    // Nobody's packets: of the other family, or of two at once.
    {"INPUT -p tcp --dport 80 -j ACCEPT", "tcp dport 80 accept\nip6 saddr ::/0 accept"},
    {"INPUT -m state --state NEW -j ACCEPT",
     "ct state new accept\nct state == new,established accept"},
};

const Pair different[] = {
    {"INPUT -p tcp -j ACCEPT", "meta l4proto udp accept"},
    {"INPUT -s 192.0.2.0/24 -j ACCEPT", "ip saddr @addresses accept"},
    {"INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT", "tcp dport { 22, 80, 81 } accept"},
    {"INPUT -p tcp --syn -j ACCEPT", "tcp flags syn accept"},
    {"INPUT -m state --state ESTABLISHED -j ACCEPT", "ct state established,invalid accept"},
    {"INPUT -i eth0 -j ACCEPT", "iifname \"eth0*\" accept"},
    {"INPUT -m mark --mark 1 -j ACCEPT", "meta mark & 1 == 1 accept"},
    {"INPUT -p tcp --dport 80 -j DROP", "tcp dport 80 reject"},
    {"INPUT -m addrtype --dst-type LOCAL -j ACCEPT", "fib daddr . iif type local accept"},
};

}  // namespace

TEST(Languages, TheSameSaidInBoth) {
    for (const Pair& p : same) {
        SCOPED_TRACE(p.nft);
        test::Loaded a(iptables_file(p.iptables), p.family);
        a.ruleset = model::lower(a.tree, {p.family, "a", true});
        std::string hook = p.iptables[0] == 'I'   ? "input"
                           : p.iptables[0] == 'O' ? "output"
                                                  : "forward";
        test::LoadedNft b(nft_file(hook, p.nft), p.family);
        EXPECT_TRUE(b.tree.errors.empty()) << b.tree.errors[0].message;
        EXPECT_TRUE(b.ruleset.problems.empty()) << b.ruleset.problems[0].message;
        packet::Comparison c = compare(p.family, a.ruleset, b.ruleset);
        EXPECT_EQ(c.result, packet::Sameness::same) << said(c);
    }
}

TEST(Languages, WhatIsNotTheSame) {
    for (const Pair& p : different) {
        SCOPED_TRACE(p.nft);
        test::Loaded a(iptables_file(p.iptables), p.family);
        a.ruleset = model::lower(a.tree, {p.family, "a", true});
        test::LoadedNft b(nft_file("input", p.nft), p.family);
        EXPECT_TRUE(b.tree.errors.empty()) << b.tree.errors[0].message;
        packet::Comparison c = compare(p.family, a.ruleset, b.ruleset);
        EXPECT_NE(c.result, packet::Sameness::same);
    }
}

TEST(Languages, NatIsTheSameInBoth) {
    test::WithTexts a(
        "*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 192.0.2.8:8080\n"
        "-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE\nCOMMIT\n");
    test::LoadedNft b(
        "table ip nat {\n"
        " chain p { type nat hook prerouting priority dstnat; tcp dport 80 dnat to 192.0.2.8:8080; "
        "}\n"
        " chain q { type nat hook postrouting priority srcnat; ip saddr 10.0.0.0/8 oifname eth0 "
        "masquerade; }\n"
        " chain i { type nat hook input priority 100; }\n"
        " chain o { type nat hook output priority -100; }\n"
        "}\n");
    packet::Comparison c = compare(Family::ip, a.ruleset, b.ruleset);
    EXPECT_EQ(c.result, packet::Sameness::same) << said(c);
}

TEST(Languages, NotrackIsTheSameInBoth) {
    test::WithTexts a(
        "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
        "--notrack\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -m state --state UNTRACKED -j "
        "ACCEPT\nCOMMIT\n");
    const std::string early =
        "table inet t {\n"
        " chain p { type filter hook prerouting priority raw; tcp dport 80 notrack; }\n"
        " chain o { type filter hook output priority raw; tcp sport 80 notrack; }\n"
        " chain i { type filter hook input priority 0; policy drop; ct state untracked accept; }\n"
        "}\n";
    test::LoadedNft b(early);
    packet::Comparison c = compare(Family::ip, a.ruleset, b.ruleset);
    EXPECT_EQ(c.result, packet::Sameness::same) << said(c);
    // After conntrack it comes too late.
    test::LoadedNft late(
        test::replaced(early, "prerouting priority raw", "prerouting priority -100"));
    EXPECT_EQ(compare(Family::ip, a.ruleset, late.ruleset).result, packet::Sameness::different);
}

TEST(Languages, VariablesAndSetsInWhatIsNotFollowed) {
    auto text = [](const char* uid, const char* element) {
        return std::string("define who = ") + uid +
               "\ntable ip t {\n set s { type ipv4_addr; flags timeout; elements = { " + element +
               " } }\n chain o { type filter hook output priority 0; policy drop;\n  meta skuid "
               "$who "
               "accept\n  ip daddr @s accept\n } }\n";
    };
    test::LoadedNft a(text("1000", "192.0.2.1"));
    test::LoadedNft like(
        test::replaced(text("1000", "192.0.2.1"), "meta skuid $who", "skuid 0x3e8"));
    test::LoadedNft other_value(text("1001", "192.0.2.1"));
    test::LoadedNft other_element(text("1000", "192.0.2.2"));
    EXPECT_EQ(compare(Family::ip, a.ruleset, like.ruleset).result, packet::Sameness::same);
    EXPECT_NE(compare(Family::ip, a.ruleset, other_value.ruleset).result, packet::Sameness::same);
    EXPECT_NE(compare(Family::ip, a.ruleset, other_element.ruleset).result, packet::Sameness::same);
}

/// A chain that does not translate a packet leaves it to the next; one that does is the last.
TEST(Languages, ChainsForNatAreAskedUntilOneTranslates) {
    const std::string second =
        "table ip b { chain p { type nat hook prerouting priority -100; tcp dport { 80, 81 } dnat "
        "to "
        "192.0.2.9; } }\n";
    test::LoadedNft both(
        "table ip a { chain p { type nat hook prerouting priority -110; tcp dport 80 dnat to "
        "192.0.2.8; tcp dport 82 accept; } }\n" +
        second);
    test::LoadedNft one(
        "table ip a { chain p { type nat hook prerouting priority -110; tcp dport 80 dnat to "
        "192.0.2.8; tcp dport 81 dnat to 192.0.2.9; } }\n");
    packet::Comparison c = compare(Family::ip, both.ruleset, one.ruleset);
    EXPECT_EQ(c.result, packet::Sameness::same) << said(c);
    const model::Ruleset* host[] = {&both.ruleset};
    packet::Trace trace = packet::Tracer(host).trace(
        packet::parse_packet("tcp 203.0.113.9:40000 > 192.0.2.1:81 syn in eth0").value());
    EXPECT_TRUE(trace.nat_applied);
}

TEST(Languages, WhatIsForwardedMayBeTranslatedOnItsWayOut) {
    test::LoadedNft router(
        "table ip a { chain p { type nat hook prerouting priority -100; }\nchain q { type nat hook "
        "postrouting priority 100; oifname eth1 masquerade; } }\n");
    const model::Ruleset* host[] = {&router.ruleset};
    packet::Trace trace = packet::Tracer(host).trace(
        packet::parse_packet("tcp 203.0.113.9:40000 > 192.0.2.1:81 syn in eth0 out eth1").value());
    EXPECT_TRUE(trace.nat_applied);
}

TEST(Languages, OverLoopbackAnyChainForNatSettlesBothSides) {
    test::LoadedNft before(
        "table ip a { chain p { type nat hook prerouting priority -100; tcp dport 80 redirect to "
        ":81; } }\n");
    test::LoadedNft after(
        "table ip a { chain p { type nat hook prerouting priority -100; tcp dport 80 redirect to "
        ":81; }\nchain o { type nat hook output priority -100; } }\n");
    packet::Comparison c = compare(Family::ip, before.ruleset, after.ruleset);
    EXPECT_EQ(c.result, packet::Sameness::same) << said(c);
    const model::Ruleset* host[] = {&before.ruleset};
    packet::Trace trace = packet::Tracer(host).trace(
        packet::parse_packet("tcp 127.0.0.1:40000 > 127.0.0.1:80 syn out lo").value());
    EXPECT_FALSE(trace.nat_applied);
}

TEST(Languages, WhereAChainIsCalledIsPartOfIt) {
    auto result = [](std::string_view before, std::string_view after) {
        test::LoadedNft a(before);
        test::LoadedNft b(after);
        return compare(Family::ip, a.ruleset, b.ruleset).result;
    };
    constexpr const char* input =
        "table ip t { chain c { type filter hook input priority 0; drop; } }";
    constexpr const char* forward =
        "table ip t { chain c { type filter hook forward priority 0; drop; } }";
    EXPECT_EQ(result(input, input), packet::Sameness::same);
    EXPECT_EQ(result(input, forward), packet::Sameness::different);
    constexpr const char* raw =
        "table ip t { chain c { type filter hook prerouting priority -300; udp dport 53 notrack; "
        "}\n"
        "chain i { type filter hook input priority 0; ct state untracked drop; } }";
    EXPECT_EQ(result(raw, test::replaced(raw, "-300", "-150")), packet::Sameness::different);
    // Of one priority the newest is called first.
    constexpr const char* in_order =
        "table ip t { chain a { type filter hook input priority 0; meta mark set 1; }\n"
        "chain b { type filter hook input priority 0; meta mark 1 drop; } }";
    constexpr const char* in_turn =
        "table ip t { chain b { type filter hook input priority 0; meta mark 1 drop; }\n"
        "chain a { type filter hook input priority 0; meta mark set 1; } }";
    EXPECT_EQ(result(in_order, in_turn), packet::Sameness::different);
}

TEST(Languages, StatesBehindContestedNotrackAreUndecided) {
    auto file = [](std::string_view rules, std::string_view more) {
        return "table inet t {\n chain c { type filter hook ingress device eth0 priority 0; " +
               std::string(rules) +
               " }\n chain p { type filter hook prerouting priority raw; notrack; " +
               std::string(more) + " }\n}\n";
    };
    test::LoadedNft zoned(file("ct zone set 3;", "ct state untracked drop;"));
    test::LoadedNft otherwise(file("ct zone set 3; counter;", "ct state untracked counter drop;"));
    EXPECT_EQ(compare(Family::ip, zoned.ruleset, zoned.ruleset).result, packet::Sameness::same);
    packet::Comparison c = compare(Family::ip, zoned.ruleset, otherwise.ruleset);
    EXPECT_NE(said(c).find("which of the two has won"), std::string::npos) << said(c);
    EXPECT_NE(c.result, packet::Sameness::same);
    // Nothing is asked there.
    test::LoadedNft quiet(file("ct zone set 3;", "ip saddr 192.0.2.1 drop;"));
    test::LoadedNft spread(file("ct zone set 3;", "ip saddr { 192.0.2.1 } counter drop;"));
    packet::Comparison same = compare(Family::ip, quiet.ruleset, spread.ruleset);
    EXPECT_EQ(same.result, packet::Sameness::same) << said(same);
}
