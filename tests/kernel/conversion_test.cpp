// SPDX-License-Identifier: GPL-2.0-or-later
// What the kernel does with rulesets before and after a conversion: the same clients reach the same
// ports, a refused client stays refused, and the converted port leaves no entry.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <unistd.h>

#include "tests/kernel/lab.hpp"

using untrack::test::Lab;
using untrack::test::run;
using untrack::test::Talk;

namespace {

class Kernel : public ::testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "not root: network namespaces cannot be made";
        for (const char* tool :
             {"ip", "conntrack", "iptables-legacy-restore", "iptables-nft-restore"})
            if (run(std::string("command -v ") + tool) != 0)
                GTEST_SKIP() << tool << " is not installed";
        const char* binary = std::getenv("UNTRACK_BIN");
        ASSERT_NE(binary, nullptr) << "UNTRACK_BIN must name the program";
        binary_ = binary;
        folder_ =
            std::filesystem::temp_directory_path() / ("ut-kernel-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override {
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        return folder_ / name;
    }
    std::string rewritten(const std::string& arguments, const std::string& file) const {
        std::string out = folder_ / "after";
        EXPECT_EQ(run(binary_ + " rewrite " + arguments + " " + file + " > " + out +
                      ".x; code=$?; mv " + out + ".x " + out + "; exit $code"),
                  0);
        return out;
    }

    std::string binary_;
    std::filesystem::path folder_;
};

std::string sample(const std::string& name) {
    return std::string(UNTRACK_SOURCE_DIR) + "/rules-samples/" + name + "/before.iptables";
}

}  // namespace

TEST_F(Kernel, AServerWorksAsBeforeAndLeavesNoEntry) {
    for (const char* name : {"web-server", "web-server-strict"})
        for (const char* tool : {"iptables-legacy-restore", "iptables-nft-restore"}) {
            SCOPED_TRACE(std::string(name) + " " + tool);
            Lab lab;
            lab.serve(80, false);
            lab.serve(23, false);
            ASSERT_TRUE(lab.load(tool, sample(name)));
            EXPECT_EQ(lab.talk(lab.client(), "192.0.2.1", 80), Talk::answered);
            EXPECT_GT(lab.entries(), 0) << "before the conversion the connection is tracked";
            EXPECT_NE(lab.talk(lab.client(), "192.0.2.1", 23), Talk::answered);
            ASSERT_TRUE(lab.load(tool, rewritten("--port 80,443/tcp", sample(name))));
            lab.forget_entries();
            EXPECT_EQ(lab.talk(lab.client(), "192.0.2.1", 80), Talk::answered);
            EXPECT_EQ(lab.talk(lab.server(), "127.0.0.1", 80), Talk::answered);
            EXPECT_EQ(lab.talk(lab.server(), "192.0.2.1", 80), Talk::answered);
            EXPECT_EQ(lab.entries(), 0) << "after it nothing is tracked, over lo neither";
            EXPECT_NE(lab.talk(lab.client(), "192.0.2.1", 23), Talk::answered);
        }
}

TEST_F(Kernel, LoopbackWithoutAnAcceptOfItsOwnIsConvertedToo) {
    std::string before =
        write("lo.iptables",
              "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n"
              "-A INPUT -m conntrack --ctstate INVALID -j DROP\n-A INPUT -m conntrack --ctstate "
              "ESTABLISHED -j ACCEPT\n"
              "-A INPUT -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\n"
              "-A OUTPUT -m conntrack --ctstate INVALID -j DROP\n-A OUTPUT -m conntrack --ctstate "
              "NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n");
    Lab lab;
    lab.serve(80, false);
    ASSERT_TRUE(lab.load("iptables-legacy-restore", before));
    EXPECT_EQ(lab.talk(lab.server(), "127.0.0.1", 80), Talk::answered);
    ASSERT_TRUE(lab.load("iptables-legacy-restore", rewritten("--port 80/tcp", before)));
    lab.forget_entries();
    EXPECT_EQ(lab.talk(lab.server(), "127.0.0.1", 80), Talk::answered);
    EXPECT_EQ(lab.talk(lab.client(), "192.0.2.1", 80), Talk::answered);
    EXPECT_EQ(lab.entries(), 0);
}

TEST_F(Kernel, AnIpv6ServerToo) {
    std::string before =
        write("before.ip6tables",
              "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p "
              "ipv6-icmp -j ACCEPT\n"
              "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -s "
              "2001:db8:1::/64 -p tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n");
    Lab lab;
    lab.serve(80, true);
    ASSERT_TRUE(lab.load("ip6tables-legacy-restore", before));
    EXPECT_EQ(lab.talk(lab.client(), "2001:db8:1::1", 80), Talk::answered);
    ASSERT_TRUE(lab.load("ip6tables-legacy-restore", rewritten("--port 80/tcp", before)));
    lab.forget_entries();
    EXPECT_EQ(lab.talk(lab.client(), "2001:db8:1::1", 80), Talk::answered);
    EXPECT_EQ(lab.entries(), 0);
}

// What UT201 and UT202 say of half a conversion.
TEST_F(Kernel, HalfAConversionIsWorseThanNone) {
    Lab lab;
    lab.serve(80, false);
    ASSERT_TRUE(lab.load("iptables-legacy-restore", sample("half-converted")));
    EXPECT_EQ(lab.talk(lab.client(), "192.0.2.1", 80), Talk::nothing);
}

TEST_F(Kernel, TraceAgreesOnRealRulesets) {
    std::filesystem::path tool = std::filesystem::path(UNTRACK_SOURCE_DIR).parent_path() /
                                 "shared/tools/kernel_trace/kernel_trace.py";
    if (!std::filesystem::exists(tool)) GTEST_SKIP() << "no corpus of rulesets beside the checkout";
    std::string log = folder_ / "trace.log";
    std::string command = "timeout 300 python3 " + tool.string() + " --untrack " + binary_ +
                          " --corpus " + (tool.parent_path() / "../../corpus/dev").string() +
                          " --kinds iptables,ip6tables --files 50 --packets 150 --limit 200 > " +
                          log + " 2>&1";
    int status = std::system(command.c_str());
    std::ifstream in(log);
    std::string last;
    for (std::string line; std::getline(in, line);) last = line;
    EXPECT_EQ(status, 0) << last;
    std::cout << last << "\n";
}
