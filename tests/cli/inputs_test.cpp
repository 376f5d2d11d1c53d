// SPDX-License-Identifier: GPL-2.0-or-later
// What is read, what is not, and what is said about it.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

const std::string web =
    "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 80 -j "
    "ACCEPT\nCOMMIT\n";
const std::string tracked =
    "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 80 -m conntrack "
    "--ctstate NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n";
const std::string nft = "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n}\n";

/// The error is a line that begins with the name of the file and says all of this.
void expect_error(const Ran& ran, const std::string& about, const std::string& says) {
    EXPECT_EQ(ran.code, 2) << about << ran.err;
    EXPECT_EQ(ran.out, "") << about;
    EXPECT_NE(ran.err.find(about), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find(says), std::string::npos) << ran.err;
    EXPECT_TRUE(ran.err.ends_with('\n'));
}

}  // namespace

TEST(Inputs, OtherLanguagesAreNamedAndNeverPassedOver) {
    Folder f;
    struct Case {
        const char* text;
        const char* what;
    };
    for (const Case& c : {Case{"{\n  \"nftables\": []}\n", "nftables"},
                          Case{"#!/bin/sh\nset -e\niptables -A INPUT -j ACCEPT\n", "script"},
                          Case{"#!/bin/sh\n/sbin/ip6tables -P INPUT DROP\n", "script"},
                          Case{"#!/bin/sh\n$IPT -P INPUT DROP\n", "script"},
                          Case{"# max\nnet.netfilter.nf_conntrack_max = 65536\n", "sysctl"},
                          Case{"options nf_conntrack hashsize=65536\n", "modprobe"},
                          Case{"IPTABLES_MODULES=\"nf_conntrack_ftp\"\n", "iptables service"}}) {
        f.file("x", c.text);
        for (const char* command :
             {"lint x", "rewrite --port 80/tcp x", "rewrite --port 80/tcp --in-place x",
              "trace --packet 'udp 192.0.2.1 > 192.0.2.2' x", "dump x", "lint - <x"}) {
            Ran ran = shell(std::string("untrack ") + command, f.path());
            expect_error(ran, std::string(command).ends_with("<x") ? "<stdin>: " : "x: ",
                         "error[UT904] unsupported-language: this is");
            EXPECT_NE(ran.err.find(c.what), std::string::npos) << ran.err;
        }
    }
    f.file("rules", web);
    for (const char* language : {"iptables-config", "sysctl", "modprobe"})
        expect_error(
            shell(std::string("untrack lint --lang ") + language + " rules", f.path()), "rules: ",
            std::string("error[UT904] unsupported-language: this version does not read --lang ") +
                language);
    EXPECT_EQ(shell("untrack lint --lang cobol rules", f.path()).code, 2);
    EXPECT_EQ(shell("untrack explain UT904").code, 0);
    EXPECT_EQ(shell("untrack lint --ignore UT904 x", f.path()).code, 2) << "cannot be ignored";
}

TEST(Inputs, WhatIsNoRulesetAtAllIsSaidToBeNone) {
    Folder f;
    f.file("prose", "Dear diary\n");
    expect_error(shell("untrack lint prose", f.path()), "prose: ", "`*filter' line");
    f.file("program", std::string("\x7f"
                                  "ELF\0\1*filter\n",
                                  14));
    expect_error(shell("untrack lint program", f.path()), "program: ", "no text");
    expect_error(shell("untrack lint - <.", f.path()), "standard input: ", "directory");
    expect_error(shell("untrack lint - <&-", f.path()), "standard input: ", "descriptor");
    expect_error(shell("untrack dump .", f.path()), ".: ", "is a directory");
    EXPECT_EQ(shell("untrack lint --lang iptables prose", f.path()).code, 1) << "read all the same";
}

TEST(Inputs, NothingToReadIsNeverSilent) {
    Folder f;
    f.file("empty", "");
    f.file("comments", "# nothing\n\n");
    EXPECT_EQ(shell("untrack lint empty", f.path()).err, "empty: is empty\n");
    EXPECT_EQ(shell("untrack lint comments", f.path()).err,
              "comments: holds no table and no rule\n");
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp empty", f.path()).err, "empty: is empty\n");
    EXPECT_EQ(shell("untrack lint - </dev/null").code, 0)
        << "iptables-save of a host without rules";
    for (const char* command : {"lint", "rewrite --port 80/tcp"})
        expect_error(shell(std::string("untrack ") + command), "no path is given",
                     "standard input is empty");
    EXPECT_EQ(run({"lint"}, web).code, 0) << "iptables-save | untrack lint";
    EXPECT_EQ(run({"rewrite", "-q", "--port", "53/udp"}, web).code, 0);
    expect_error(shell("untrack lint - - </dev/null"), "standard input", "only once");
    expect_error(shell("untrack trace --packets - - </dev/null"), "standard input", "both");
}

TEST(Inputs, OptionsTakeOneValueAndLeaveThePathsAlone) {
    Folder f;
    f.file("a", tracked);
    f.file("b", tracked);
    EXPECT_EQ(shell("untrack lint -q --select UT5 a b", f.path()).code, 0);
    EXPECT_EQ(shell("untrack lint -q --ignore UT5 a b", f.path()).code, 0);
    EXPECT_EQ(shell("untrack rewrite -q --port 80/tcp --port 53/udp --in-place a b", f.path()).code,
              0);
    EXPECT_NE(read(f.path() / "a"), tracked);
    EXPECT_EQ(read(f.path() / "a"), read(f.path() / "b"));
    f.file("c", web);
    EXPECT_EQ(
        shell("untrack trace -q --packet 'tcp 192.0.2.9:1 > 192.0.2.1:80 syn' c", f.path()).code,
        0);
    EXPECT_EQ(shell("untrack lint -q --format json=x c", f.path()).code, 0);
}

TEST(Inputs, WrongWordsAreAnsweredWithTheRightOnes) {
    Folder f;
    f.file("a", web);
    EXPECT_NE(shell("untrack rewrit a").err.find("did you mean rewrite?"), std::string::npos);
    EXPECT_NE(shell("untrack xyzzy a").err.find("there is no subcommand `xyzzy'"),
              std::string::npos);
    EXPECT_NE(shell("untrack --bogus").err.find("--bogus"), std::string::npos);
    EXPECT_NE(shell("untrack lint --select ut2 a", f.path()).err.find("did you mean UT2?"),
              std::string::npos);
    Ran ran = shell("untrack lint --select UT2,stat-match,one-sided-notrak a", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(
        ran.err.find(
            "--select stat-match: no lint rule is called so: did you mean UT101 (state-match)?"),
        std::string::npos)
        << ran.err;
    EXPECT_NE(ran.err.find("--select one-sided-notrak"), std::string::npos) << ran.err;
    EXPECT_NE(shell("untrack lint --ignore '' a", f.path()).err.find("--ignore ''"),
              std::string::npos);
    EXPECT_EQ(shell("untrack").out, "");
    EXPECT_NE(shell("untrack").err.find("Subcommands:"), std::string::npos);
}

TEST(Inputs, WhatCannotBeReadIsReportedWhateverIsSelected) {
    Folder f;
    f.file("a", "*filter\n-A INPUT --nonsense\nCOMMIT\n");
    EXPECT_NE(shell("untrack lint --select UT2 a", f.path()).out.find("a:2:10: error[UT901]"),
              std::string::npos);
    EXPECT_EQ(shell("untrack lint --select UT2 a", f.path()).code, 1);
    EXPECT_EQ(shell("untrack lint --ignore UT901 a", f.path()).code, 0);
}

TEST(Inputs, DirectoriesAreSearchedByEverySubcommandThatTakesMany) {
    Folder f;
    fs::create_directories(f.path() / "etc/sub");
    f.file("etc/b.v4", tracked);
    f.file("etc/sub/a.v6", "*filter\n:INPUT DROP [0:0]\n-A INPUT -p ipv6-icmp -j ACCEPT\nCOMMIT\n");
    f.file("etc/nftables.conf", nft);
    f.file("etc/empty", "");
    fs::create_symlink("nowhere", f.path() / "etc/dangling");
    fs::create_symlink("..", f.path() / "etc/sub/loop");
    fs::create_symlink("b.v4", f.path() / "etc/again");
    ASSERT_EQ(::mkfifo((f.path() / "etc/pipe").c_str(), 0600), 0);
    Ran ran = shell("untrack lint -v etc etc/b.v4 --select UT2", f.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.err,
              "etc/again: read as iptables (IPv4), lines: 5, tables: 1, rules: 1\n"
              "etc/nftables.conf: read as nft (IPv4), lines: 4, tables: 1, rules: 0\n"
              "etc/sub/a.v6: read as ip6tables (IPv6), lines: 4, tables: 1, rules: 1\n")
        << "each file once, in order";
    EXPECT_EQ(
        shell("untrack trace -q --packet 'tcp 192.0.2.9:1 > 192.0.2.1:80 syn' etc", f.path()).code,
        0);
    fs::remove(f.path() / "etc/nftables.conf");
    EXPECT_EQ(shell("untrack rewrite -q --port 80/tcp --in-place etc", f.path()).code, 0);
    EXPECT_NE(read(f.path() / "etc/b.v4"), tracked);
    expect_error(shell("untrack rewrite -q --port 80/tcp etc", f.path()), "2 rulesets",
                 "--in-place or --diff");
    fs::create_directories(f.path() / "none");
    expect_error(shell("untrack lint none", f.path()), "none: ", "holds no ruleset");
}

TEST(Inputs, WhatMayNotBeReadIsNamed) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    Folder f;
    fs::create_directories(f.path() / "etc/secret");
    std::string file = f.file("etc/rules", web);
    ::chmod(f.path().c_str(), 0755);
    ::chmod(file.c_str(), 0600);
    fs::copy_file(std::getenv("UNTRACK_BIN"), f.path() / "program");
    std::string nobody =
        "setpriv --reuid=65534 --regid=65534 --clear-groups " + (f.path() / "program").string();
    expect_error(shell(nobody + " lint etc/rules", f.path()), "etc/rules: ", "Permission denied");
    expect_error(shell(nobody + " lint etc", f.path()), "etc/rules: ", "Permission denied");
    ::chmod(file.c_str(), 0644);
    EXPECT_EQ(shell(nobody + " lint etc", f.path()).code, 0);
    ::chmod((f.path() / "etc/secret").c_str(), 0700);
    Ran rest = shell(nobody + " lint etc", f.path());
    EXPECT_EQ(rest.code, 2);
    EXPECT_NE(rest.err.find("etc/secret: Permission denied"), std::string::npos) << rest.err;
    EXPECT_TRUE(rest.out.starts_with("no findings\n")) << "what can be read is reported";
}

TEST(Inputs, PacketsThatAreWrongAreNamedByLineAndColumn) {
    Folder f;
    f.file("rules", web);
    struct Case {
        const char* line;
        const char* says;
    };
    for (const Case& c :
         {Case{R"({"dport":80 "sport":1})", "p:2:19: error: this is no JSON: syntax error"},
          Case{R"([1])", "p:2:1: error: a packet is an object"},
          Case{R"({"proto":"tcp","dprot":80})",
               "p:2:16: error: a packet has no `dprot'; it has hook, "},
          Case{R"({"proto":"tcp", "dport": 65536})",
               "p:2:26: error: 65536 is no value for `dport': a port from 0 to 65535 is wanted"},
          Case{R"({"x\"":[{"dport":1}],"dport":-1})", "p:2:2: error: a packet has no `x\"'"},
          Case{R"({"flags":["syn","sin"]})", "p:2:10: error: this list is no value for `flags'"},
          Case{R"({"saddr":"192.0.2.1","family":6})",
               "p:2:31: error: `family' is of the other family than `saddr'"},
          Case{R"({"saddr":"192.0.2.1","daddr":"2001:db8::1"})",
               "p:2:30: error: `daddr' is of the other family than `saddr'"},
          Case{R"({"proto":"icmp","dport":80})", "p:2:17: error: icmp has no `dport'"},
          Case{R"({"flags":["syn"],"proto":"udp"})", "p:2:2: error: udp has no `flags'"},
          Case{R"({"hook":"output","iif":"eth0"})",
               "p:2:18: error: a packet at the hook output has no `iif'"}}) {
        f.file("p", std::string("{\"proto\":\"tcp\",\"dport\":80}\n") + c.line + "\n");
        Ran ran = shell("untrack trace --packets p rules", f.path());
        expect_error(ran, c.says, c.says);
    }
    f.file("p", "{\"mark\":-1}\n{}\n\r\n{\"mark\":-2}");
    Ran ran = shell("untrack trace --packets p rules", f.path());
    EXPECT_NE(ran.err.find("p:1:9: "), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("p:4:9: "), std::string::npos) << "all wrong lines are named" << ran.err;
    f.file("deep", "{\"mark\":" + std::string(1000000, '[') + std::string(1000000, ']') + "}\n");
    expect_error(shell("untrack trace --packets deep rules", f.path()),
                 "deep:1:9: ", "no value for `mark'");
    fs::create_directories(f.path() / "folder");
    expect_error(shell("untrack trace --packets folder rules", f.path()),
                 "folder: ", "is a directory");
    f.file("none", "\n");
    EXPECT_NE(
        shell("untrack trace --packets none rules", f.path()).err.find("none: holds no packet"),
        std::string::npos);
    // Packets may come in by a pipe.
    EXPECT_EQ(shell("echo '{\"proto\":\"tcp\",\"dport\":80}' | untrack trace -q --packets - rules",
                    f.path())
                  .code,
              0);
}
