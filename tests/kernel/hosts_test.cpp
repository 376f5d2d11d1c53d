// SPDX-License-Identifier: GPL-2.0-or-later
// What the rules about whole hosts say happens, happens: families with a table of entries in
// common, and back ends whose rules packets meet one after the other.
#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class WholeHosts : public KernelTest {
  protected:
    static constexpr const char* legacy = "iptables-legacy-restore";
    static constexpr const char* nft = "nft -f";
};

std::string bypass(const std::string& family) {
    return "table " + family +
           " raw {\nchain prerouting {\ntype filter hook prerouting priority "
           "raw;\ntcp dport 80 notrack\n}\nchain output {\ntype filter hook output priority raw;\n"
           "tcp sport 80 notrack\n}\n}\n";
}

const std::string filter =
    "table inet filter {\nchain input {\ntype filter hook input priority filter; policy drop;\n"
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\ntcp dport 80 accept\n"
    "ct state established accept\n}\n}\n";

}  // namespace

TEST_F(WholeHosts, ABypassOfOneFamilyLeavesTheTableToTheOther) {
    // UT213: both families have their entries in one table.
    for (const char* family : {"ip", "inet"}) {
        Lab lab;
        lab.serve(lab.server, 80);
        lab.serve(lab.server, 80, false, true);
        std::string file = write("host.nft", bypass(family) + filter);
        ASSERT_TRUE(lab.load(lab.server, nft, file));
        lab.forget_entries(lab.server);
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
        EXPECT_EQ(lab.entries(lab.server), 0);
        EXPECT_EQ(call_from(lab.client, {"2001:db8:1::1", 80}), Talk::answered);
        bool one = std::string(family) == "ip";
        EXPECT_EQ(lab.entries(lab.server) > 0, one);
        EXPECT_EQ(reports("UT213", file), one);
    }
}

TEST_F(WholeHosts, EntriesOfBothFamiliesAreCountedTogether) {
    Lab lab;
    lab.serve(lab.server, 80);
    lab.serve(lab.server, 80, false, true);
    ASSERT_TRUE(lab.load(lab.server, nft, write("host.nft", filter)));
    lab.forget_entries(lab.server);
    EXPECT_EQ(call_from(lab.client, {"2001:db8:1::1", 80}), Talk::answered);
    int six = lab.entries(lab.server);
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
    EXPECT_GT(six, 0);
    EXPECT_GT(lab.entries(lab.server), six);
}

TEST_F(WholeHosts, WhatOneBackEndAcceptsTheOtherDrops) {
    // UT505, whichever of the two is asked first.
    for (int priority : {-10, 10}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string iptables = write("host.iptables",
                                     "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j "
                                     "ACCEPT\nCOMMIT\n");
        std::string nftables =
            write("host.nft", "table inet host {\nchain input {\ntype filter hook input priority " +
                                  std::to_string(priority) +
                                  "; policy drop;\nicmpv6 type { nd-neighbor-solicit, "
                                  "nd-neighbor-advert } accept\ntcp dport 22 accept\n}\n}\n");
        ASSERT_TRUE(lab.load(lab.server, legacy, iptables));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
        EXPECT_FALSE(reports("UT505", iptables));
        ASSERT_TRUE(lab.load(lab.server, nft, nftables));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::nothing);
        EXPECT_TRUE(reports("UT505", iptables + " " + nftables));
    }
}

TEST_F(WholeHosts, OneBackEndAloneTranslates) {
    // UT505: a connection to 8080 goes to one of the two ports, never to both, and the rule of the
    // other never has it: the chain with the lower priority wins, whichever was loaded first.
    struct Case {
        int priority;
        bool nft_last;
        bool nft_wins;
    };
    for (Case c : {Case{-110, true, true}, Case{-90, true, false}, Case{-110, false, true},
                   Case{-90, false, false}}) {
        Lab lab;
        lab.serve(lab.server, c.nft_wins ? 82 : 81);
        std::string iptables =
            write("host.iptables",
                  "*nat\n-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 81\nCOMMIT\n");
        std::string nftables =
            write("host.nft", "table ip host {\nchain pre {\ntype nat hook prerouting priority " +
                                  std::to_string(c.priority) +
                                  ";\ntcp dport 8080 redirect to :82\n}\n}\n");
        bool loaded =
            c.nft_last
                ? lab.load(lab.server, legacy, iptables) && lab.load(lab.server, nft, nftables)
                : lab.load(lab.server, nft, nftables) && lab.load(lab.server, legacy, iptables);
        ASSERT_TRUE(loaded);
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 8080}), Talk::answered)
            << c.priority << c.nft_last;
        EXPECT_TRUE(reports("UT505", iptables + " " + nftables));
    }
}

}  // namespace untrack::test
