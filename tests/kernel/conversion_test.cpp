// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel does with rulesets before and after a conversion: the same clients reach the same
// ports, a refused client stays refused, and the converted port leaves no entry.
#include <arpa/inet.h>
#include <deque>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/kernel/lab.hpp"
#include "tests/kernel/probe.hpp"

namespace untrack::test {
namespace {

class Conversion : public KernelTest {};

const std::string both_tools[] = {"iptables-legacy-restore", "iptables-nft-restore"};

Call tcp(const std::string& address, int port) {
    return {address, port, false, 0, false};
}
Call udp(const std::string& address, int port) {
    return {address, port, true, 0, false};
}

}  // namespace

TEST_F(Conversion, AServerWorksAsBeforeAndLeavesNoEntry) {
    for (const char* name : {"web-server", "web-server-strict", "redhat-default", "ufw", "chains"})
        for (const std::string& tool : both_tools) {
            SCOPED_TRACE(std::string(name) + " " + tool);
            int port = std::string(name) == "chains" ? 8443 : 80;
            Lab lab;
            lab.serve(lab.server, port);
            lab.serve(lab.server, 23);
            ASSERT_TRUE(lab.load(lab.server, tool, sample(name)));
            EXPECT_EQ(call_from(lab.client, tcp("192.0.2.1", port)), Talk::answered);
            EXPECT_GT(lab.entries(lab.server), 0)
                << "before the conversion the connection is tracked";
            EXPECT_NE(call_from(lab.client, tcp("192.0.2.1", 23)), Talk::answered);
            Talk own = call_from(lab.server, tcp("127.0.0.1", port));
            std::string after = rewritten("--port " + std::to_string(port) + "/tcp", sample(name));
            ASSERT_TRUE(lab.load(lab.server, tool, after));
            lab.forget_entries(lab.server);
            EXPECT_EQ(call_from(lab.client, tcp("192.0.2.1", port)), Talk::answered);
            EXPECT_EQ(call_from(lab.server, tcp("127.0.0.1", port)), own);
            EXPECT_EQ(lab.entries(lab.server), 0) << "after it nothing is tracked, over lo neither";
            EXPECT_NE(call_from(lab.client, tcp("192.0.2.1", 23)), Talk::answered);
        }
}

TEST_F(Conversion, AnNftablesServerWorksAsBeforeInBothFamiliesAndLeavesNoEntry) {
    for (const char* name : {"nft-web-server", "nft-verdict-maps", "nft-commands"}) {
        SCOPED_TRACE(name);
        bool v4_alone = std::string_view(name) == "nft-commands";
        Lab lab;
        for (int port : {80, 23}) {
            lab.serve(lab.server, port);
            lab.serve(lab.server, port, false, true);
        }
        std::string before = sample(name);
        ASSERT_TRUE(lab.load(lab.server, "nft -f", before));
        auto works = [&](bool six, int port) {
            return call_from(lab.client, tcp(six ? "2001:db8:1::1" : "192.0.2.1", port)) ==
                   Talk::answered;
        };
        EXPECT_TRUE(works(false, 80));
        EXPECT_TRUE(works(true, 80));
        EXPECT_GT(lab.entries(lab.server), 0) << "before the conversion connections are tracked";
        EXPECT_FALSE(works(false, 23));
        Talk own = call_from(lab.server, tcp("127.0.0.1", 80));
        std::string after = rewritten("--port 80/tcp", before);
        run("ip netns exec " + lab.server + " nft flush ruleset");
        ASSERT_TRUE(lab.load(lab.server, "nft -f", after));
        lab.forget_entries(lab.server);
        EXPECT_TRUE(works(false, 80));
        EXPECT_EQ(call_from(lab.server, tcp("127.0.0.1", 80)), own);
        EXPECT_EQ(lab.entries(lab.server), 0) << "after it nothing is tracked, over lo neither";
        EXPECT_TRUE(works(true, 80));
        if (!v4_alone) {
            EXPECT_EQ(lab.entries(lab.server), 0) << "nor of IPv6";
            EXPECT_FALSE(works(true, 23));
        }
        EXPECT_FALSE(works(false, 23));
    }
}

TEST_F(Conversion, ANameServerAnswersOverUdpAndTcp) {
    for (const std::string& tool : both_tools) {
        SCOPED_TRACE(tool);
        Lab lab;
        lab.serve(lab.server, 53);
        lab.serve(lab.server, 53, true);
        lab.serve(lab.server, 54, true);
        for (const std::string& file :
             {sample("dns-server"),
              rewritten("--port 53/udp --port 53/tcp", sample("dns-server"))}) {
            ASSERT_TRUE(lab.load(lab.server, tool, file));
            lab.forget_entries(lab.server);
            EXPECT_EQ(call_from(lab.client, udp("192.0.2.1", 53)), Talk::answered);
            EXPECT_EQ(call_from(lab.client, tcp("192.0.2.1", 53)), Talk::answered);
            EXPECT_EQ(lab.entries(lab.server) == 0, file != sample("dns-server"));
            EXPECT_NE(call_from(lab.client, udp("192.0.2.1", 54)), Talk::answered);
            lab.forget_entries(lab.server);
        }
    }
}

TEST_F(Conversion, LoopbackWithoutAnAcceptOfItsOwnIsConvertedToo) {
    std::string before =
        write("lo.iptables",
              "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n"
              "-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -m conntrack --ctstate "
              "ESTABLISHED -j ACCEPT\n"
              "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
              "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n-A OUTPUT -m conntrack --ctstate "
              "NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n");
    Lab lab;
    lab.serve(lab.server, 80);
    ASSERT_TRUE(lab.load(lab.server, "iptables-legacy-restore", before));
    EXPECT_EQ(call_from(lab.server, tcp("127.0.0.1", 80)), Talk::answered);
    ASSERT_TRUE(
        lab.load(lab.server, "iptables-legacy-restore", rewritten("--port 80/tcp", before)));
    lab.forget_entries(lab.server);
    EXPECT_EQ(call_from(lab.server, tcp("127.0.0.1", 80)), Talk::answered);
    EXPECT_EQ(call_from(lab.client, tcp("192.0.2.1", 80)), Talk::answered);
    EXPECT_EQ(lab.entries(lab.server), 0);
}

TEST_F(Conversion, AnIpv6ServerToo) {
    for (const char* tool : {"ip6tables-legacy-restore", "ip6tables-nft-restore"}) {
        SCOPED_TRACE(tool);
        Lab lab;
        lab.serve(lab.server, 443, false, true);
        ASSERT_TRUE(lab.load(lab.server, tool, sample("ipv6")));
        EXPECT_EQ(call_from(lab.client, tcp("2001:db8:1::1", 443)), Talk::answered);
        ASSERT_TRUE(lab.load(lab.server, tool, rewritten("--port 443/tcp", sample("ipv6"))));
        lab.forget_entries(lab.server);
        EXPECT_EQ(call_from(lab.client, tcp("2001:db8:1::1", 443)), Talk::answered);
        EXPECT_EQ(lab.entries(lab.server), 0);
    }
}

TEST_F(Conversion, ARouterPassesAsBeforeAndLeavesNoEntry) {
    for (const std::string& tool : both_tools) {
        SCOPED_TRACE(tool);
        RoutedLab lab;
        lab.serve(lab.server, 80);
        lab.serve(lab.server, 23);
        std::string after =
            rewritten("--port 80/tcp --role router --address 198.51.100.2", sample("router"));
        for (const std::string& file : {sample("router"), after}) {
            SCOPED_TRACE(file);
            ASSERT_TRUE(lab.load(lab.router, tool, file));
            lab.forget_entries(lab.router);
            EXPECT_EQ(call_from(lab.client, tcp("198.51.100.2", 80)), Talk::answered);
            EXPECT_EQ(lab.entries(lab.router) == 0, file == after);
            EXPECT_NE(call_from(lab.client, tcp("198.51.100.2", 23)), Talk::answered);
            lab.forget_entries(lab.router);
        }
    }
}

// Firewalls that replace their own table alone are loaded again and again.
TEST_F(Conversion, AnNftRouterPassesAsBeforeHoweverOftenItIsLoaded) {
    std::string before = write(
        "router.nft",
        "table inet fw\ndelete table inet fw\ntable inet fw {\n\tset clients {\n\t\ttype "
        "ipv4_addr\n\t\tflags interval\n\t\telements = { 203.0.113.0/24 }\n\t}\n\tchain forward "
        "{\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tct state vmap { "
        "established : accept, related : accept, invalid : drop }\n\t\tip saddr @clients tcp dport "
        "{ 80, 25 } ct state new counter accept\n\t}\n}\n");
    std::string after = rewritten("--port 80/tcp --role router --address 198.51.100.2", before);
    RoutedLab lab;
    for (int port : {80, 25, 23}) lab.serve(lab.server, port);
    auto rules = [&] { return output_of("ip netns exec " + lab.router + " nft -s list ruleset"); };
    ASSERT_TRUE(lab.load(lab.router, "nft -f", before));
    EXPECT_EQ(call_from(lab.client, tcp("198.51.100.2", 80)), Talk::answered);
    EXPECT_GT(lab.entries(lab.router), 0) << "before the conversion connections are tracked";
    std::string once;
    for (int load = 0; load < 2; ++load) {
        ASSERT_TRUE(lab.load(lab.router, "nft -f", after));
        lab.forget_entries(lab.router);
        EXPECT_EQ(call_from(lab.client, tcp("198.51.100.2", 80)), Talk::answered);
        EXPECT_EQ(lab.entries(lab.router), 0);
        EXPECT_EQ(call_from(lab.client, tcp("198.51.100.2", 25)), Talk::answered);
        EXPECT_GT(lab.entries(lab.router), 0) << "another service is tracked as before";
        EXPECT_NE(call_from(lab.client, tcp("198.51.100.2", 23)), Talk::answered);
        if (load == 0) once = rules();
    }
    EXPECT_EQ(rules(), once);
}

// A server behind a narrow link sends full packets; only the router's ICMP error tells it to send
// smaller ones. About an untracked flow that error is INVALID.
TEST_F(Conversion, PathMtuDiscoverySurvives) {
    const std::string filter =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A INPUT -m conntrack --ctstate INVALID -j DROP\n"
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n";
    std::string before = write("mtu.iptables", filter + "COMMIT\n");
    std::string by_hand =
        write("hand.iptables",
              filter.substr(0, filter.find("-A INPUT -m conntrack --ctstate INVALID")) +
                  "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n" +
                  filter.substr(filter.find("-A INPUT -m conntrack --ctstate INVALID")) +
                  "COMMIT\n*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n"
                  "-A OUTPUT -p tcp --sport 80 -j CT --notrack\nCOMMIT\n");
    for (const auto& [file, expected] :
         {std::pair{before, Talk::answered}, std::pair{by_hand, Talk::nothing},
          std::pair{rewritten("--port 80/tcp", before), Talk::answered}}) {
        SCOPED_TRACE(file);
        RoutedLab lab;  // a new one each time: hosts remember the MTU of a path
        lab.serve(lab.server, 80);
        ASSERT_EQ(run("ip -n " + lab.router + " link set eth0 mtu 1300"), 0);
        ASSERT_TRUE(lab.load(lab.server, "iptables-legacy-restore", file));
        EXPECT_EQ(call_from(lab.client, tcp("198.51.100.2", 80)), Talk::answered)
            << "a few bytes always pass";
        Call much = tcp("198.51.100.2", 80);
        much.much = true;
        EXPECT_EQ(call_from(lab.client, much), expected);
    }
}

// What the residue says of ICMP errors: anybody's pass, about flows that there are not.
TEST_F(Conversion, ErrorsFromAnyonePassAsTheResidueSays) {
    std::string before =
        write("errors.iptables",
              "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
              "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
              "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n");
    std::string after = rewritten("--port 80/tcp", before);
    EXPECT_NE(output_of(binary_ + " rewrite --port 80/tcp " + before + " 2>&1 >/dev/null")
                  .find("ICMP errors"),
              std::string::npos);
    Probe error;
    error.source = "192.0.2.2";
    error.destination = "192.0.2.1";
    error.protocol = 1;
    error.icmp_type = 3;
    error.icmp_code = 1;
    error.source_port = 40000;
    error.destination_port = 22;
    Lab lab;
    for (const std::string& file : {before, after}) {
        ASSERT_TRUE(lab.load(lab.server, "iptables-legacy-restore", file));
        EXPECT_EQ(deliver(lab.client, lab.server, {error}).size(), file == after ? 1U : 0U);
    }
}

namespace {

/// Both ends of a connection between two hosts, held by this process.
class Session {
  public:
    Session(const std::string& client, int listener, const std::string& address, int port) {
        near_ = socket_in(client, AF_INET, SOCK_STREAM, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
        timeval patience{2, 0};
        for (int option : {SO_SNDTIMEO, SO_RCVTIMEO})
            ::setsockopt(near_, SOL_SOCKET, option, &patience, sizeof patience);
        refused_ = ::connect(near_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0;
        pollfd p{listener, POLLIN, 0};
        if (!refused_ && ::poll(&p, 1, 2000) == 1) far_ = ::accept(listener, nullptr, nullptr);
        if (far_ >= 0) ::setsockopt(far_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~Session() {
        ::close(near_);
        if (far_ >= 0) ::close(far_);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    [[nodiscard]] bool refused() const { return refused_; }
    /// A byte there and a byte back arrive.
    [[nodiscard]] bool goes_on() const {
        char c = 'x';
        return far_ >= 0 && ::send(near_, &c, 1, MSG_NOSIGNAL) == 1 &&
               ::recv(far_, &c, 1, 0) == 1 && ::send(far_, &c, 1, MSG_NOSIGNAL) == 1 &&
               ::recv(near_, &c, 1, 0) == 1;
    }

  private:
    int near_ = -1;
    int far_ = -1;
    bool refused_ = false;
};

}  // namespace

// ufw's `limit`: the sixth connection within 30 seconds is rejected, those that are open go on.
TEST_F(Conversion, ALimitThatRemembersCountsConnectionsAsBefore) {
    std::string before = sample("ufw");
    std::string after = rewritten("--port 22/tcp", before);
    for (const std::string& tool : both_tools)
        for (const std::string& file : {before, after}) {
            SCOPED_TRACE(tool + " " + file);
            Lab lab;
            ASSERT_TRUE(lab.load(lab.server, tool, file));
            int listener = socket_in(lab.server, AF_INET, SOCK_STREAM, 0);
            sockaddr_in own{};
            own.sin_family = AF_INET;
            own.sin_port = htons(22);
            ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
            ASSERT_EQ(::listen(listener, 16), 0);
            std::deque<Session> sessions;
            for (int i = 0; i < 5; ++i) {
                sessions.emplace_back(lab.client, listener, "192.0.2.1", 22);
                EXPECT_TRUE(sessions.back().goes_on()) << i;
            }
            Session sixth(lab.client, listener, "192.0.2.1", 22);
            EXPECT_TRUE(sixth.refused());
            for (const Session& session : sessions)
                for (int i = 0; i < 8; ++i) EXPECT_TRUE(session.goes_on());
            EXPECT_EQ(lab.entries(lab.server) == 0, file == after);
            ::close(listener);
        }
}

// What the residue says of limits: a SYN whose answer was lost comes again, and counts again.
TEST_F(Conversion, ARepeatedSynCountsAgainAsTheResidueSays) {
    std::string before = sample("ufw");
    std::string deaf =
        write("deaf.iptables", "*filter\n-A INPUT -p tcp --sport 22 -j DROP\nCOMMIT\n");
    for (const std::string& file : {before, rewritten("--port 22/tcp", before)}) {
        Lab lab;
        lab.serve(lab.server, 22);
        ASSERT_TRUE(lab.load(lab.server, "iptables-legacy-restore", file));
        ASSERT_TRUE(lab.load(lab.client, "iptables-legacy-restore", deaf));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 22}), Talk::nothing);
        std::string seen =
            output_of("ip netns exec " + lab.server + " cat /proc/net/xt_recent/DEFAULT");
        ASSERT_NE(seen.find("192.0.2.2"), std::string::npos) << seen;
        // "oldest_pkt: 2 STAMP, STAMP"
        EXPECT_EQ(seen.find(',') == std::string::npos, file == before) << seen;
    }
}

}  // namespace untrack::test
