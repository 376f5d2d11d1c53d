// SPDX-License-Identifier: GPL-2.0-or-later
// Files that are one host, and files that are none: by what is given, by names, by tables.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/run.hpp"

using namespace untrack::test;

namespace {

const std::string filter =
    "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -j ACCEPT\n"
    "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
    "-A INPUT -s ADDRESS -j ACCEPT\nCOMMIT\n";

std::string of(const std::string& address) {
    std::string text = filter;
    return text.replace(text.find("ADDRESS"), 7, address);
}
const std::string four = of("192.0.2.7");
const std::string six = of("2001:db8::7");
const std::string converted =
    "*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\n"
    "-A OUTPUT -p tcp --sport 80 -j CT --notrack\nCOMMIT\n" +
    four;

/// Whether it says that the service is untracked in one family.
bool says(const std::vector<std::string>& paths) {
    std::vector<std::string> words{"lint", "--select", "UT213"};
    words.insert(words.end(), paths.begin(), paths.end());
    Ran ran = run(words);
    bool found = ran.out.find("[UT213]") != std::string::npos;
    EXPECT_EQ(ran.code, found ? 1 : 0) << ran.out << ran.err;
    return found;
}

}  // namespace

TEST(Hosts, FilesThatAreGivenAreOne) {
    Folder folder;
    std::string a = folder.file("web", converted);
    std::string b = folder.file("other", six);
    EXPECT_FALSE(says({a}));
    EXPECT_TRUE(says({a, b}));
    EXPECT_TRUE(says({b, a}));
    std::string nft = folder.file(
        "host.nft",
        "table inet f {\nchain input {\ntype filter hook input priority 0; policy drop;\n"
        "tcp dport 80 accept\nct state established accept\n}\n}\n");
    EXPECT_TRUE(says({folder.file("raw", converted.substr(0, converted.find("*filter"))), nft}));
}

TEST(Hosts, FilesOfSeveralHostsAreNotTakenForOne) {
    Folder folder;
    // Two hosts: each has a filter table of IPv4.
    std::string a = folder.file("a.iptables", converted);
    std::string b = folder.file("b.iptables", four);
    std::string b6 = folder.file("b.ip6tables", six);
    EXPECT_FALSE(says({a, b, b6}));
    std::string a6 = folder.file("a.ip6tables", six);
    EXPECT_TRUE(says({a, b, b6, a6}));
}

TEST(Hosts, OfFilesThatAreFoundTheNamesTell) {
    const std::vector<std::pair<std::string, std::string>> pairs{
        {"rules.v4", "rules.v6"},
        {"iptables", "ip6tables"},
        {"iptables.up.rules", "ip6tables.up.rules"},
        {"before.rules", "before6.rules"},
        {"web.iptables", "web.ip6tables"},
        {"host-ipv4.txt", "host-ipv6.txt"},
        {"ipv4", "ipv6"},
        {"rules-v4", "rules-v6"}};
    for (const auto& [a, b] : pairs) {
        Folder folder;
        folder.file(a, converted);
        folder.file(b, six);
        EXPECT_TRUE(says({folder.path()})) << a << " " << b;
    }
    const std::vector<std::pair<std::string, std::string>> strangers{{"a.iptables", "b.ip6tables"},
                                                                     {"web1", "web2"},
                                                                     {"rules.v4", "more.v6"},
                                                                     {"host4a", "host6a"}};
    for (const auto& [a, b] : strangers) {
        Folder folder;
        folder.file(a, converted);
        folder.file(b, six);
        EXPECT_FALSE(says({folder.path()})) << a << " " << b;
    }
}

TEST(Hosts, TheAnswerIsForAllFilesOfAFamily) {
    Folder folder;
    std::string quiet = folder.file("quiet", "*filter\n-A INPUT -s 192.0.2.9 -j DROP\nCOMMIT\n");
    std::string needs =
        folder.file("needs", "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n");
    std::string other = folder.file("other", "*filter\n-A INPUT -s 2001:db8::9 -j DROP\nCOMMIT\n");
    auto report = nlohmann::json::parse(run({"lint", "--format", "json", quiet, needs, other}).out);
    ASSERT_EQ(report["conntrack"].size(), 2U);
    EXPECT_EQ(report["conntrack"][0]["family"], "4");
    EXPECT_EQ(report["conntrack"][0]["needed"], true);
    ASSERT_EQ(report["conntrack"][0]["by"].size(), 1U);
    EXPECT_EQ(report["conntrack"][0]["by"][0]["path"], needs);
    EXPECT_EQ(report["conntrack"][1]["family"], "6");
    EXPECT_EQ(report["conntrack"][1]["needed"], false);
    Ran text = run({"lint", quiet, needs, other});
    EXPECT_NE(text.out.find("IPv4: connection tracking is needed by 1 rule: at " + needs + ":2\n"),
              std::string::npos)
        << text.out;
    EXPECT_NE(text.out.find("IPv6: nothing here needs connection tracking\n"), std::string::npos)
        << text.out;
    // An inet table needs it for both.
    std::string inet = folder.file(
        "inet.nft",
        "table inet f {\nchain input {\ntype filter hook input priority 0;\nct state invalid "
        "drop\n}\n}\n");
    report = nlohmann::json::parse(run({"lint", "--format", "json", quiet, other, inet}).out);
    EXPECT_EQ(report["conntrack"][0]["needed"], true);
    EXPECT_EQ(report["conntrack"][1]["needed"], true);
}

TEST(Hosts, ThreadsChangeNothing) {
    Folder folder;
    std::vector<std::string> words{"lint", "--jobs", "1", "--select", "UT1,UT2"};
    for (int i = 0; i < 12; ++i) {
        words.push_back(folder.file("h" + std::to_string(i) + "x.iptables", converted));
        words.push_back(folder.file("h" + std::to_string(i) + "x.ip6tables", six));
    }
    Ran one = run(words);
    words[2] = "4";
    EXPECT_EQ(run(words).out, one.out);
    std::size_t found = 0;
    for (std::size_t at = 0; (at = one.out.find("[UT213]", at)) != std::string::npos; ++at) ++found;
    EXPECT_EQ(found, 12U);
    auto json = words;
    json.insert(json.end(), {"--format", "json"});
    auto report = nlohmann::json::parse(run(json).out);
    // What is found of hosts is counted as well.
    std::size_t warnings = 0;
    for (const auto& finding : report["findings"])
        if (finding["severity"] == "warning") ++warnings;
    EXPECT_EQ(report["summary"]["warning"].get<std::size_t>(), warnings);
}
