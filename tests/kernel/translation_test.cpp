// SPDX-License-Identifier: GPL-2.0-or-later
// Flows that a service's NOTRACK rules take along though nobody asked: the kernel loses their
// answers, so rewrite must refuse. Each conversion is written by hand here, to see it fail.
#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class TakenAlong : public KernelTest {
  protected:
    /// The flow works with `before`, not with the NOTRACK rules and accepts that a conversion adds;
    /// rewrite refuses to make that conversion, and lint names it by the code, if there is one.
    void loses(Hosts& lab, const std::string& host, const std::string& caller, const Call& call,
               const std::string& before, const std::string& accepts, const std::string& raw,
               const std::string& arguments, const std::string& code) {
        std::string file = write("before.iptables", before);
        ASSERT_TRUE(lab.load(host, "iptables-legacy-restore", file));
        EXPECT_EQ(call_from(caller, call), Talk::answered);
        lab.forget_entries(host);
        std::string converted = before;
        converted.insert(converted.rfind("COMMIT"), accepts);
        converted += "*raw\n" + raw + "COMMIT\n";
        std::string after = write("after.iptables", converted);
        ASSERT_TRUE(lab.load(host, "iptables-legacy-restore", after));
        EXPECT_EQ(call_from(caller, call), Talk::nothing) << "then there is nothing to refuse";
        if (!code.empty()) {
            EXPECT_TRUE(reports(code, after));
            EXPECT_FALSE(reports(code, file));
        }
        EXPECT_EQ(run(binary_ + " rewrite " + arguments + " " + file), 1);
    }
};

}  // namespace

TEST_F(TakenAlong, AnswersOfAServiceThatDnatMakes) {
    RoutedLab lab;
    lab.serve(lab.server, 80);
    loses(
        lab, lab.router, lab.client, {"203.0.113.1", 8080},
        "*nat\n-A PREROUTING -d 203.0.113.1 -p tcp --dport 8080 -j DNAT --to-destination "
        "198.51.100.2:80\nCOMMIT\n*filter\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A FORWARD -d 198.51.100.2 -p tcp --dport 80 -m conntrack --ctstate NEW -j "
        "ACCEPT\nCOMMIT\n",
        "-A FORWARD -d 198.51.100.2 -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n"
        "-A FORWARD -s 198.51.100.2 -p tcp --sport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
        "-A PREROUTING -d 198.51.100.2 -p tcp --dport 80 -j CT --notrack\n"
        "-A PREROUTING -s 198.51.100.2 -p tcp --sport 80 -j CT --notrack\n",
        "--port 80/tcp --role router --address 198.51.100.2", "UT205");
}

TEST_F(TakenAlong, AnswersToAClientWhosePortMasqueradeKeeps) {
    RoutedLab lab;
    lab.serve(lab.server, 53, true);
    Call call{"198.51.100.2", 53, true};
    call.from_port = 123;
    loses(lab, lab.router, lab.client, call,
          "*nat\n-A POSTROUTING -s 203.0.113.0/24 -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n"
          ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
          "-A INPUT -p udp --dport 123 -m conntrack --ctstate NEW -j ACCEPT\n"
          "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
          "-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n",
          "-A INPUT -p udp --dport 123 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
          "-A PREROUTING -p udp --dport 123 -m addrtype --dst-type LOCAL -j CT --notrack\n"
          "-A OUTPUT -p udp --sport 123 -j CT --notrack\n",
          "--port 123/udp", "UT206");
}

TEST_F(TakenAlong, AnswersToAClientOfATranslatedServer) {
    // Both of its addresses are changed, and nobody goes that way without.
    RoutedLab lab;
    lab.serve(lab.server, 53, true);
    Call call{"203.0.113.1", 5353, true};
    call.from_port = 123;
    loses(lab, lab.router, lab.client, call,
          "*nat\n-A PREROUTING -i eth0 -p udp --dport 5353 -j DNAT --to-destination "
          "198.51.100.2:53\n-A POSTROUTING -o eth1 -j MASQUERADE\nCOMMIT\n*mangle\n"
          "-A PREROUTING -i eth0 -d 198.51.100.0/24 -j DROP\nCOMMIT\n*filter\n"
          ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
          "-A INPUT -p udp --dport 123 -m conntrack --ctstate NEW -j ACCEPT\n"
          "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
          "-A FORWARD -d 198.51.100.2 -i eth0 -p udp --dport 53 -j ACCEPT\nCOMMIT\n",
          "-A INPUT -p udp --dport 123 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
          "-A PREROUTING -p udp --dport 123 -m addrtype --dst-type LOCAL -j CT --notrack\n"
          "-A OUTPUT -p udp --sport 123 -j CT --notrack\n",
          "--port 123/udp", "");
}

TEST_F(TakenAlong, APortThatIsNotKeptStaysInItsClass) {
    RoutedLab lab;
    lab.serve(lab.server, 53, true);
    ASSERT_TRUE(
        lab.load(lab.router, "iptables-legacy-restore",
                 write("random.iptables",
                       "*nat\n-A POSTROUTING -o eth1 -p udp -j MASQUERADE --random\nCOMMIT\n")));
    struct {
        int from, first, last;
    } const classes[] = {{400, 1, 511}, {700, 600, 1023}, {5000, 1024, 65535}};
    int changed = 0;
    for (const auto& c : classes)
        for (int i = 0; i < 3; ++i) {
            lab.forget_entries(lab.router);
            Call call{"198.51.100.2", 53, true};
            call.from_port = c.from + i;
            ASSERT_EQ(call_from(lab.client, call), Talk::answered);
            std::string entries =
                output_of("ip netns exec " + lab.router + " conntrack -L -p udp 2>/dev/null");
            std::size_t at = entries.rfind("dport=");
            ASSERT_NE(at, std::string::npos) << entries;
            int port = std::stoi(entries.substr(at + 6));
            EXPECT_GE(port, c.first) << entries;
            EXPECT_LE(port, c.last) << entries;
            changed += port != call.from_port ? 1 : 0;
        }
    EXPECT_GT(changed, 0);
}

TEST_F(TakenAlong, AnswersOfAServiceThatRedirectMakes) {
    Lab lab;
    lab.serve(lab.server, 8081);
    loses(lab, lab.server, lab.client, {"192.0.2.1", 80},
          "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8081\nCOMMIT\n*filter\n"
          ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
          "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
          "-A INPUT -p tcp --dport 8081 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n",
          "-A INPUT -p tcp --dport 8081 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
          "-A PREROUTING -p tcp --dport 8081 -j CT --notrack\n"
          "-A OUTPUT -p tcp --sport 8081 -j CT --notrack\n",
          "--port 8081/tcp", "UT205");
}

TEST_F(TakenAlong, QuestionsOfClientsBehindAGateway) {
    RoutedLab lab;
    lab.serve(lab.server, 80);
    // Without translation the server has no way back.
    run("ip -n " + lab.server + " route del default");
    loses(lab, lab.router, lab.client, {"198.51.100.2", 80},
          "*nat\n-A POSTROUTING -s 203.0.113.0/24 -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n"
          ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
          "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
          "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
          "-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n",
          "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
          "-A PREROUTING -p tcp --dport 80 -j CT --notrack\n"
          "-A OUTPUT -p tcp --sport 80 -j CT --notrack\n",
          "--port 80/tcp", "UT206");
}

TEST_F(TakenAlong, AnswersOfServersOutsideToClientsBehindAGateway) {
    RoutedLab lab;
    lab.serve(lab.server, 80);
    run("ip -n " + lab.server + " route del default");
    loses(lab, lab.router, lab.client, {"198.51.100.2", 80},
          "*nat\n-A POSTROUTING -s 203.0.113.0/24 -o eth1 -j MASQUERADE\nCOMMIT\n*filter\n"
          ":FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
          "-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n",
          "",
          "-A PREROUTING -p tcp --sport 80 -j CT --notrack\n"
          "-A OUTPUT -p tcp --dport 80 -j CT --notrack\n",
          "--port 80/tcp", "UT206");
}

TEST_F(TakenAlong, NotWhereTranslatedClientsGetOtherPorts) {
    RoutedLab lab;
    lab.serve(lab.server, 53, true);
    std::string before =
        write("before.iptables",
              "*nat\n-A POSTROUTING -s 203.0.113.0/24 -o eth1 -p udp -j MASQUERADE --to-ports "
              "1024-65535\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
              "-A INPUT -p udp --dport 123 -m conntrack --ctstate NEW -j ACCEPT\n"
              "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
              "-A FORWARD -i eth0 -j ACCEPT\nCOMMIT\n");
    std::string after = rewritten("--port 123/udp", before);
    ASSERT_TRUE(lab.load(lab.router, "iptables-legacy-restore", after));
    lab.serve(lab.router, 123, true);
    Call call{"198.51.100.2", 53, true};
    call.from_port = 123;
    EXPECT_EQ(call_from(lab.client, call), Talk::answered);
    EXPECT_FALSE(reports("UT206", after));
    lab.forget_entries(lab.router);
    EXPECT_EQ(call_from(lab.client, {"203.0.113.1", 123, true}), Talk::answered);
    EXPECT_EQ(lab.entries(lab.router), 0);
}

TEST_F(TakenAlong, AnswersToTheHostsOwnQuestionsFromTheServicesPort) {
    Lab lab;
    lab.serve(lab.client, 53, true);
    Call call{"192.0.2.2", 53, true};
    call.from_port = 123;
    loses(
        lab, lab.server, lab.server, call,
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
        "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A INPUT -s 10.0.0.0/8 -p udp --dport 123 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n",
        "-A INPUT -s 10.0.0.0/8 -p udp --dport 123 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
        "-A PREROUTING -p udp --dport 123 -j CT --notrack\n-A OUTPUT -p udp --sport 123 -j CT "
        "--notrack\n",
        "--port 123/udp", "");
}

TEST_F(TakenAlong, OverLoopbackAnyChainForNatSettlesBothSides) {
    Lab lab;
    lab.serve(lab.server, 81);
    std::string file = write("nat.nft",
                             "table ip a {\n chain p { type nat hook prerouting priority -100; tcp "
                             "dport 80 redirect to :81; }\n}\n");
    ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
    EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), Talk::answered);
    EXPECT_EQ(call_from(lab.server, {"127.0.0.1", 80}), Talk::refused);
}

TEST_F(TakenAlong, ChainsForNatAreAskedUntilOneTranslates) {
    Lab lab;
    lab.serve(lab.server, 91);
    lab.serve(lab.server, 92);
    std::string file =
        write("nat.nft",
              "table ip a {\n chain p { type nat hook prerouting priority -110; tcp "
              "dport 80 redirect to :91; tcp dport 82 accept; }\n}\ntable ip b {\n "
              "chain p { type nat hook prerouting priority -100; tcp dport { 80, 81, "
              "82 } redirect to :92; }\n}\n");
    ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
    for (int port : {80, 81, 82}) {
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", port}), Talk::answered) << port;
        std::string entries = output_of("ip netns exec " + lab.server + " conntrack -L");
        lab.forget_entries(lab.server);
        EXPECT_NE(entries.find(port == 80 ? "sport=91" : "sport=92"), std::string::npos)
            << port << "\n"
            << entries;
    }
}

}  // namespace untrack::test
