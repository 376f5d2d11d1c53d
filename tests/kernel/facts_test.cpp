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

namespace {

/// In "table ip t { chain c { type filter hook input priority 0; ... } }", unless it is a table.
const Row nft_rows[] = {
    {"ct state", "iifname nosuch0 ct state new accept"},
    {"ct state untracked", "iifname nosuch0 ct state untracked accept"},
    {"ct state vmap", "iifname nosuch0 ct state vmap { new : accept }"},
    {"ct status", "iifname nosuch0 ct status assured accept"},
    {"ct mark", "iifname nosuch0 ct mark 1 accept"},
    {"ct label", "iifname nosuch0 ct label 1 accept"},
    {"ct bytes", "iifname nosuch0 ct bytes > 9 accept"},
    {"ct direction", "iifname nosuch0 ct direction original accept"},
    {"ct count", "iifname nosuch0 ct count over 9 drop"},
    {"ct mark set", "iifname nosuch0 ct mark set 1"},
    {"meta mark set", "iifname nosuch0 meta mark set 1"},
    {"limit", "iifname nosuch0 limit rate 9/second accept"},
    {"fib", "iifname nosuch0 fib daddr type local accept"},
    {"set update",
     "table ip t { set s { type ipv4_addr; flags dynamic; }\n chain c { type filter "
     "hook input priority 0; iifname nosuch0 add @s { ip saddr }; } }"},
    {"notrack",
     "table ip t { chain c { type filter hook prerouting priority -300; iifname nosuch0 "
     "notrack; } }"},
    {"dnat",
     "table ip t { chain c { type nat hook prerouting priority -100; iifname nosuch0 dnat "
     "to 10.0.0.1; } }"},
    {"masquerade",
     "table ip t { chain c { type nat hook postrouting priority 100; oifname nosuch0 "
     "masquerade; } }"},
    {"redirect",
     "table ip t { chain c { type nat hook prerouting priority -100; iifname nosuch0 "
     "tcp dport 9 redirect to :8; } }"},
    {"an empty nat chain", "table ip t { chain c { type nat hook prerouting priority -100; } }"},
    {"inet behind nfproto",
     "table inet t { chain c { type filter hook input priority 0; meta "
     "nfproto ipv6 ct state new accept; } }"},
    {"ip6", "table ip6 t { chain c { type filter hook input priority 0; ct state new accept; } }"},
    {"unreachable", "table ip t { chain c { ct state new accept; } }"},
    {"ct helper", "table ip t { ct helper h { type \"ftp\" protocol tcp; } }"},
    {"ct timeout",
     "table ip t { ct timeout o { protocol tcp; policy = { established : 100 } ; } }"},
    {"ct expectation",
     "table ip t { ct expectation e { protocol tcp; dport 9; timeout 1m; size 1; "
     "} }"},
    {"synproxy", "table ip t { synproxy p { mss 1460; wscale 7; timestamp; sack-perm; } }"},
    {"a set that counts",
     "table ip t { set s { type ipv4_addr; flags dynamic; ct count over 9; } }"},
};

}  // namespace

TEST_F(Facts, LintSaysWhatOfNftablesTurnsConntrackOn) {
    Lab lab;
    lab.serve(lab.server, 9, true);
    int compared = 0;
    for (const Row& row : nft_rows) {
        std::string text = row.text;
        if (!text.starts_with("table"))
            text = "table ip t { chain c { type filter hook input priority 0; " + text + "; } }";
        // nft wants a line end between two closing braces.
        for (std::size_t at = 0; (at = text.find("} }", at)) != std::string::npos; ++at)
            text[at + 1] = '\n';
        std::string file = write("fact.nft", text + "\n");
        auto report =
            nlohmann::json::parse(output_of(binary_ + " lint --select UT1 --format json " + file));
        bool needed = false;
        for (const auto& family : report.at("conntrack"))
            if (family.at("family") == "4") needed = family.at("needed").get<bool>();
        run("ip netns exec " + lab.server + " nft flush ruleset");
        lab.forget_entries(lab.server);
        if (!lab.load(lab.server, "nft -f", file)) {
            std::cout << row.what << ": nft does not load it here\n";
            continue;
        }
        call_from(lab.client, {"192.0.2.1", 9, true});
        EXPECT_EQ(lab.entries(lab.server) > 0, needed) << row.what;
        ++compared;
    }
    EXPECT_GE(compared, 22);
}

TEST_F(Facts, AHookCallsTheNewestOfEqualChainsFirst) {
    Lab lab;
    lab.serve(lab.server, 9);
    std::string rules =
        "table ip t {\n chain first { type filter hook input priority 0; tcp dport 9 reject with "
        "tcp "
        "reset; }\n chain second { type filter hook input priority 0; tcp dport 9 drop; }\n}\n";
    const std::string packet = " trace --packet \"tcp 192.0.2.2:1025 > 192.0.2.1:9 syn in eth0\" ";
    for (bool swapped : {false, true}) {
        std::string text = rules;
        if (swapped) {
            text.replace(text.find("reject with tcp reset"), 21, "drop");
            text.replace(text.rfind("drop"), 4, "reject with tcp reset");
        }
        std::string file = write("order.nft", "flush ruleset\n" + text);
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 9}), swapped ? Talk::refused : Talk::nothing);
        EXPECT_NE(
            output_of(binary_ + packet + file).find(swapped ? "verdict: reject" : "verdict: drop"),
            std::string::npos);
    }
}

namespace {

/// The answer to a SYN from the client to port 80 of the server.
const std::string question = " trace --packet \"tcp 192.0.2.2:1025 > 192.0.2.1:80 syn in eth0\" ";

}  // namespace

TEST_F(Facts, ChainsOfTypeNatStandWhereNatStands) {
    // Whatever their priority: a chain before NAT sees the port that was asked for.
    Lab lab;
    lab.serve(lab.server, 8080);
    for (const char* nat_priority : {"-199", "-100", "300"})
        for (const char* filter_priority : {"-150", "-50"}) {
            std::string file = write(
                "place.nft",
                std::string("flush ruleset\ntable ip t {\n chain n { type nat hook prerouting "
                            "priority ") +
                    nat_priority + "; tcp dport 80 redirect to :8080; }\n" +
                    " chain f { type filter hook prerouting priority " + filter_priority +
                    "; tcp dport 80 drop; }\n}\n");
            ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
            bool dropped = std::string_view(filter_priority) == "-150";
            EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}),
                      dropped ? Talk::nothing : Talk::answered);
            // What a translation changes is not followed, and trace says so.
            std::string answer = output_of(binary_ + question + file);
            EXPECT_NE(answer.find("verdict: drop"), std::string::npos) << answer;
            EXPECT_EQ(answer.find("a NAT rule applies") == std::string::npos, dropped)
                << nat_priority << " " << filter_priority;
        }
}

TEST_F(Facts, KeysOfAnEntryEndTheRuleWhereThereIsNone) {
    // Unlike those of iptables in both polarities; numbers are states, too.
    struct Asked {
        const char* match;
        bool untracked;  ///< whether an untracked packet matches
        bool first;      ///< whether a tracked one does
    };
    const Asked all[] = {
        {"ct helper != \"ftp\"", false, false}, {"ct label != 1", false, true},
        {"ct mark != 1", false, true},          {"ct direction != reply", false, true},
        {"ct status != dnat", false, true},     {"ct original ip saddr != 192.0.2.9", false, true},
        {"ct state 0x40", true, false},         {"ct state 8", false, true},
        {"ct state 10", false, true},           {"ct state { 2, 64 }", true, false},
        {"ct state != 8", true, false},         {"ct state & 0x48 != 0", true, true},
    };
    Lab lab;
    lab.serve(lab.server, 80, true);
    for (const Asked& asked : all)
        for (bool untracked : {false, true}) {
            std::string file =
                write("keys.nft",
                      std::string("flush ruleset\ntable ip t {\n") +
                          (untracked ? " chain r { type filter hook prerouting priority -300; "
                                       "notrack; }\n chain o { type filter hook output priority "
                                       "-300; notrack; }\n"
                                     : "") +
                          " chain f { type filter hook input priority 0; " + asked.match +
                          " drop; }\n}\n");
            ASSERT_TRUE(lab.load(lab.server, "nft -f", file)) << asked.match;
            lab.forget_entries(lab.server);
            bool dropped = untracked ? asked.untracked : asked.first;
            EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80, true}),
                      dropped ? Talk::nothing : Talk::answered)
                << asked.match << (untracked ? ", untracked" : "");
            std::string answer = output_of(
                binary_ + " trace --packet \"udp 192.0.2.2:1025 > 192.0.2.1:80 in eth0\" " + file);
            if (answer.find("verdict: unknown") != std::string::npos) continue;
            EXPECT_NE(answer.find(dropped ? "verdict: drop" : "verdict: accept"), std::string::npos)
                << asked.match << (untracked ? ", untracked\n" : "\n") << answer;
        }
}

TEST_F(Facts, NotrackAfterConntrackIsLoadedAndDoesNothing) {
    Lab lab;
    lab.serve(lab.server, 80);
    for (const char* priority : {"-300", "-201", "-150", "0"}) {
        std::string file = write(
            "late.nft", std::string("flush ruleset\ntable ip t {\n chain p { type filter hook "
                                    "prerouting priority ") +
                            priority +
                            "; tcp dport 80 notrack; }\n chain i { type filter hook input "
                            "priority 0; ct state untracked drop; }\n}\n");
        ASSERT_TRUE(lab.load(lab.server, "nft -f", file));
        bool late = std::string_view(priority).size() < 4 || std::string_view(priority) == "-150";
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 80}), late ? Talk::answered : Talk::nothing);
        EXPECT_EQ(reports("UT208", file), late) << priority;
        EXPECT_NE(
            output_of(binary_ + question + file).find(late ? "verdict: accept" : "verdict: drop"),
            std::string::npos)
            << priority;
    }
}

/// What the kernel gives back is another spelling of what it was given.
TEST_F(Facts, AListingIsTheSameToVerify) {
    std::vector<std::filesystem::path> files;
    for (const auto& dir : std::filesystem::directory_iterator(
             std::filesystem::path(UNTRACK_SOURCE_DIR) / "rules-samples"))
        if (std::filesystem::exists(dir.path() / "before.nft"))
            files.push_back(dir.path() / "before.nft");
    ASSERT_GE(files.size(), 10U);
    Lab lab;
    int compared = 0;
    for (const auto& file : files) {
        std::string here = "cd " + file.parent_path().string() + " && ";
        run("ip netns exec " + lab.server + " nft flush ruleset");
        std::string load = here + "ip netns exec " + lab.server + " nft -f before.nft";
        if (run(load) != 0) continue;
        std::string listed =
            write("listed.nft", output_of("ip netns exec " + lab.server + " nft -s list ruleset"));
        EXPECT_EQ(run(here + binary_ + " verify before.nft " + listed), 0) << file;
        ++compared;
    }
    EXPECT_GE(compared, 10);
}

}  // namespace untrack::test
