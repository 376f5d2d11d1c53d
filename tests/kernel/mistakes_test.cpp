// SPDX-License-Identifier: GPL-2.0-or-later
// What the UT2xx rules say happens, happens; and they say it of these very rulesets.
#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class Mistakes : public KernelTest {
  protected:
    static constexpr const char* legacy = "iptables-legacy-restore";

    /// A ruleset of a server: raw rules and INPUT rules under a policy of DROP.
    std::string server(const std::string& raw, const std::string& input) const {
        return write("mistake.iptables",
                     "*raw\n" + raw + "COMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n" +
                         input + "COMMIT\n");
    }
};

const std::string question = "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n";
const std::string answer = "-A OUTPUT -p tcp --sport 80 -j CT --notrack\n";
const std::string accept_untracked =
    "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n";
const std::string established = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";

}  // namespace

TEST_F(Mistakes, OneSidedNotrackHangsUnderADropOfInvalid) {
    // UT201: answers of an untracked question are INVALID in OUTPUT.
    std::string drop = "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n";
    for (bool whole : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file = server(question + (whole ? answer : ""), accept_untracked + drop);
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), whole ? Talk::answered : Talk::nothing);
        EXPECT_EQ(reports("UT201", file), !whole);
    }
}

TEST_F(Mistakes, OneSidedNotrackOfAnswersLeavesTheTableFull) {
    Lab lab;
    lab.serve(lab.server, 80);
    std::string file = server(answer, "-A INPUT -p tcp --dport 80 -j ACCEPT\n" + established);
    ASSERT_TRUE(lab.load(lab.server, legacy, file));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
    EXPECT_GT(lab.entries(lab.server), 0);
    EXPECT_TRUE(reports("UT201", file));
}

TEST_F(Mistakes, UntrackedPacketsMeetOnlyAcceptsOfTrackedOnes) {
    Lab lab;
    lab.serve(lab.server, 80);
    std::string file =
        server(question + answer,
               "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\n");
    ASSERT_TRUE(lab.load(lab.server, legacy, file));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::nothing);
    EXPECT_TRUE(reports("UT202", file));
}

TEST_F(Mistakes, ABlanketAcceptOpensEveryPortToASourcePort) {
    Lab lab;
    lab.serve(lab.server, 23);
    std::string file = server(
        "-A PREROUTING -p tcp --sport 80 -j CT --notrack\n"
        "-A OUTPUT -p tcp --dport 80 -j CT --notrack\n",
        "-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\n" + established);
    ASSERT_TRUE(lab.load(lab.server, legacy, file));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 23}), Talk::nothing);
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 23, false, 80}), Talk::answered);
    EXPECT_TRUE(reports("UT203", file));
}

TEST_F(Mistakes, UntrackedPacketsAreNotTranslated) {
    std::string nat = "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8081\nCOMMIT\n";
    for (bool bypass : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 8081);
        std::string file =
            write("nat.iptables", nat + "*raw\n" + (bypass ? question + answer : "") + "COMMIT\n");
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                  bypass ? Talk::refused : Talk::answered);
        EXPECT_EQ(reports("UT205", file), bypass);
    }
}

TEST_F(Mistakes, OverLoopbackASourceNeedsNoTranslation) {
    // The same NOTRACK rules are none beside a MASQUERADE, and one beside a REDIRECT.
    const std::string raw =
        "*raw\n-A OUTPUT -o lo -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -o lo -p tcp --sport "
        "80 "
        "-j CT --notrack\nCOMMIT\n*nat\n";
    for (bool redirect : {false, true}) {
        Lab lab;
        lab.serve(lab.server, redirect ? 8081 : 80);
        std::string file = write(
            "lo.iptables",
            raw + (redirect ? "-A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 8081\nCOMMIT\n"
                            : "-A POSTROUTING -j MASQUERADE\nCOMMIT\n"));
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        for (const char* own : {"127.0.0.1", "192.0.2.1"})
            EXPECT_EQ(call_from(lab.server, {own, 80}), redirect ? Talk::refused : Talk::answered);
        EXPECT_EQ(reports("UT205", file), redirect);
    }
}

TEST_F(Mistakes, NotrackOutsideRawIsRefused) {
    Lab lab;
    std::string file = write("late.iptables", "*mangle\n" + question + "COMMIT\n");
    for (const char* tool : {"iptables-legacy-restore", "iptables-nft-restore"})
        EXPECT_FALSE(lab.load(lab.server, tool, file)) << tool;
    EXPECT_TRUE(reports("UT208", file));
}

TEST_F(Mistakes, TheFirstCtTargetWins) {
    for (bool zone_first : {true, false}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string zone = "-A PREROUTING -p tcp -j CT --zone 1\n";
        std::string file = server(zone_first ? zone + question : question + zone,
                                  "-A INPUT -p tcp --dport 80 -j ACCEPT\n" + established);
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        call_from(lab.client, {"192.0.2.1", 80});
        std::string entries = output_of("ip netns exec " + lab.server + " conntrack -L -p tcp");
        EXPECT_EQ(entries.find("zone-orig=1") != std::string::npos ||
                      entries.find("zone=1") != std::string::npos,
                  zone_first)
            << entries;
        EXPECT_EQ(reports("UT209", file), zone_first);
    }
}

TEST_F(Mistakes, AZoneOfNftWinsOverNotrackOnEitherSide) {
    struct Row {
        const char* statements;
        bool tracked;
        bool reported;
    };
    const Row rows[] = {
        {"tcp dport 80 notrack", false, false},
        {"tcp dport 80 ct zone set 3; tcp dport 80 notrack", true, true},
        {"tcp dport 80 notrack; tcp dport 80 ct zone set 3", true, true},
        {"tcp dport 80 notrack; tcp dport 80 ct original zone set 3", true, true},
        // It is written into an entry, and there is none yet.
        {"tcp dport 80 ct helper set \"h\"; tcp dport 80 notrack", false, false},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.statements);
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file = write(
            "zone.nft",
            std::string(
                "flush ruleset\ntable ip t {\n ct helper h { type \"ftp\" protocol tcp; }\n "
                "chain p { type filter hook prerouting priority raw; ") +
                row.statements +
                "; }\n chain o { type filter hook output priority raw; tcp sport 80 notrack; }\n "
                "chain i { type filter hook input priority 0; policy drop; ct state untracked "
                "accept; ct state new accept; }\n}\n");
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        call_from(lab.client, {"192.0.2.1", 80});
        EXPECT_EQ(lab.entries(lab.server) > 0, row.tracked);
        std::string answer = output_of(
            binary_ + " trace --packet \"tcp 192.0.2.2:1025 > 192.0.2.1:80 syn in eth0\" " + file);
        EXPECT_EQ(answer.find("untracked") == std::string::npos, row.tracked) << answer;
        EXPECT_EQ(reports("UT209", file), row.reported);
    }
}

TEST_F(Mistakes, ANegatedStateTestDropsUntrackedPackets) {
    Lab lab;
    lab.serve(lab.server, 80);
    std::string file = server(question + answer,
                              "-A INPUT -m conntrack ! --ctstate NEW,RELATED,ESTABLISHED -j DROP\n"
                              "-A INPUT -p tcp --dport 80 -j ACCEPT\n");
    ASSERT_TRUE(lab.load(lab.server, legacy, file));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::nothing);
    EXPECT_TRUE(reports("UT217", file));
}

TEST_F(Mistakes, AnyoneAnswersFromTheSourcePort) {
    // UT204: the sender chooses the source port.
    for (bool pinned : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 22);
        std::string file =
            write("reply.iptables",
                  std::string("*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp "
                              "--sport 80") +
                      (pinned ? " ! --syn" : "") + " -j ACCEPT\nCOMMIT\n");
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 22}), Talk::nothing);
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 22, false, 80}),
                  pinned ? Talk::nothing : Talk::answered);
        EXPECT_EQ(reports("UT204", file), !pinned);
    }
}

TEST_F(Mistakes, OverLoopbackPreroutingIsTooLate) {
    // UT207: an entry is left behind, or a drop of INVALID, or of UNTRACKED, breaks the connection.
    const std::string lo = "-A INPUT -i lo -j ACCEPT\n";
    const std::string invalid = "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n";
    const std::string cover = "-A OUTPUT -o lo -p tcp --dport 80 -j CT --notrack\n";
    for (bool covered : {false, true})
        for (bool drops : {false, true})
            for (const char* own : {"127.0.0.1", "192.0.2.1"}) {
                SCOPED_TRACE(std::string(covered ? "covered " : "") + (drops ? "drops " : "") +
                             own);
                Lab lab;
                lab.serve(lab.server, 80);
                std::string file = server(question + answer + (covered ? cover : ""),
                                          lo + accept_untracked + (drops ? invalid : ""));
                ASSERT_TRUE(lab.load(lab.server, legacy, file));
                EXPECT_EQ(call_from(lab.server, {own, 80}),
                          covered || !drops ? Talk::answered : Talk::nothing);
                EXPECT_EQ(lab.entries(lab.server) > 0, !covered);
                EXPECT_EQ(reports("UT207", file), !covered);
            }
}

TEST_F(Mistakes, ErrorsAboutUntrackedFlowsAreNotRelated) {
    // UT211: the server never hears that its packets are too long.
    const std::string related = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
    for (bool accepted : {false, true}) {
        RoutedLab lab;
        lab.serve(lab.server, 80);
        ASSERT_EQ(run("ip -n " + lab.router + " link set eth0 mtu 1300"), 0);
        std::string file = server(
            question + answer,
            (accepted ? "-A INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n" : "") +
                accept_untracked + related);
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        Call much{"198.51.100.2", 80};
        EXPECT_EQ(call_from(lab.client, much), Talk::answered) << "a few bytes always pass";
        much.much = true;
        EXPECT_EQ(call_from(lab.client, much), accepted ? Talk::answered : Talk::nothing);
        EXPECT_EQ(reports("UT211", file), !accepted);
    }
}

TEST_F(Mistakes, NeighbourDiscoveryIsUntracked) {
    // UT212: in either direction, and where `!' means UNTRACKED, too.
    const std::string icmp = "-p ipv6-icmp -j ACCEPT\n";
    for (const char* chain : {"INPUT", "OUTPUT"})
        for (const char* state : {"--ctstate UNTRACKED", "! --ctstate NEW,RELATED,ESTABLISHED"})
            for (bool accepted : {false, true}) {
                SCOPED_TRACE(std::string(chain) + " " + state + (accepted ? " accepted" : ""));
                Lab lab;
                lab.serve(lab.server, 80, false, true);
                std::string start = std::string("-A ") + chain + " ";
                std::string file = write("neighbours.ip6tables",
                                         "*filter\n" + (accepted ? start + icmp : "") + start +
                                             "-m conntrack " + state + " -j DROP\nCOMMIT\n");
                ASSERT_TRUE(lab.load(lab.server, "ip6tables-legacy-restore", file));
                EXPECT_EQ(call_from(lab.client, {"2001:db8:1::1", 80}),
                          accepted ? Talk::answered : Talk::nothing);
                EXPECT_EQ(reports("UT212", file), !accepted);
            }
}

TEST_F(Mistakes, AKeyOfAnEntryMeetsPacketsWithoutOne) {
    // UT215: accepts that hang on a mark of the connection, and a limit of what has no entries.
    const std::string by_mark = "-A INPUT -p tcp -m connmark --mark 0 -j ACCEPT\n";
    for (bool bypass : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file = server(bypass ? question + answer : "", by_mark);
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                  bypass ? Talk::nothing : Talk::answered);
        EXPECT_EQ(reports("UT215", file), bypass);
    }
}

TEST_F(Mistakes, HalfAConversionIsWorseThanNone) {
    Lab lab;
    lab.serve(lab.server, 80);
    ASSERT_TRUE(lab.load(lab.server, legacy, sample("half-converted")));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::nothing);
}

}  // namespace untrack::test
