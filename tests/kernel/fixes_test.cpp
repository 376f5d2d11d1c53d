// SPDX-License-Identifier: GPL-2.0-or-later
// What lint --fix writes is still loaded, and NOTRACK under its new name does the same.
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

namespace fs = std::filesystem;

class FixesTest : public KernelTest {
  protected:
    static std::string text_of(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        std::stringstream out;
        out << in.rdbuf();
        return out.str();
    }
    /// The tool that tries a file of that name without loading it.
    static std::string tool_for(const fs::path& file) {
        return file.extension() == ".nft"         ? "nft -c -f"
               : file.extension() == ".ip6tables" ? "ip6tables-legacy-restore --test"
                                                  : "iptables-legacy-restore --test";
    }
    void fix(const std::string& file, const std::string& options) const {
        EXPECT_LT(run(binary_ + " lint -q --fix " + options + " " + file + " > /dev/null 2>&1"), 2)
            << file;
    }
};

TEST_F(FixesTest, WhatWasAcceptedIsAcceptedAfterwards) {
    Lab lab;
    const fs::path samples = fs::path(UNTRACK_SOURCE_DIR) / "rules-samples";
    std::size_t changed = 0;
    for (const auto& entry : fs::recursive_directory_iterator(samples)) {
        if (entry.path().stem() != "before") continue;
        const std::string name = "before" + entry.path().extension().string();
        for (const char* options : {"", "--unsafe-fixes"}) {
            const std::string before = text_of(entry.path());
            const std::string file = write(name, before);
            if (!lab.load(lab.server, tool_for(file), file)) continue;
            fix(file, options);
            if (text_of(file) == before) continue;
            ++changed;
            EXPECT_TRUE(lab.load(lab.server, tool_for(file), file)) << entry.path() << options;
        }
    }
    EXPECT_GT(changed, 5U);
}

TEST_F(FixesTest, EverySpellingIsAccepted) {
    Lab lab;
    const std::string rules =
        "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A PREROUTING -p tcp --dport 80 -j NOTRACK\n-A OUTPUT --jump NOTRACK -m comment "
        "--comment x\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n"
        "-A INPUT -m state --state NEW,RELATED -m conntrack --ctstate NEW -j DROP\n"
        "-A INPUT -m state ! --state NEW -m comment --comment \"-m state\" -j ACCEPT\n"
        "-A INPUT -p tcp -m state --state est,UNTRACKED --dport 22 -j ACCEPT\nCOMMIT\n";
    for (const char* tool : {"iptables-legacy-restore --test", "iptables-nft-restore --test"}) {
        const std::string file = write("spelling.iptables", rules);
        ASSERT_TRUE(lab.load(lab.server, tool, file)) << tool;
        fix(file, "--select UT5");
        EXPECT_EQ(text_of(file).find("--state"), std::string::npos) << text_of(file);
        EXPECT_TRUE(lab.load(lab.server, tool, file)) << tool << text_of(file);
    }
    // What only iptables before 1.4.3 took is taken again.
    const std::string file = write(
        "old.iptables",
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s ! 10.0.0.0/8 -i ! eth0 -p ! udp -j DROP\n"
        "-A INPUT -p tcp --dport ! 80 -j DROP\n-A INPUT -p tcp --tcp-flags ! SYN,ACK SYN -j DROP\n"
        "-A INPUT -m state --state ! NEW -j ACCEPT\n-A INPUT -m mac --mac-source ! "
        "00:00:00:00:00:01 -j ACCEPT\nCOMMIT\n");
    EXPECT_FALSE(lab.load(lab.server, "iptables-legacy-restore --test", file));
    fix(file, "--select UT503");
    EXPECT_TRUE(lab.load(lab.server, "iptables-legacy-restore --test", file)) << text_of(file);
}

TEST_F(FixesTest, TheSameRulesAreLoadedByBothNames) {
    Lab lab;
    const std::string rules =
        "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 7 -j "
        "NOTRACK\n-A OUTPUT -p tcp --sport 7 -j NOTRACK\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
        "-A INPUT -m state --state UNTRACKED -p tcp --dport 7 -j ACCEPT\nCOMMIT\n";
    lab.serve(lab.server, 7);
    const std::string file = write("names.iptables", rules);
    for (bool fixed : {false, true}) {
        if (fixed) fix(file, "--select UT5");
        EXPECT_EQ(text_of(file) == rules, !fixed);
        ASSERT_TRUE(lab.load(lab.server, "iptables-legacy-restore", file));
        EXPECT_EQ(call_from(lab.client, {"192.0.2.1", 7}), Talk::answered) << fixed;
        EXPECT_EQ(lab.entries(lab.server), 0) << fixed;
    }
}

}  // namespace
}  // namespace untrack::test
