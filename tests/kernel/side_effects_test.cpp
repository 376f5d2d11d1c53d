// SPDX-License-Identifier: GPL-2.0-or-later
// What a bypass takes besides its service, or takes in vain: the kernel shows it, and lint says it
// of these very rulesets.
#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class SideEffects : public KernelTest {
  protected:
    static constexpr const char* legacy = "iptables-legacy-restore";

    std::string in(const std::string& host, const std::string& command) const {
        return "ip netns exec " + host + " " + command;
    }
};

const std::string question = "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n";
const std::string answer = "-A OUTPUT -p tcp --sport 80 -j CT --notrack\n";
const std::string established = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";

std::string raw(const std::string& rules) {
    return "*raw\n" + rules + "COMMIT\n";
}
std::string filter(const std::string& rules, const std::string& policy = "ACCEPT") {
    return "*filter\n:INPUT " + policy + " [0:0]\n" + rules + "COMMIT\n";
}

}  // namespace

TEST_F(SideEffects, BeforeConntrackEveryPacketIsInvalid) {
    // UT220: packets of open connections, too; nothing is NEW or ESTABLISHED.
    for (const char* state : {"INVALID", "NEW,RELATED,ESTABLISHED", "UNTRACKED"}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file = write("early.iptables", raw("-A PREROUTING -m conntrack --ctstate " +
                                                       std::string(state) + " -j DROP\n"));
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        bool invalid = std::string(state) == "INVALID";
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                  invalid ? Talk::nothing : Talk::answered)
            << state;
        EXPECT_EQ(reports("UT220", file), std::string(state) != "UNTRACKED") << state;
    }
    for (int priority : {-300, -201, -199}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file =
            write("early.nft", "table inet t {\nchain c {\ntype filter hook prerouting priority " +
                                   std::to_string(priority) + ";\nct state invalid drop\n}\n}\n");
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        bool early = priority < -200;
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), early ? Talk::nothing : Talk::answered)
            << priority;
        EXPECT_EQ(reports("UT220", file), early) << priority;
    }
}

TEST_F(SideEffects, PacketsGoOnAfterNotrack) {
    // UT219: the second rule meets what the first has taken.
    Lab lab;
    lab.serve(lab.server, 80);
    std::string again = "-A PREROUTING -s 192.0.2.2 -p tcp --dport 80 -j CT --notrack\n";
    std::string file = write("twice.iptables", raw(question + again + answer));
    ASSERT_TRUE(lab.load(lab.server, legacy, file));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
    std::string counts = output_of(in(lab.server, "iptables-legacy-save -c -t raw"));
    EXPECT_EQ(counts.find("[0:0] -A PREROUTING"), std::string::npos) << counts;
    EXPECT_TRUE(reports("UT219", file));
}

TEST_F(SideEffects, OnlyTheFirstPacketIsUntracked) {
    // UT210: conntrack takes the connection up in its middle.
    for (bool only_first : {true, false}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file =
            write("syn.iptables",
                  raw((only_first ? "-A PREROUTING -p tcp --dport 80 --syn -j CT --notrack\n"
                                  : question) +
                      answer) +
                      filter("-A INPUT -p tcp --dport 80 -j ACCEPT\n" + established, "DROP"));
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
        EXPECT_EQ(lab.entries(lab.server) > 0, only_first);
        EXPECT_EQ(reports("UT210", file), only_first);
    }
}

TEST_F(SideEffects, DataConnectionsNeedTheirHelper) {
    // UT214: who opens them is told on the control connection, which the helper must read.
    if (run("command -v python3") != 0) GTEST_SKIP() << "python3 is not installed";
    std::string server = write("server.py",
                               "import socket\n"
                               "s = socket.create_server(('', 21))\n"
                               "d = socket.create_server(('', 20000))\n"
                               "s.settimeout(10)\n"
                               "c, _ = s.accept()\n"
                               "c.sendall(b'220 hello\\r\\n')\n"
                               "c.recv(9)\n"
                               "c.sendall(b'227 Entering Passive Mode (192,0,2,1,78,32)\\r\\n')\n"
                               "c.recv(9)\n");
    std::string client =
        write("client.py",
              "import socket\n"
              "for i in range(30):\n"
              "    try: c = socket.create_connection(('192.0.2.1', 21), 2); break\n"
              "    except ConnectionRefusedError: __import__('time').sleep(0.1)\n"
              "c.recv(99); c.sendall(b'PASV\\r\\n'); c.recv(99)\n"
              "socket.create_connection(('192.0.2.1', 20000), 2)\n");
    for (bool bypass : {false, true}) {
        Lab lab;
        std::string file =
            write("ftp.iptables",
                  raw(bypass ? "-A PREROUTING -p tcp --dport 21 -j CT --notrack\n-A OUTPUT -p tcp "
                               "--sport 21 -j CT --notrack\n"
                             : "-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\n") +
                      filter(established + "-A INPUT -p tcp --dport 21 -j ACCEPT\n", "DROP"));
        if (!lab.load(lab.server, legacy, file)) GTEST_SKIP() << "this kernel has no ftp helper";
        run("timeout 12 " + in(lab.server, "python3 " + server) + " &");
        EXPECT_EQ(run("timeout 12 " + in(lab.client, "python3 " + client)) == 0, !bypass);
        EXPECT_EQ(reports("UT214", file), bypass);
    }
}

TEST_F(SideEffects, AnswersOfRejectAreInvalid) {
    // UT225
    for (const char* with : {"tcp-reset", "icmp-port-unreachable"})
        for (bool tracked : {false, true}) {
            Lab lab;
            std::string file =
                write("reject.iptables",
                      raw(tracked ? "" : question + answer) +
                          filter("-A INPUT -p tcp --dport 80 -j REJECT --reject-with " +
                                 std::string(with) +
                                 "\n-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n"));
            ASSERT_TRUE(lab.load(lab.server, legacy, file));
            EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                      tracked ? Talk::refused : Talk::nothing)
                << with;
            EXPECT_EQ(reports("UT225", file), !tracked) << with;
        }
    // nft's own reset meets NOTRACK like other packets.
    for (const char* with : {"", " with tcp reset"})
        for (bool both : {false, true}) {
            Lab lab;
            std::string file = write(
                "reject.nft",
                "table ip t {\nchain p {\ntype filter hook prerouting priority raw;\ntcp dport 80 "
                "notrack\n}\nchain o {\ntype filter hook output priority raw;\n" +
                    std::string(both ? "tcp sport 80 notrack\n" : "") +
                    "}\nchain i {\ntype filter hook input priority 0;\ntcp dport 80 reject" + with +
                    "\n}\nchain out {\ntype filter hook output priority 0;\nct state invalid "
                    "drop\n}\n}\n");
            ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
            bool passes = both && std::string(with) != "";
            EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                      passes ? Talk::refused : Talk::nothing)
                << with << both;
            EXPECT_EQ(reports("UT225", file), !passes) << with << both;
        }
}

TEST_F(SideEffects, ClientsOpenConnectionsFromAServicesPort) {
    // UT226: 50000 is another host's service.
    for (bool bound : {false, true}) {
        RoutedLab lab;
        lab.serve(lab.server, 80);
        std::string destination = bound ? "-d 198.51.100.9 " : "";
        std::string file = write(
            "router.iptables",
            raw("-A PREROUTING " + destination +
                "-p tcp --dport 50000 -j CT --notrack\n-A PREROUTING " +
                (bound ? "-s 198.51.100.9 " : "") + "-p tcp --sport 50000 -j CT --notrack\n") +
                "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j "
                "ACCEPT\n-A FORWARD -i eth0 -p tcp --dport 80 -m conntrack --ctstate "
                "NEW,UNTRACKED -j ACCEPT\n-A FORWARD -d 198.51.100.9 -p tcp --dport 50000 -m "
                "conntrack --ctstate UNTRACKED -j ACCEPT\n-A FORWARD -s 198.51.100.9 -p tcp "
                "--sport 50000 -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n");
        ASSERT_TRUE(lab.load(lab.router, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"198.51.100.2", 80, false, 20000}), Talk::answered);
        EXPECT_EQ(call_from(lab.client, {"198.51.100.2", 80, false, 50000}),
                  bound ? Talk::answered : Talk::nothing);
        EXPECT_EQ(reports("UT226", file), !bound);
    }
}

TEST_F(SideEffects, UntrackedPacketsDoNotEnterNatChains) {
    // UT228
    for (bool bypass : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file = write("nat.iptables",
                                 "*nat\n-A PREROUTING -p tcp --dport 80 -j MARK --set-mark 1\n"
                                 "COMMIT\n" +
                                     raw(bypass ? question + answer : "") + filter(established));
        ASSERT_TRUE(lab.load(lab.server, legacy, file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
        std::string counts = output_of(in(lab.server, "iptables-legacy-save -c -t nat"));
        EXPECT_EQ(counts.find("[0:0] -A PREROUTING") != std::string::npos, bypass) << counts;
        EXPECT_EQ(reports("UT228", file), bypass);
    }
    // A drop in a nat chain is none as soon as nothing tracks.
    for (bool tracks : {false, true}) {
        Lab lab;
        lab.serve(lab.server, 80);
        std::string file = write(
            "nat.nft",
            "table ip t {\nchain p {\ntype nat hook prerouting priority dstnat;\ntcp dport 80 "
            "drop\n}\nchain i {\ntype filter hook input priority 0;\n" +
                std::string(tracks ? "ct state established accept\n" : "") + "}\n}\n");
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                  tracks ? Talk::nothing : Talk::answered);
        EXPECT_EQ(reports("UT228", file), !tracks);
    }
}

TEST_F(SideEffects, SavesOfNftTablesAreNotWhole) {
    // UT515: the tool succeeds, and says in a comment what it has left out.
    Lab lab;
    std::string loaded = write(
        "loaded.nft",
        "table ip filter {\nchain INPUT {\ntype filter hook input priority 0;\ntcp dport 22 "
        "accept\n}\nchain other {\ntype filter hook input priority 5;\ntcp dport 23 "
        "drop\n}\n}\ntable ip raw {\nchain PREROUTING {\ntype filter hook prerouting priority "
        "-300;\nct state untracked accept\n}\n}\n");
    ASSERT_TRUE(lab.load(lab.server, "nft -f", loaded));
    std::string saved = output_of(in(lab.server, "iptables-nft-save"));
    EXPECT_NE(saved.find("# Table `raw' is incompatible, use 'nft' tool."), std::string::npos)
        << saved;
    EXPECT_NE(saved.find("# Table `filter' contains incompatible base-chains"), std::string::npos)
        << saved;
    EXPECT_TRUE(reports("UT515", write("saved.iptables", saved)));
    EXPECT_FALSE(reports("UT515", write("plain.iptables", filter(established))));
}

}  // namespace untrack::test
