// SPDX-License-Identifier: GPL-2.0-or-later
// What turns connection tracking on: the kernel's answer against lint's, rule by rule.
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

class Facts : public KernelTest {};

struct Row {
    const char* what;
    const char* text;
};
// No packet meets these rules: being loaded is enough.
const Row rows[] = {
    {"state", "*filter\n-A INPUT -i nosuch0 -m state --state NEW -j ACCEPT\nCOMMIT\n"},
    {"conntrack", "*filter\n-A INPUT -i nosuch0 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n"},
    {"untracked",
     "*filter\n-A INPUT -i nosuch0 -m conntrack --ctstate UNTRACKED -j ACCEPT\nCOMMIT\n"},
    {"status", "*mangle\n-A INPUT -i nosuch0 -m conntrack --ctstatus ASSURED -j ACCEPT\nCOMMIT\n"},
    {"unreachable",
     "*filter\n:dead - [0:0]\n-A dead -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n"},
    {"connmark", "*filter\n-A INPUT -i nosuch0 -m connmark --mark 1 -j ACCEPT\nCOMMIT\n"},
    {"connbytes",
     "*filter\n-A INPUT -i nosuch0 -m connbytes --connbytes 9: --connbytes-dir both "
     "--connbytes-mode bytes -j "
     "ACCEPT\nCOMMIT\n"},
    {"connlabel", "*filter\n-A INPUT -i nosuch0 -m connlabel --label 1 -j ACCEPT\nCOMMIT\n"},
    {"connlimit",
     "*filter\n-A INPUT -i nosuch0 -p tcp -m connlimit --connlimit-above 9 -j ACCEPT\nCOMMIT\n"},
    {"helper", "*filter\n-A INPUT -i nosuch0 -m helper --helper ftp -j ACCEPT\nCOMMIT\n"},
    {"cluster",
     "*mangle\n-A PREROUTING -i nosuch0 -m cluster --cluster-total-nodes 2 --cluster-local-node 1 "
     "--cluster-hash-seed 7 -j MARK --set-mark 1\nCOMMIT\n"},
    {"CONNMARK", "*mangle\n-A PREROUTING -i nosuch0 -j CONNMARK --save-mark\nCOMMIT\n"},
    {"CT", "*raw\n-A PREROUTING -i nosuch0 -j CT\nCOMMIT\n"},
    {"CT zone", "*raw\n-A PREROUTING -i nosuch0 -j CT --zone 3\nCOMMIT\n"},
    {"CT notrack", "*raw\n-A PREROUTING -i nosuch0 -j CT --notrack\nCOMMIT\n"},
    {"NOTRACK", "*raw\n-A PREROUTING -i nosuch0 -j NOTRACK\nCOMMIT\n"},
    {"DNAT", "*nat\n-A PREROUTING -i nosuch0 -p tcp -j DNAT --to-destination 10.0.0.1\nCOMMIT\n"},
    {"SNAT", "*nat\n-A POSTROUTING -o nosuch0 -j SNAT --to-source 10.0.0.1\nCOMMIT\n"},
    {"MASQUERADE", "*nat\n-A POSTROUTING -o nosuch0 -j MASQUERADE\nCOMMIT\n"},
    {"REDIRECT", "*nat\n-A PREROUTING -i nosuch0 -p tcp -j REDIRECT --to-ports 9\nCOMMIT\n"},
    {"NETMAP", "*nat\n-A PREROUTING -i nosuch0 -j NETMAP --to 10.0.0.0/24\nCOMMIT\n"},
    {"nat policies", "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n"},
    {"nat accept", "*nat\n-A PREROUTING -i nosuch0 -j ACCEPT\nCOMMIT\n"},
    {"SYNPROXY", "*filter\n-A INPUT -i nosuch0 -p tcp -j SYNPROXY --mss 1460 --wscale 7\nCOMMIT\n"},
    {"recent", "*filter\n-A INPUT -i nosuch0 -m recent --set --name x -j ACCEPT\nCOMMIT\n"},
    {"limit", "*filter\n-A INPUT -i nosuch0 -m limit --limit 9/s -j ACCEPT\nCOMMIT\n"},
    {"addrtype", "*filter\n-A INPUT -i nosuch0 -m addrtype --dst-type LOCAL -j ACCEPT\nCOMMIT\n"},
    {"mark", "*mangle\n-A PREROUTING -i nosuch0 -j MARK --set-mark 7\nCOMMIT\n"},
    {"TCPMSS",
     "*mangle\n-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n"},
};

}  // namespace

TEST_F(Facts, LintSaysWhatTurnsConntrackOn) {
    Lab lab;
    lab.serve(lab.server, 9, true);
    int compared = 0;
    for (const Row& row : rows) {
        std::string file = write("fact.iptables", row.text);
        std::string lint =
            output_of(binary_ + " lint --family 4 --select UT1 --format json " + file);
        bool needed = nlohmann::json::parse(lint).at("conntrack").at(0).at("needed").get<bool>();
        for (const char* tool : {"iptables-legacy", "iptables-nft"}) {
            for (const char* table : {"raw", "mangle", "nat", "filter"})
                run("ip netns exec " + lab.server + " sh -c \"" + tool + " -t " + table + " -F; " +
                    tool + " -t " + table + " -X\"");
            lab.forget_entries(lab.server);
            if (!lab.load(lab.server, std::string(tool) + "-restore", file)) {
                std::cout << row.what << ": " << tool << " does not load it here\n";
                continue;
            }
            call_from(lab.client, {"192.0.2.1", 9, true});
            EXPECT_EQ(lab.entries(lab.server) > 0, needed) << row.what << ", " << tool;
            ++compared;
            for (const char* table : {"raw", "mangle", "nat", "filter"})
                run("ip netns exec " + lab.server + " sh -c \"" + tool + " -t " + table + " -F; " +
                    tool + " -t " + table + " -X\"");
        }
    }
    EXPECT_GE(compared, 50) << "nearly every rule loads with both tools";
}

}  // namespace untrack::test
