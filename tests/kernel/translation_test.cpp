// SPDX-License-Identifier: GPL-2.0-or-later
// Flows that a service's NOTRACK rules take along though nobody asked: the kernel loses their
// answers, so rewrite must refuse. Each conversion is written by hand here, to see it fail.
#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class TakenAlong : public KernelTest {
  protected:
    /// The flow works with `before`, not with the NOTRACK rules and accepts that a conversion adds;
    /// and rewrite refuses to make that conversion.
    void loses(Hosts& lab, const std::string& host, const std::string& caller, const Call& call,
               const std::string& before, const std::string& accepts, const std::string& raw,
               const std::string& arguments) {
        std::string file = write("before.iptables", before);
        ASSERT_TRUE(lab.load(host, "iptables-legacy-restore", file));
        EXPECT_EQ(call_from(caller, call), Talk::answered);
        lab.forget_entries(host);
        std::string converted = before;
        converted.insert(converted.rfind("COMMIT"), accepts);
        converted += "*raw\n" + raw + "COMMIT\n";
        ASSERT_TRUE(lab.load(host, "iptables-legacy-restore", write("after.iptables", converted)));
        EXPECT_EQ(call_from(caller, call), Talk::nothing) << "then there is nothing to refuse";
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
        "--port 80/tcp --role router --address 198.51.100.2");
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
          "--port 123/udp");
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
        "--port 123/udp");
}

}  // namespace untrack::test
