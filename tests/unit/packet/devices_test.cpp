// SPDX-License-Identifier: GPL-2.0-or-later
// Chains of devices and of bridges: whose packets meet them, and what is known of the others. What
// is said here of eth0, lo and a bridge's port was seen on the kernel (tests/kernel/devices_test).
#include <gtest/gtest.h>
#include <set>

#include "packet/compare.hpp"
#include "packet/evaluate.hpp"
#include "packet/words.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using packet::Fate;
using packet::Truth;
using packet::Verdict;
using packet::Way;
using test::LoadedNft;

namespace {

Way way_of(const packet::Packet& p) {
    if (packet::is_loopback(p)) return Way::loopback;
    return p.path == packet::Path::input    ? Way::input
           : p.path == packet::Path::output ? Way::output
                                            : Way::forward;
}

/// What the packet sets say, with every answer of predicates.
std::set<Fate> fates(const LoadedNft& l, packet::Packet p) {
    const model::Ruleset* host[] = {&l.ruleset};
    packet::PacketSpace space(model::Family::ip, host, packet::FieldOrder::small_first, 1'000'000);
    packet::Outcomes outcomes;
    packet::Evaluator evaluator(space, outcomes, host, {});
    packet::Diagram d = evaluator.way(way_of(p));
    p.state = packet::ConntrackState::new_;
    std::vector<std::uint32_t> values = space.values_of(p);
    auto predicates = space.predicate_levels();
    std::set<Fate> out;
    for (std::uint32_t bits = 0; bits < 1U << predicates.size(); ++bits) {
        for (std::size_t i = 0; i < predicates.size(); ++i) values[predicates[i]] = bits >> i & 1U;
        out.insert(outcomes[space.pool().at(d, values)].fate);
    }
    return out;
}

/// The trace; the other engine says the same.
packet::Trace run(const LoadedNft& l, const std::string& words) {
    const model::Ruleset* host[] = {&l.ruleset};
    auto p = packet::parse_packet(words);
    EXPECT_TRUE(p) << words;
    packet::Trace trace = packet::Tracer(host).trace(*p);
    std::set<Fate> all = fates(l, *p);
    if (trace.verdict == Verdict::accept) {
        EXPECT_EQ(all, std::set{Fate::accept}) << words;
    } else if (trace.verdict == Verdict::drop) {
        EXPECT_EQ(all, std::set{Fate::drop}) << words;
    } else {
        EXPECT_GT(all.size(), 1U) << words;
    }
    return trace;
}
Verdict verdict(const LoadedNft& l, const std::string& words) {
    return run(l, words).verdict;
}

void expect_followed(const LoadedNft& l) {
    for (const auto& e : l.tree.errors) ADD_FAILURE() << e.message;
    for (const auto& p : l.ruleset.problems) ADD_FAILURE() << p.message;
    for (const auto& p : l.ruleset.unfollowed) ADD_FAILURE() << p.message;
}

packet::Comparison compare(const LoadedNft& a, const LoadedNft& b) {
    const model::Ruleset* before[] = {&a.ruleset};
    const model::Ruleset* after[] = {&b.ruleset};
    return packet::compare(model::Family::ip, before, after, {});
}

constexpr const char* dns = "udp 203.0.113.9:40000 > 192.0.2.1:53 in ";
constexpr const char* own = "udp 127.0.0.1:40000 > 127.0.0.1:53 out lo";

}  // namespace

TEST(Devices, IngressIsMetByWhatItsDeviceReceives) {
    for (const char* family : {"netdev", "inet"}) {
        LoadedNft l(std::string("table ") + family +
                    " t { chain c { type filter hook ingress device \"eth0\" priority 0; "
                    "udp dport 53 drop; } }");
        expect_followed(l);
        EXPECT_EQ(verdict(l, std::string(dns) + "eth0"), Verdict::drop);
        EXPECT_EQ(verdict(l, std::string(dns) + "eth0 out eth1"), Verdict::drop);
        EXPECT_EQ(verdict(l, own), Verdict::accept);
        EXPECT_EQ(verdict(l, "udp 192.0.2.1:40000 > 203.0.113.9:53 out eth0"), Verdict::accept);
        EXPECT_EQ(verdict(l, "tcp 203.0.113.9:40000 > 192.0.2.1:53 syn in br0"), Verdict::accept);
        // eth0 may be a port of br0.
        packet::Trace above = run(l, std::string(dns) + "br0");
        EXPECT_EQ(above.verdict, Verdict::unknown);
        EXPECT_EQ(above.unknown_on, std::vector<std::string>{"came in through device eth0"});
    }
}

TEST(Devices, NotrackAndMarksOfIngressHold) {
    LoadedNft l(
        "table netdev t { chain c { type filter hook ingress devices = { eth0, eth1 } priority "
        "5000; udp dport 53 notrack; meta mark set 7; } }\n"
        "table inet f { chain i { type filter hook input priority 0; policy drop;\n"
        "ct state untracked meta mark 7 accept; } }");
    expect_followed(l);
    for (const char* device : {"eth0", "eth1"}) {
        packet::Trace t = run(l, std::string(dns) + device);
        EXPECT_EQ(t.verdict, Verdict::accept);
        EXPECT_EQ(t.untracked, Truth::yes);
    }
    EXPECT_EQ(verdict(l, "tcp 203.0.113.9:40000 > 192.0.2.1:53 syn in eth0"), Verdict::drop);
    EXPECT_EQ(verdict(l, std::string(dns) + "eth2"), Verdict::unknown);
}

TEST(Devices, OverLoIngressComesAfterConntrack) {
    LoadedNft l(
        "table netdev t { chain c { type filter hook ingress device lo priority 0; notrack; "
        "meta mark set 7; } }\n"
        "table inet f { chain i { type filter hook input priority 0; policy drop;\n"
        "ct state new meta mark 7 accept; } }");
    packet::Trace t = run(l, own);
    EXPECT_EQ(t.verdict, Verdict::accept);
    EXPECT_EQ(t.untracked, Truth::no);
}

TEST(Devices, EgressIsMetByWhatItsDeviceSends) {
    LoadedNft l(
        "table netdev t { chain c { type filter hook egress device eth0 priority 0; policy drop;\n"
        "tcp sport 22 accept; } }");
    expect_followed(l);
    EXPECT_EQ(verdict(l, "udp 192.0.2.1:53 > 203.0.113.9:40000 out eth0"), Verdict::drop);
    EXPECT_EQ(verdict(l, "tcp 192.0.2.1:22 > 203.0.113.9:40000 ack out eth0"), Verdict::accept);
    EXPECT_EQ(verdict(l, "udp 192.0.2.1:53 > 203.0.113.9:40000 out br0"), Verdict::unknown);
    EXPECT_EQ(verdict(l, std::string(dns) + "eth0"), Verdict::accept);
    EXPECT_EQ(verdict(l, own), Verdict::accept);
}

TEST(Devices, ChainsOfOnePlaceAreCalledTheNewestFirst) {
    constexpr const char* marks =
        "table netdev n { chain c { type filter hook ingress device eth0 priority 0; meta mark set "
        "7; } }\n";
    constexpr const char* drops =
        "table inet i { chain c { type filter hook ingress device eth0 priority 0; meta mark 7 "
        "drop; } }\n";
    LoadedNft marks_last(std::string(drops) + marks);
    LoadedNft marks_first(std::string(marks) + drops);
    EXPECT_EQ(verdict(marks_last, std::string(dns) + "eth0"), Verdict::drop);
    EXPECT_EQ(verdict(marks_first, std::string(dns) + "eth0"), Verdict::accept);
    EXPECT_EQ(compare(marks_last, marks_first).result, packet::Sameness::different);
}

TEST(Devices, WhereAChainAsksForInterfacesThoseAboveItsDeviceAreUnknown) {
    LoadedNft l(
        "table netdev t { chain c { type filter hook ingress device eth0 priority 0; iifname eth0 "
        "drop; } }");
    expect_followed(l);
    EXPECT_EQ(verdict(l, std::string(dns) + "eth0"), Verdict::drop);
    EXPECT_EQ(verdict(l, std::string(dns) + "br0"), Verdict::unknown);
    EXPECT_EQ(verdict(l, own), Verdict::accept);
}

TEST(Devices, TheSameTextIsTheSame) {
    std::string text =
        "table netdev t { chain c { type filter hook ingress device eth0 priority 0; ip saddr "
        "10.0.0.0/8 drop; iifname eth1 drop; } }\n"
        "table bridge b { chain c { type filter hook input priority 0; udp dport 53 drop; } }\n"
        "table inet f { chain i { type filter hook input priority 0; tcp dport 22 accept; drop; } "
        "}\n";
    LoadedNft a(text);
    LoadedNft b(text);
    // Not the same rule by rule, and the same for every packet.
    LoadedNft otherwise(test::replaced(text, "accept; drop;", "accept; udp dport 1 drop; drop;"));
    LoadedNft other_device(test::replaced(text, "device eth0", "device eth2"));
    LoadedNft other_rule(test::replaced(text, "10.0.0.0/8", "10.0.0.0/9"));
    LoadedNft other_port(test::replaced(text, "dport 53", "dport 54"));
    LoadedNft other_text(test::replaced(text, "iifname eth1", "iifname eth2"));
    EXPECT_EQ(compare(a, b).result, packet::Sameness::same);
    EXPECT_EQ(compare(a, otherwise).result, packet::Sameness::same);
    EXPECT_EQ(compare(a, other_device).result, packet::Sameness::different);
    EXPECT_EQ(compare(a, other_rule).result, packet::Sameness::different);
    EXPECT_NE(compare(a, other_port).result, packet::Sameness::same);
    EXPECT_NE(compare(a, other_text).result, packet::Sameness::same);
}

TEST(Devices, ABridgesChainsMayHaveMetAllButLo) {
    for (const char* hook : {"prerouting", "input"}) {
        LoadedNft l(std::string("table bridge t { chain c { type filter hook ") + hook +
                    " priority filter; udp dport 53 drop; } }");
        expect_followed(l);
        EXPECT_EQ(verdict(l, std::string(dns) + "br0"), Verdict::unknown);
        EXPECT_EQ(verdict(l, "tcp 203.0.113.9:40000 > 192.0.2.1:53 syn in br0"), Verdict::accept);
        EXPECT_EQ(verdict(l, own), Verdict::accept);
        EXPECT_EQ(verdict(l, "udp 192.0.2.1:40000 > 203.0.113.9:53 out br0"), Verdict::accept);
    }
    for (const char* hook : {"output", "postrouting"}) {
        LoadedNft l(std::string("table bridge t { chain c { type filter hook ") + hook +
                    " priority out; udp dport 53 drop; } }");
        EXPECT_EQ(verdict(l, "udp 192.0.2.1:40000 > 203.0.113.9:53 out br0"), Verdict::unknown);
        EXPECT_EQ(verdict(l, std::string(dns) + "br0"), Verdict::accept);
    }
    // What a bridge forwards does not come to the host, and arp packets are no others.
    for (const char* table : {"table bridge t { chain c { type filter hook forward",
                              "table arp t { chain c { type filter hook input"}) {
        LoadedNft l(std::string(table) + " priority 0; policy drop; } }");
        expect_followed(l);
        EXPECT_EQ(verdict(l, std::string(dns) + "br0"), Verdict::accept);
    }
}

TEST(Devices, WhatABridgeDoesToMarksAndTrackingIsNotFollowed) {
    // No interface is above lo.
    for (const char* device : {"lo", "eth0"}) {
        LoadedNft l(std::string("table netdev t { chain c { type filter hook ingress device ") +
                    device + " priority 0; iifname lo meta mark set 7; } }");
        EXPECT_EQ(l.ruleset.unfollowed.empty(), std::string_view(device) == "lo");
    }
    auto complaints = [](const std::string& rule) {
        LoadedNft l("table bridge t { chain c { type filter hook prerouting priority 0; " + rule +
                    "; } }");
        return l.ruleset.unfollowed.size();
    };
    EXPECT_EQ(complaints("notrack"), 1U);
    EXPECT_EQ(complaints("meta mark set 7"), 1U);
    EXPECT_EQ(complaints("meta mark 7 drop"), 1U);
    EXPECT_EQ(complaints("ct state invalid drop"), 1U);
    EXPECT_EQ(complaints("ct state established accept"), 0U);
    EXPECT_EQ(complaints("ether saddr 02:00:00:00:00:01 drop"), 0U);
    EXPECT_EQ(complaints("iifname eth1 drop"), 0U);
}

TEST(Devices, AZoneMakesPacketsNewUntilConntrack) {
    for (const char* state : {"new", "invalid", "untracked"}) {
        LoadedNft l(std::string("table inet t { chain c { type filter hook ingress device eth0 "
                                "priority 0; ct zone set 3; }\n chain p { type filter hook "
                                "prerouting priority raw; ct state ") +
                    state + " drop; } }");
        EXPECT_EQ(verdict(l, std::string(dns) + "eth0"),
                  std::string_view(state) == "new" ? Verdict::drop : Verdict::accept)
            << state;
    }
}
