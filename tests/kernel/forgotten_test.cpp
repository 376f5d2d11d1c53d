// SPDX-License-Identifier: GPL-2.0-or-later
// What a bypass by hand forgets, as UT216, UT218, UT221, UT222 and UT223 say it.
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class Forgotten : public KernelTest {
  protected:
    static constexpr const char* legacy = "iptables-legacy-restore";
    static constexpr const char* legacy6 = "ip6tables-legacy-restore";

    std::string server(const std::string& raw, const std::string& input) const {
        return write("forgotten.iptables",
                     "*raw\n" + raw + "COMMIT\n*filter\n:INPUT DROP [0:0]\n" + input + "COMMIT\n");
    }
};

const std::string web =
    "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
    "--notrack\n";
const std::string established = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
const std::string untracked =
    "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n";

}  // namespace

TEST_F(Forgotten, ALimitForConnectionsMeetsEveryPacket) {
    for (bool first_only : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string flags = first_only ? " --tcp-flags FIN,SYN,RST,ACK SYN" : "";
        std::string file = server(
            web, established + "-A INPUT -p tcp --dport 80" + flags +
                     " -m conntrack --ctstate UNTRACKED -m limit --limit 1/min --limit-burst 2 -j "
                     "ACCEPT\n" +
                     (first_only ? "-A INPUT -p tcp --dport 80 ! --tcp-flags FIN,SYN,RST,ACK SYN "
                                   "-m conntrack --ctstate UNTRACKED -j ACCEPT\n"
                                 : ""));
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        Talk wanted = first_only ? Talk::answered : Talk::nothing;
        EXPECT_EQ(call_from(lab.client, {.address = "192.0.2.1", .port = 80, .much = true}),
                  wanted);
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), wanted);
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::nothing) << "the limit is kept";
        EXPECT_EQ(reports("UT216", file), !first_only);
    }
}

TEST_F(Forgotten, RoutersLoseFragmentsThatNothingPutsTogether) {
    struct Row {
        const char* what;
        const char* rule;
        Talk large;
        bool reported;
    };
    const Row rows[] = {
        {"nothing tracks", "", Talk::nothing, true},
        {"fragments are accepted", "-A FORWARD -p udp -f -j ACCEPT\n", Talk::answered, false},
        {"something tracks", "-A FORWARD -i nosuch0 -m conntrack --ctstate NEW -j ACCEPT\n",
         Talk::answered, false},
        {"-m socket", "-A INPUT -i nosuch0 -p tcp -m socket -j ACCEPT\n", Talk::answered, false}};
    for (const Row& row : rows) {
        RoutedLab lab;
        lab.serve(lab.server, 5060, true);
        std::string file = write("router.iptables",
                                 std::string("*filter\n:FORWARD DROP [0:0]\n") + row.rule +
                                     "-A FORWARD -p udp --dport 5060 -j ACCEPT\n-A FORWARD -p udp "
                                     "--sport 5060 -j ACCEPT\nCOMMIT\n");
        ASSERT_TRUE(lab.load(lab.router, legacy, file)) << row.what;
        Call call{.address = "198.51.100.2", .port = 5060, .udp = true};
        EXPECT_EQ(call_from(lab.client, call), Talk::answered) << row.what;
        call.much = true;
        EXPECT_EQ(call_from(lab.client, call), row.large) << row.what;
        EXPECT_EQ(reports("UT218", file), row.reported) << row.what;
    }
}

TEST_F(Forgotten, HostsOfIpv6LoseFragmentsThatNothingPutsTogether) {
    for (bool accepted : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 5060, true, true);
        std::string file = write("host.ip6tables",
                                 std::string("*filter\n:INPUT DROP [0:0]\n-A INPUT -p ipv6-icmp -j "
                                             "ACCEPT\n") +
                                     (accepted ? "-A INPUT -p udp -m frag --fragmore -j ACCEPT\n-A "
                                                 "INPUT -p udp -m frag --fraglast -j ACCEPT\n"
                                               : "") +
                                     "-A INPUT -p udp --dport 5060 -j ACCEPT\nCOMMIT\n");
        ASSERT_TRUE(lab.load(lab.server, legacy6, file));
        Call call{.address = "2001:db8:1::1", .port = 5060, .udp = true};
        EXPECT_EQ(call_from(lab.client, call), Talk::answered);
        call.much = true;
        EXPECT_EQ(call_from(lab.client, call), accepted ? Talk::answered : Talk::nothing);
        EXPECT_EQ(reports("UT218", file), !accepted);
    }
}

TEST_F(Forgotten, BesideAStateWithoutEntryNothingIsRead) {
    for (bool elsewhere : {true, false}) {
        Lab lab;
        lab.serve(lab.server, 80);
        // Of a tracked packet these ask in vain: it is to another address, and of another protocol.
        std::string beside = elsewhere ? "--ctorigdst 198.51.100.9 --ctproto udp " : "";
        std::string file =
            server(web, "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED " + beside +
                            "-j ACCEPT\n");
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
        EXPECT_EQ(reports("UT221", file), elsewhere);
    }
}

TEST_F(Forgotten, EntriesOutliveTheirConnections) {
    Lab lab;
    lab.serve(lab.server, 80);
    ASSERT_TRUE(lab.load(lab.server, legacy,
                         server("", established + "-A INPUT -p tcp --dport 80 -j ACCEPT\n")));
    // Opened while tracking is on, closed after the bypass is loaded.
    std::thread client([&] {
        run("ip netns exec " + lab.client +
            " bash -c \"exec 3<>/dev/tcp/192.0.2.1/80; sleep 2; echo >&3; sleep 1\"");
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    std::string file =
        server(web, established + untracked + "-A INPUT -p tcp --dport 80 -j ACCEPT\n");
    EXPECT_TRUE(lab.load(lab.server, legacy, file));
    client.join();
    auto list = [&] { return output_of("ip netns exec " + lab.server + " conntrack -L -p tcp"); };
    EXPECT_NE(list().find("ESTABLISHED"), std::string::npos) << list();
    EXPECT_EQ(run("ip netns exec " + lab.server + " conntrack -D -p tcp --dport 80"), 0);
    EXPECT_EQ(lab.entries(lab.server), 0);
    EXPECT_TRUE(reports("UT222", file));
}

TEST_F(Forgotten, NotrackOfEverythingTakesTheHostsOwnAnswers) {
    for (bool everything : {true, false}) {
        Lab lab;
        lab.serve(lab.server, 80);
        lab.serve(lab.client, 443);
        std::string all =
            "-A PREROUTING -p tcp -j CT --notrack\n-A OUTPUT -p tcp -j CT --notrack\n";
        std::string file =
            server(everything ? all : web, established + "-A INPUT -p tcp --dport 80 -j ACCEPT\n");
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
        EXPECT_EQ(call_from(lab.server, {"192.0.2.2", 443}),
                  everything ? Talk::nothing : Talk::answered);
        EXPECT_EQ(reports("UT223", file), everything);
    }
}

}  // namespace untrack::test
