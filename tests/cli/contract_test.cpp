// SPDX-License-Identifier: GPL-2.0-or-later
// The command line as its users meet it: exit codes, messages, and files that keep their bytes.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

const std::string web =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
    "ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp "
    "--dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";

}  // namespace

TEST(Cli, HelpAndVersionEndWell) {
    EXPECT_EQ(shell("untrack --help").code, 0);
    EXPECT_NE(shell("untrack --help").out.find("rewrite"), std::string::npos);
    EXPECT_EQ(shell("untrack --version").out.substr(0, 8), "untrack ");
    for (const char* command : {"lint", "rewrite", "trace", "explain", "rules", "dump"})
        EXPECT_EQ(shell(std::string("untrack ") + command + " --help").code, 0) << command;
}

TEST(Cli, WrongUsageIsTwoAndSaysSo) {
    Folder f;
    std::string file = f.file("rules", web);
    for (const std::string& command :
         {std::string("untrack"), std::string("untrack lint"), "untrack lint --no-such " + file,
          "untrack lint --select UT999 " + file, "untrack lint --format yaml " + file,
          "untrack lint --fail-on never " + file, "untrack rewrite " + file,
          "untrack rewrite --port 80 " + file, "untrack rewrite --port 0/tcp " + file,
          "untrack rewrite --port 70000/tcp " + file, "untrack rewrite --port 80/icmp " + file,
          "untrack rewrite --port 80/tcp --role queen " + file,
          "untrack rewrite --port 80/tcp --address 300.1.1.1 " + file,
          "untrack trace --packet nonsense " + file, "untrack trace " + file,
          std::string("untrack explain"), std::string("untrack explain UT999"),
          std::string("untrack lint /no/such/file"),
          "untrack lint " + (f.path() / "none").string()}) {
        Ran ran = shell(command);
        EXPECT_EQ(ran.code, 2) << command << "\n" << ran.err;
        EXPECT_FALSE(ran.err.empty()) << command;
        EXPECT_TRUE(ran.out.empty()) << command << "\n" << ran.out;
    }
    EXPECT_NE(shell("untrack lint /no/such/file").err.find("/no/such/file: No such file"),
              std::string::npos);
}

TEST(Cli, LintSaysByItsExitCodeWhetherThereAreFindings) {
    Folder f;
    std::string file = f.file("rules", web);
    EXPECT_EQ(shell("untrack lint " + file).code, 0) << "remarks alone are no failure";
    EXPECT_EQ(shell("untrack lint --fail-on info " + file).code, 1);
    EXPECT_EQ(shell("untrack lint --fail-on info --select UT2 " + file).code, 0);
    EXPECT_EQ(shell("untrack lint --fail-on info --ignore UT101,related-established " + file).code,
              0);
    EXPECT_EQ(shell("untrack lint - < " + file).code, 0);
    EXPECT_EQ(shell("untrack lint -q --select UT5 " + file).out, "");
}

TEST(Cli, EmptyInputIsNoRulesetOrNoFinding) {
    Folder f;
    Ran ran = shell("untrack lint " + f.file("empty", ""));
    EXPECT_TRUE(ran.code == 0 || ran.code == 2) << ran.code;
    EXPECT_FALSE(ran.out.empty() && ran.err.empty());
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp " + f.file("empty", "")).out, "");
}

TEST(Cli, JsonIsOneObjectWhateverTheBytes) {
    Folder f;
    std::string file = f.file("odd \"name\"",
                              web +
                                  "# \xff\xfe\n-A INPUT -m comment --comment \"\xc3\x28 \t\\\" x\" "
                                  "-m state --state NEW -j ACCEPT\n");
    Ran ran = shell("untrack lint --format json '" + file + "'");
    auto json = nlohmann::json::parse(ran.out);
    EXPECT_EQ(json.at("version"), 1);
    EXPECT_EQ(json.at("files").at(0).at("path"), file);
    EXPECT_GT(json.at("findings").size(), 3U);
    for (const auto& finding : json.at("findings"))
        for (const char* key :
             {"code", "name", "severity", "message", "path", "line", "column", "end_line",
              "end_column", "table", "chain", "rule", "fixes", "fingerprint"})
            EXPECT_TRUE(finding.contains(key)) << key;
    EXPECT_EQ(json.at("conntrack").at(0).at("needed"), true);
    EXPECT_EQ(json.at("summary").at("error"),
              ran.code == 1 ? json.at("summary").at("error") : nlohmann::json(0));
}

TEST(Cli, RewriteKeepsWhatNobodyAskedToChange) {
    Folder f;
    std::string crlf;
    for (char c : web) crlf += c == '\n' ? "\r\n" : std::string(1, c);
    for (const std::string& text : {web, crlf, "# a comment\n" + web + "# no newline at the end"}) {
        std::string file = f.file("rules", text);
        Ran ran = shell("untrack rewrite --port 80/tcp " + file);
        if (ran.code == 1) {
            EXPECT_NE(ran.err.find("refused"), std::string::npos);
            continue;
        }
        ASSERT_EQ(ran.code, 0) << ran.err;
        // Every line of the input is still there, in order.
        std::size_t at = 0;
        for (std::size_t begin = 0; begin < text.size();) {
            std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
            at = ran.out.find(text.substr(begin, end - begin), at);
            ASSERT_NE(at, std::string::npos) << text.substr(begin, end - begin);
            at += end - begin;
            begin = end;
        }
        EXPECT_EQ(read(file), text);
    }
}

TEST(Cli, ADiffIsWhatPatchApplies) {
    Folder f;
    f.file("rules", web);
    Ran whole = shell("untrack rewrite --port 80/tcp rules", f.path());
    Ran patched =
        shell("untrack rewrite --port 80/tcp --diff rules | patch -s -p0 && cat rules", f.path());
    EXPECT_EQ(patched.code, 0) << patched.err;
    EXPECT_EQ(patched.out, whole.out);
}

TEST(Cli, InPlaceIsAllOrNothing) {
    Folder f;
    std::string file = f.file("rules", web);
    ::chmod(file.c_str(), 0640);
    std::string link = f.path() / "link";
    fs::create_symlink("rules", link);
    ASSERT_EQ(shell("untrack rewrite --port 80/tcp --in-place --backup .orig " + link).code, 0);
    EXPECT_EQ(read(file + ".orig") + read(link + ".orig"), web);
    EXPECT_NE(read(file), web);
    EXPECT_TRUE(fs::is_symlink(link));
    struct stat s {};
    ASSERT_EQ(::stat(file.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777U, 0640U);
    std::string converted = read(file);
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp --in-place " + file).code, 0);
    EXPECT_EQ(read(file), converted) << "a second run changes nothing";
    // One file that cannot be converted leaves itself alone and the others done.
    std::string bad = f.file(
        "bad", "*nat\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.1\nCOMMIT\n");
    std::string good = f.file("good", web);
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp --in-place " + bad + " " + good).code, 1);
    EXPECT_NE(read(good), web);
    EXPECT_NE(read(bad).find("DNAT"), std::string::npos);
    EXPECT_EQ(read(bad).find("notrack"), std::string::npos);
}

TEST(Cli, NoPermissionIsAMessage) {
    if (::geteuid() == 0) {
        // Root may read everything; what root cannot do is write where nothing can be written.
        Ran ran = shell("untrack rewrite --port 80/tcp --in-place /proc/version");
        EXPECT_EQ(ran.code, 2) << ran.err;
        EXPECT_FALSE(ran.err.empty());
        return;
    }
    Folder f;
    std::string file = f.file("rules", web);
    ::chmod(file.c_str(), 0000);
    Ran ran = shell("untrack lint " + file);
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("Permission denied"), std::string::npos);
}

TEST(Cli, AFullDiskOrAClosedPipeIsNoSuccess) {
    Folder f;
    std::string file = f.file("rules", web);
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp " + file + " > /dev/full").code, 2);
    EXPECT_NE(shell("untrack rewrite --port 80/tcp " + file + " > /dev/full")
                  .err.find("cannot be written"),
              std::string::npos);
}

TEST(Cli, MessagesThatNobodyReadsChangeNothing) {
    Folder f;
    for (const char* lost : {"2>&-", "2>/dev/full", "<&- 2>&-"}) {
        std::string file = f.file("rules", web);
        std::string wanted = shell("untrack rewrite --port 80/tcp " + file).out;
        EXPECT_EQ(shell("untrack rewrite --port 80/tcp " + file + " " + lost).out, wanted) << lost;
        EXPECT_EQ(shell("untrack rewrite --port 80/tcp --in-place " + file + " " + lost).code, 0)
            << lost;
        EXPECT_EQ(read(file), wanted) << "no message in the ruleset, " << lost;
        EXPECT_EQ(shell("untrack lint /no/such/file " + std::string(lost)).code, 2) << lost;
    }
    EXPECT_EQ(shell("untrack rules >&-").code, 2) << "a closed output is no success";
}

TEST(Cli, SyntaxErrorsStopARewriteAndAreInOrder) {
    Folder f;
    std::string file = f.file(
        "rules", "*filter\n-A INPUT -p tcp --dport 99999 -j ACCEPT\n-A INPUT --nonsense\nCOMMIT\n");
    Ran ran = shell("untrack rewrite --port 80/tcp --in-place " + file);
    EXPECT_EQ(ran.code, 2);
    EXPECT_LT(ran.err.find(":2:"), ran.err.find(":3:"));
    EXPECT_EQ(shell("untrack lint " + file).code, 1);
}

TEST(Cli, ManyPacketsGetManyAnswers) {
    Folder f;
    std::string file = f.file("rules", web);
    std::string packets = f.file(
        "packets.jsonl",
        "{\"hook\":\"input\",\"family\":4,\"proto\":\"tcp\",\"saddr\":\"203.0.113.9\",\"daddr\":"
        "\"192.0.2.1\",\"sport\":40000,\"dport\":80,\"flags\":[\"syn\"],\"iif\":\"eth0\"}\n"
        "{\"hook\":\"input\",\"family\":4,\"proto\":\"tcp\",\"saddr\":\"203.0.113.9\",\"daddr\":"
        "\"192.0.2.1\",\"sport\":40000,\"dport\":81,\"flags\":[\"syn\"],\"iif\":\"eth0\"}\n");
    Ran ran = shell("untrack trace --format json --packets " + packets + " " + file);
    ASSERT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("\"accept\""), std::string::npos);
    EXPECT_NE(ran.out.find("\"drop\""), std::string::npos);
    Ran bad = shell("untrack trace --packets " + f.file("bad.jsonl", "{\"hook\":\"nowhere\"}\n") +
                    " " + file);
    EXPECT_EQ(bad.code, 2);
    EXPECT_NE(bad.err.find("bad.jsonl:1"), std::string::npos) << bad.err;
}

TEST(Cli, DirectoriesAreSearched) {
    Folder f;
    fs::create_directories(f.path() / "etc/iptables");
    f.file("etc/iptables/rules.v4", web);
    f.file("etc/README", "no ruleset\n");
    f.file("etc/program.cpp",
           "#include <x>\n/* a comment\n * goes on\n*/\nint main() { return 0; }\n");
    f.file("etc/list.md", "* one\n* two\n-A CHAIN\n");
    Ran ran = shell("untrack lint " + f.path().string());
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("rules.v4:"), std::string::npos);
    for (const char* other : {"README", "program.cpp", "list.md"})
        EXPECT_EQ(ran.out.find(other), std::string::npos) << other;
}

TEST(Cli, ColourOnlyWhereItIsWanted) {
    Folder f;
    std::string file = f.file("rules", web);
    EXPECT_EQ(shell("untrack lint " + file).out.find('\x1b'), std::string::npos);
    EXPECT_NE(shell("untrack lint --color always " + file).out.find('\x1b'), std::string::npos);
}
