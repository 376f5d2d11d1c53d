// SPDX-License-Identifier: GPL-2.0-or-later
// .untrack.toml: what it does, who wins, and how its errors read.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

/// UT101 and UT109 (info) and UT501 (info) in line 4.
const std::string tracked =
    "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m state --state "
    "RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n";

/// The codes that `untrack lint` finds, sorted as they come.
std::string codes(const std::string& arguments, const Folder& f) {
    Ran ran = shell("untrack lint --format json " + arguments, f.path());
    if (ran.code == 2) return ran.err;
    std::string out;
    auto json = nlohmann::json::parse(ran.out);
    for (const auto& finding : json.at("findings"))
        out += finding.at("code").get<std::string>() + " ";
    return out;
}

}  // namespace

TEST(Configuration, TheNearestFileUpwardHolds) {
    Folder f;
    fs::create_directories(f.path() / "a/b");
    f.file("a/b/rules", tracked);
    f.file("a/rules", tracked);
    f.file("rules", tracked);
    f.file(".untrack.toml", "select = ['UT501']\n");
    f.file("a/b/.untrack.toml", "select = ['UT101']\n");
    EXPECT_EQ(codes("rules", f), "UT501 ");
    EXPECT_EQ(codes("a/rules", f), "UT501 ");
    EXPECT_EQ(codes("a/b/rules", f), "UT101 ") << "alone";
    EXPECT_EQ(codes("a/b/../../a/b/./rules", f), "UT101 ");
    EXPECT_EQ(codes(". ", f), "UT101 UT501 UT501 ") << "each file has its own";
    EXPECT_EQ(codes("- <rules", f), "UT501 ") << "standard input is here";
    EXPECT_EQ(codes("--config .untrack.toml a/b/rules", f), "UT501 ");
    for (const char* flag : {"--no-config", "--isolated"})
        EXPECT_NE(codes(std::string(flag) + " rules", f).find("UT101 "), std::string::npos);
    EXPECT_EQ(shell("untrack lint --no-config --config x rules", f.path()).code, 2);
    EXPECT_NE(codes("--config none rules", f).find("none: No such file"), std::string::npos);
}

TEST(Configuration, FlagsWin) {
    Folder f;
    f.file("rules", tracked);
    f.file(".untrack.toml",
           "select = ['UT1', 'UT5']\nignore = ['UT109']\nfail-on = 'info'\nkernel = '3.10'\n");
    EXPECT_EQ(codes("rules", f), "UT101 UT501 ");
    EXPECT_EQ(codes("--ignore UT501 rules", f), "UT101 ");
    EXPECT_EQ(codes("--select UT1 rules", f), "UT109 UT101 ") << "who selects begins anew";
    EXPECT_EQ(shell("untrack lint rules", f.path()).code, 1);
    EXPECT_EQ(shell("untrack lint --fail-on warning rules", f.path()).code, 0);
    EXPECT_EQ(shell("untrack lint --exit-zero rules", f.path()).code, 0);
}

TEST(Configuration, SeveritiesCountForTheExitCode) {
    Folder f;
    f.file("rules", tracked);
    f.file(".untrack.toml", "[severity]\nUT1 = 'info'\nstate-match = 'error'\nUT5 = 'warning'\n");
    Ran ran = shell("untrack lint --select UT101,UT109,UT501 rules", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.out.find("error[UT101]"), std::string::npos) << "the narrower word wins";
    EXPECT_NE(ran.out.find("info[UT109]"), std::string::npos);
    EXPECT_NE(ran.out.find("warning[UT501]"), std::string::npos);
    EXPECT_NE(ran.out.find("1 error, 1 warning, 1 remark\n"), std::string::npos) << ran.out;
}

TEST(Configuration, SectionsAreAboutPaths) {
    Folder f;
    fs::create_directories(f.path() / "generated/deep");
    for (const char* name : {"rules.v4", "hand.rules", "generated/deep/x.v4", "generated/y"})
        f.file(name, tracked);
    f.file(".untrack.toml",
           "select = ['UT101', 'UT501']\n[[per-path]]\npaths = ['*.v4']\nignore = ['UT101']\n"
           "[[per-path]]\npaths = ['generated/']\nselect = ['UT109']\n");
    EXPECT_EQ(codes("rules.v4", f), "UT501 ");
    EXPECT_EQ(codes("hand.rules", f), "UT101 UT501 ");
    EXPECT_EQ(codes("generated/y", f), "UT109 ");
    EXPECT_EQ(codes("generated/deep/x.v4", f), "UT109 ");
    EXPECT_EQ(codes("--select UT101,UT501 rules.v4", f), "UT501 ")
        << "what a section ignores stays";
    for (const auto& [pattern, matches] :
         std::vector<std::pair<std::string, bool>>{{"generated/**/x.v4", true},
                                                   {"**/deep", true},
                                                   {"deep/*", false},
                                                   {"generated/*.v4", false},
                                                   {"generated/d??p/[w-y].v4", true},
                                                   {"./generated/deep", true},
                                                   {f.path().string() + "/generated/*/*.v4", true},
                                                   {"/generated/deep/x.v4", false},
                                                   {"x.v", false},
                                                   {"**", true}}) {
        f.file(".untrack.toml", "select = ['UT501']\n[[per-path]]\npaths = ['" + pattern +
                                    "']\nignore = ['UT501']\n");
        EXPECT_EQ(codes("generated/deep/x.v4", f), matches ? "" : "UT501 ") << pattern;
    }
}

TEST(Configuration, ErrorsReadWell) {
    Folder f;
    f.file("rules", tracked);
    f.file(".untrack.toml",
           "selct = [\"UT2\"]\n"
           "ignore = [\"UT2\", \"stat-match\", 7]\n"
           "\tfail-on = \"warn\"\n"
           "kernel = 3.10\n"
           "[severity]\n"
           "UT203 = \"fatal\"\n"
           "UT999 = \"error\"\n"
           "[services]\n"
           "ports = [\"80\", \"443/tcp\"]\n"
           "role = \"sever\"\n"
           "address = \"300.1.1.1\"\n"
           "[[per-path]]\n"
           "path = [\"*.v4\"]\n"
           "select = []\n");
    Ran ran = shell("untrack lint rules", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(
        ran.err,
        ".untrack.toml:1:1: error: a configuration has no key `selct': did you mean select?\n"
        "     1 | selct = [\"UT2\"]\n"
        "       | ^~~~~\n"
        ".untrack.toml:2:18: error: no lint rule is called `stat-match': did you mean UT101 "
        "(state-match)?\n"
        "     2 | ignore = [\"UT2\", \"stat-match\", 7]\n"
        "       |                  ^~~~~~~~~~~~\n"
        ".untrack.toml:2:32: error: `ignore' is a list of words in quotation marks, such as "
        "[\"UT2\", \"state-match\"]\n"
        "     2 | ignore = [\"UT2\", \"stat-match\", 7]\n"
        "       |                                ^\n"
        ".untrack.toml:3:12: error: `warn' is no value for `fail-on': did you mean warning?\n"
        "     3 |  fail-on = \"warn\"\n"
        "       |            ^~~~~~\n"
        ".untrack.toml:4:10: error: `kernel' is one of the words modern, 3.10, 2.6, in quotation "
        "marks\n"
        "     4 | kernel = 3.10\n"
        "       |          ^~~~\n"
        ".untrack.toml:6:9: error: `fatal' is no value for `UT203': there are info, warning, "
        "error\n"
        "     6 | UT203 = \"fatal\"\n"
        "       |         ^~~~~~~\n"
        ".untrack.toml:7:1: error: no lint rule is called `UT999': did you mean UT109 "
        "(related-established)?\n"
        "     7 | UT999 = \"error\"\n"
        "       | ^~~~~\n"
        ".untrack.toml:9:10: error: `80' is no service: the protocol is missing (expected for "
        "example 80,443/tcp or 53/udp)\n"
        "     9 | ports = [\"80\", \"443/tcp\"]\n"
        "       |          ^~~~\n"
        ".untrack.toml:10:8: error: `sever' is no value for `role': did you mean server?\n"
        "    10 | role = \"sever\"\n"
        "       |        ^~~~~~~\n"
        ".untrack.toml:11:11: error: `300.1.1.1' is no address and no network\n"
        "    11 | address = \"300.1.1.1\"\n"
        "       |           ^~~~~~~~~~~\n"
        ".untrack.toml:12:1: error: this section says no `paths', so it would hold for nothing\n"
        "    12 | [[per-path]]\n"
        "       | ^~~~~~~~~~~~\n"
        ".untrack.toml:13:1: error: a section [[per-path]] has no key `path': did you mean paths?\n"
        "    13 | path = [\"*.v4\"]\n"
        "       | ^~~~\n"
        ".untrack.toml:14:10: error: this selects nothing: without `select' all rules run\n"
        "    14 | select = []\n"
        "       |          ^~\n");
}

TEST(Configuration, WhatIsNoTomlIsSaid) {
    Folder f;
    f.file("rules", tracked);
    struct Case {
        const char* text;
        const char* says;
    };
    for (const Case& c :
         {Case{"select = [\"UT2\"\n", ":1:17: error: this is no TOML: "},
          Case{"a = 1\n\na = 2\n", ":3:5: error: this is no TOML: "},
          Case{"\xff", ":1:1: error: this is no TOML: "},
          Case{"select = 'UT2'\n", ":1:10: error: `select' is a list, such as [\"UT2\""},
          Case{"severity = 'error'\n", ":1:12: error: a table [severity] is wanted"},
          Case{"services = [1]\n", ":1:12: error: a table [services] is wanted"},
          Case{"[per-path]\npaths = ['x']\n",
               ":1:1: error: sections [[per-path]] are wanted, in two pairs of brackets"},
          Case{"[[per-path]]\npaths = ['/']\n", ":2:10: error: a pattern such as"},
          Case{"select = ['\xc3\xa4', 'UT2', 'x']\n", ":1:11: error: no lint rule is called"}}) {
        f.file(".untrack.toml", c.text);
        for (const char* command : {"lint rules", "config", "rewrite --port 80/tcp rules"}) {
            Ran ran = shell(std::string("untrack ") + command, f.path());
            EXPECT_EQ(ran.code, 2) << c.text;
            EXPECT_EQ(ran.out, "");
            EXPECT_TRUE(ran.err.starts_with(std::string(".untrack.toml") + c.says)) << ran.err;
        }
    }
    f.file(".untrack.toml", "");
    EXPECT_EQ(shell("untrack lint rules", f.path()).code, 0);
}

TEST(Configuration, ServicesAreWhatRewriteDoes) {
    Folder f;
    std::string web =
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
        "ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp "
        "--dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
    f.file("rules", web);
    std::string by_flags =
        shell("untrack rewrite --port 80/tcp --address 192.0.2.1 rules", f.path()).out;
    ASSERT_NE(by_flags.find("192.0.2.1"), std::string::npos) << by_flags;
    std::string other = shell("untrack rewrite --port 80/tcp rules", f.path()).out;
    f.file(".untrack.toml", "[services]\nports = ['80/tcp']\naddress = '192.0.2.1'\n");
    EXPECT_EQ(shell("untrack rewrite rules", f.path()).out, by_flags);
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp rules", f.path()).out, other)
        << "the file's address is that of its own services";
    EXPECT_NE(shell("untrack rewrite --address 192.0.2.7 rules", f.path()).out.find("192.0.2.7"),
              std::string::npos);
    Ran none = shell("untrack rewrite --no-config rules", f.path());
    EXPECT_EQ(none.code, 2);
    EXPECT_EQ(none.err,
              "untrack: which service? --port 80,443/tcp says it, or `ports' in a .untrack.toml\n");
}

TEST(Configuration, TheEffectiveOneIsShownWithItsSources) {
    Folder f;
    f.file("x.v4", tracked);
    f.file(
        ".untrack.toml",
        "select = ['UT1']\nfail-on = 'info'\n[services]\nports = ['80/tcp']\n[severity]\nUT109 = "
        "'error'\n[[per-path]]\npaths = ['*.v4']\nignore = ['UT103']\n");
    EXPECT_EQ(shell("untrack config --ignore UT104,UT105 --kernel 2.6 x.v4", f.path()).out,
              "x.v4: configured by .untrack.toml\n"
              "  select          UT1     .untrack.toml:1\n"
              "  ignore          UT103   .untrack.toml:9\n"
              "  ignore          UT104   --ignore\n"
              "  ignore          UT105   --ignore\n"
              "  severity.UT109  error   .untrack.toml:6\n"
              "  fail-on         info    .untrack.toml:2\n"
              "  kernel          2.6     --kernel\n"
              "  services.ports  80/tcp  .untrack.toml:4\n"
              "  services.role   server  default\n"
              "Rules that run:\n"
              "  UT101 UT102 UT106 UT107 UT109 UT901\n");
    auto json = nlohmann::json::parse(
        shell("untrack config --format json --fail-on error x.v4", f.path()).out);
    EXPECT_EQ(json.at("file"), ".untrack.toml");
    auto value = [&](const std::string& key) -> nlohmann::json {
        for (const auto& v : json.at("values"))
            if (v.at("key") == key) return v;
        return {};
    };
    EXPECT_EQ(value("select"), nlohmann::json::parse(R"({"key":"select","value":"UT1",
        "from":"file","path":".untrack.toml","line":1})"));
    EXPECT_EQ(value("fail-on"), nlohmann::json::parse(R"({"key":"fail-on","value":"error",
        "from":"flag","flag":"--fail-on"})"));
    EXPECT_EQ(value("kernel").at("from"), "default");
    bool graded = false;
    for (const auto& rule : json.at("rules"))
        graded = graded || (rule.at("code") == "UT109" && rule.at("severity") == "error");
    EXPECT_TRUE(graded);
    EXPECT_TRUE(
        shell("untrack config --no-config", f.path())
            .out.starts_with(".: no configuration file\n  select          all      default\n"));
}
