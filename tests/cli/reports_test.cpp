// SPDX-License-Identifier: GPL-2.0-or-later
// --format, --jobs, --color and the shapes of the reports, key by key: other programs depend on
// them.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Keys = std::vector<std::string>;

namespace {

const std::string web =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
    "ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp "
    "--dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
const std::string one_sided = "*raw\n-A PREROUTING -p tcp --dport 80 -j NOTRACK\nCOMMIT\n" + web;
const std::string translated =
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination "
    "10.0.0.1\nCOMMIT\n" +
    web;

Keys keys(const Json& object) {
    Keys all;
    for (const auto& [key, value] : object.items()) all.push_back(key);
    return all;
}

const std::string packet = "--packet 'tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0' ";

}  // namespace

TEST(Reports, LintHasTheContractsKeys) {
    Folder f;
    Ran ran = shell("untrack lint --format json " + f.file("rules", one_sided));
    EXPECT_EQ(ran.code, 1) << ran.err;
    Json j = Json::parse(ran.out);
    EXPECT_EQ(keys(j), (Keys{"version", "files", "findings", "conntrack", "summary"}));
    EXPECT_EQ(keys(j["files"][0]), (Keys{"path", "language", "family", "syntax_errors"}));
    EXPECT_EQ(j["files"][0]["family"], "4");
    EXPECT_EQ(keys(j["conntrack"][0]), (Keys{"family", "needed", "by"}));
    EXPECT_EQ(keys(j["conntrack"][0]["by"][0]), (Keys{"path", "line", "why"}));
    EXPECT_EQ(keys(j["summary"]), (Keys{"error", "warning", "info", "suppressed", "baseline"}));
    bool witness = false;
    bool fix = false;
    for (const Json& finding : j["findings"]) {
        Keys wanted{"code",     "name",       "severity", "message", "path", "line", "column",
                    "end_line", "end_column", "table",    "chain",   "rule", "fixes"};
        if (finding.contains("witness")) wanted.emplace_back("witness");
        wanted.emplace_back("fingerprint");
        EXPECT_EQ(keys(finding), wanted);
        witness = witness || finding.contains("witness");
        for (const Json& one : finding["fixes"]) {
            fix = true;
            EXPECT_EQ(keys(one), (Keys{"title", "applicability", "edits"}));
            EXPECT_EQ(keys(one["edits"][0]), (Keys{"start", "end", "text"}));
        }
    }
    EXPECT_TRUE(witness);
    EXPECT_TRUE(fix);
}

TEST(Reports, RewriteHasTheContractsKeys) {
    Folder f;
    Ran ran = shell("untrack rewrite --port 80/tcp --format json " + f.file("a", web) + " " +
                    f.file("b", translated) + " " + f.file("c", "*filter\n-A INPUT --x\nCOMMIT\n") +
                    " " + f.file("d", "*filter\nCOMMIT\n"));
    EXPECT_EQ(ran.code, 2) << ran.err;
    Json j = Json::parse(ran.out);
    EXPECT_EQ(keys(j), (Keys{"version", "files"}));
    ASSERT_EQ(j["files"].size(), 4U);
    for (const Json& file : j["files"])
        EXPECT_EQ(keys(file), (Keys{"path", "status", "reasons", "edits", "residue"}));
    EXPECT_EQ(j["files"][0]["status"], "rewritten");
    EXPECT_EQ(keys(j["files"][0]["edits"][0]), (Keys{"start", "end", "text"}));
    EXPECT_EQ(j["files"][0]["residue"][0].begin().key(), "what");
    EXPECT_EQ(j["files"][1]["status"], "refused");
    Keys reason = keys(j["files"][1]["reasons"][0]);
    reason.resize(3);
    EXPECT_EQ(reason, (Keys{"code", "message", "line"}));
    EXPECT_EQ(j["files"][1]["reasons"][0]["line"], 3);
    EXPECT_EQ(j["files"][2]["status"], "failed");
    EXPECT_NE(j["files"][2]["reasons"][0]["message"], "");
}

TEST(Reports, TraceHasTheContractsKeys) {
    Folder f;
    Ran ran = shell("untrack trace --format json " + packet + f.file("rules", web));
    ASSERT_EQ(ran.code, 0) << ran.err;
    Json j = Json::parse(ran.out);
    EXPECT_EQ(keys(j), (Keys{"packet", "verdict", "untracked", "unknown_on", "steps"}));
    EXPECT_EQ(keys(j["packet"]), (Keys{"hook", "family", "proto", "saddr", "daddr", "sport",
                                       "dport", "flags", "iif"}));
    EXPECT_EQ(keys(j["steps"][0]),
              (Keys{"hook", "table", "chain", "path", "line", "rule", "matched", "action"}));
    EXPECT_EQ(j["untracked"], false);
}

TEST(Reports, VerifyHasTheContractsKeys) {
    Folder f;
    f.file("a", web);
    f.file("b", one_sided);
    EXPECT_EQ(shell("untrack verify --format json=same.json a a", f.path()).code, 0);
    EXPECT_EQ(Json::parse(read(f.path() / "same.json"))["result"], "same");
    Ran ran = shell("untrack verify --format json a b", f.path());
    EXPECT_EQ(ran.code, 1) << ran.err;
    Json j = Json::parse(ran.out);
    EXPECT_EQ(keys(j), (Keys{"version", "result", "differences", "more", "residue", "undecided"}));
    Keys difference = keys(j["differences"][0]);
    difference.resize(5);
    EXPECT_EQ(difference, (Keys{"kind", "message", "witness", "before", "after"}));
    EXPECT_EQ(shell("untrack verify --port 80/tcp a b", f.path()).code, 1);
    EXPECT_EQ(shell("untrack verify --lang sysctl a b", f.path()).code, 2);
}

TEST(Reports, GoWhereFormatSendsThem) {
    Folder f;
    std::string rules = f.file("rules", one_sided);
    std::string text = shell("untrack lint " + rules).out;
    std::string json = shell("untrack lint --format json " + rules).out;
    f.file("a.json", "old");
    Ran ran = shell("untrack lint --format text --format json=a.json rules", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(shell("cat a.json", f.path()).out,
              shell("untrack lint --format json rules", f.path()).out);
    EXPECT_EQ(shell("untrack lint --format json=b.json --format text=b.txt " + rules, f.path()).out,
              "");
    EXPECT_EQ(read(f.path() / "b.json"), json);
    EXPECT_EQ(read(f.path() / "b.txt"), text);
    EXPECT_EQ(shell("untrack lint --format json=/dev/stdout --format text=/dev/null " + rules).out,
              json);
    EXPECT_EQ(shell("untrack lint --format json=- " + rules).out, json);
    EXPECT_EQ(shell("untrack trace --format json=t.json " + packet + "rules", f.path()).out, "");
    EXPECT_EQ(read(f.path() / "t.json"),
              shell("untrack trace --format json " + packet + "rules", f.path()).out);
    f.file("web", web);
    EXPECT_EQ(shell("untrack rewrite -q --port 80/tcp --format text=new --format json=r.json web",
                    f.path())
                  .code,
              0);
    EXPECT_EQ(read(f.path() / "new"), shell("untrack rewrite --port 80/tcp web", f.path()).out);
    EXPECT_EQ(Json::parse(read(f.path() / "r.json"))["files"][0]["status"], "rewritten");
}

TEST(Reports, ARefusalLeavesTheOutputFileAlone) {
    Folder f;
    f.file("nat", translated);
    f.file("out", "old");
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp --format text=out --format text=/dev/stderr nat",
                    f.path())
                  .code,
              1);
    EXPECT_EQ(read(f.path() / "out"), "old");
    EXPECT_EQ(shell("untrack lint --format json=out /no/such/folder /no/such/file", f.path()).code,
              2);
    EXPECT_EQ(read(f.path() / "out"), "old");
    EXPECT_EQ(shell("ls -A", f.path()).out, "nat\nout\n") << "nothing is left beside it";
}

TEST(Reports, AFormatThatCannotBeServedIsAnError) {
    Folder f;
    std::string rules = f.file("rules", web);
    for (const char* formats :
         {"--format yaml", "--format json=", "--format json --format text",
          "--format json=x --format text=x", "--format json=/no/such/folder/x",
          "--format json=rules", "--format json=./rules"}) {
        Ran ran = shell(std::string("untrack lint ") + formats + " rules", f.path());
        EXPECT_EQ(ran.code, 2) << formats;
        EXPECT_EQ(ran.out, "") << formats;
        EXPECT_NE(ran.err, "") << formats;
    }
    EXPECT_EQ(read(rules), web);
    EXPECT_EQ(
        shell("untrack rewrite --port 80/tcp --in-place --format text=x rules", f.path()).code, 2);
    EXPECT_EQ(shell("untrack lint --format json=/dev/full rules", f.path()).code, 2);
    EXPECT_EQ(read(rules), web);
}

TEST(Reports, AreTheSameHoweverManyThreadsThereAre) {
    Folder f;
    for (int i = 0; i < 40; ++i)
        f.file("r" + std::to_string(i), i % 3 == 0 ? translated : i % 3 == 1 ? web : one_sided);
    for (const char* command :
         {"lint", "lint --format json", "rewrite --port 80/tcp --diff",
          "rewrite --port 80/tcp --format json", "lint . /no/such/file /nor/this"}) {
        std::string with = std::string("untrack ") + command + " . --jobs ";
        Ran one = shell(with + "1", f.path());
        EXPECT_FALSE(one.out.empty() && one.err.empty());
        for (const char* jobs : {"2", "7", "100"}) {
            Ran many = shell(with + jobs, f.path());
            EXPECT_EQ(many.out, one.out) << command << jobs;
            EXPECT_EQ(many.err, one.err) << command << jobs;
            EXPECT_EQ(many.code, one.code) << command << jobs;
        }
    }
    EXPECT_EQ(shell("untrack lint --jobs 0 .", f.path()).code, 2);
    // A limit on threads is no reason to fail.
    EXPECT_NE(shell("ulimit -u 1; untrack lint -q --jobs 8 .", f.path()).out, "");
}

TEST(Reports, QuietAndVerboseSayLessAndMore) {
    Folder f;
    f.file("rules", web);
    EXPECT_EQ(shell("untrack rewrite -q --port 80/tcp rules", f.path()).err, "");
    EXPECT_EQ(shell("untrack lint -v rules", f.path()).err,
              "rules: read as iptables (IPv4), lines: 8, tables: 1, rules: 3\n");
    Ran quiet = shell("untrack trace -q " + packet + "rules", f.path());
    EXPECT_EQ(quiet.out, "tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0\n  verdict: accept\n");
    EXPECT_NE(shell("untrack -q lint --version", f.path()).out.find("untrack "), std::string::npos);
}

TEST(Reports, ColourIsForTerminals) {
    Folder f;
    f.file("rules", web);
    std::string lint =
        "script -qec '" + std::string(std::getenv("UNTRACK_BIN")) + " lint rules' /dev/null";
    if (shell("script -qec true /dev/null").code != 0) GTEST_SKIP() << "needs script(1)";
    EXPECT_NE(shell("TERM=xterm " + lint, f.path()).out.find('\x1b'), std::string::npos);
    EXPECT_EQ(shell("TERM=xterm NO_COLOR=1 " + lint, f.path()).out.find('\x1b'), std::string::npos);
    EXPECT_EQ(shell("TERM=dumb " + lint, f.path()).out.find('\x1b'), std::string::npos);
    for (const char* command : {"lint rules", "rewrite --port 80/tcp --diff rules"}) {
        EXPECT_EQ(shell(std::string("untrack ") + command, f.path()).out.find('\x1b'),
                  std::string::npos);
        EXPECT_NE(
            shell(std::string("untrack ") + command + " --color always", f.path()).out.find('\x1b'),
            std::string::npos);
    }
    EXPECT_EQ(shell("untrack lint --color sometimes rules", f.path()).code, 2);
}

TEST(Reports, ALargeFileIsTheSameHoweverManyThreadsThereAre) {
    std::string text = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
    for (int i = 1; i < 3000; ++i) {
        std::string port = std::to_string(i);
        text += "-A PREROUTING -p tcp --dport " + port + " -j CT --notrack\n";
        if (i % 3 != 0) text += "-A OUTPUT -p tcp --sport " + port + " -j CT --notrack\n";
    }
    text += "COMMIT\n*filter\n:INPUT DROP [0:0]\n";
    for (int i = 1; i < 14000; ++i) {
        std::string n = std::to_string(i);
        std::string port = std::to_string(i % 3000 + 1);
        if (i % 100 == 0) text += "-A INPUT -p tcp --dport 99" + n + "99 -j ACCEPT\n";
        if (i % 170 == 0) text += "this is no rule " + n + "\n";
        text += "-A INPUT -s 10.1." + std::to_string(i / 250) + '.' + std::to_string(i % 250) +
                " -p tcp -m state --state NEW -m tcp --dport " + port + " -j ACCEPT\n";
    }
    text += "COMMIT\n";
    ASSERT_GT(text.size(), std::size_t{1} << 20U);
    Folder f;
    f.file("rules", text);
    // UT3 takes a while on so many rules, and is left to the small files.
    for (const char* command : {"lint --ignore UT3", "lint --ignore UT3 --format json",
                                "lint --select UT2,UT9 - < rules; untrack lint -v --select UT5"}) {
        std::string with = std::string("untrack ") + command + " rules --jobs ";
        Ran one = shell(with + "1", f.path());
        EXPECT_GT(one.out.size(), 10000U) << command << one.err;
        EXPECT_NE(one.code, 3);
        for (const char* jobs : {"2", "5"}) {
            Ran many = shell(with + jobs, f.path());
            EXPECT_EQ(many.out == one.out, true) << command << jobs;
            EXPECT_EQ(many.err, one.err) << command << jobs;
            EXPECT_EQ(many.code, one.code) << command << jobs;
        }
    }
}
