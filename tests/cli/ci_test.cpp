// SPDX-License-Identifier: GPL-2.0-or-later
// What CI systems are told about the program is true.
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

const fs::path source = UNTRACK_SOURCE_DIR;

}  // namespace

TEST(Ci, GitHubReadsEveryFinding) {
    auto matcher = nlohmann::json::parse(read(source / ".github/untrack-matcher.json"));
    const auto& pattern = matcher.at("problemMatcher").at(0).at("pattern").at(0);
    std::regex regex(pattern.at("regexp").get<std::string>());
    std::string sample = (source / "rules-samples/article/before.iptables").string();
    auto findings =
        nlohmann::json::parse(shell("untrack lint --format json " + sample).out).at("findings");
    ASSERT_GT(findings.size(), 3U);
    std::istringstream lines(shell("untrack lint " + sample).out);
    std::size_t matched = 0;
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, regex)) continue;
        ASSERT_LT(matched, findings.size()) << line;
        const auto& finding = findings.at(matched++);
        EXPECT_EQ(match[pattern.at("file").get<std::size_t>()], finding.at("path"));
        EXPECT_EQ(match[pattern.at("line").get<std::size_t>()],
                  std::to_string(finding.at("line").get<int>()));
        EXPECT_EQ(match[pattern.at("severity").get<std::size_t>()], finding.at("severity"));
        EXPECT_EQ(match[pattern.at("code").get<std::size_t>()], finding.at("code"));
    }
    EXPECT_EQ(matched, findings.size());
}

TEST(Ci, PreCommitLintsRulesetsAndNothingElse) {
    if (shell("command -v pre-commit git").code != 0) GTEST_SKIP() << "no pre-commit";
    Folder f;
    f.file("a.nft",
           "table ip t {\n chain c {\n  type filter hook input priority 0;\n  ct state != "
           "new,established drop\n }\n}\n");
    f.file("rules.v4", "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n");
    f.file("notes.txt", "*filter\nnonsense\n");
    // A repository of its own holds the hook, as the one that it is fetched from does.
    fs::create_directory(f.path() / "hook");
    fs::copy_file(source / ".pre-commit-hooks.yaml", f.path() / "hook/.pre-commit-hooks.yaml");
    const std::string commit =
        "git init -q . && git add -A && git -c user.name=a -c user.email=a@b.example commit -qm 1";
    ASSERT_EQ(shell(commit, f.path() / "hook").code, 0);
    f.file(".gitignore", "hook\ncache\n");
    const std::string hook =
        "PATH=$(dirname \"$UNTRACK_BIN\"):$PATH HOME=$PWD PRE_COMMIT_HOME=$PWD/cache pre-commit "
        "try-repo hook untrack-lint --verbose --files ";
    ASSERT_EQ(shell(commit, f.path()).code, 0);
    Ran bad = shell(hook + "a.nft rules.v4 notes.txt", f.path());
    EXPECT_EQ(bad.code, 1) << bad.out << bad.err;
    EXPECT_NE(bad.out.find("a.nft:4:3: error[UT508]"), std::string::npos) << bad.out;
    Ran good = shell(hook + "rules.v4 notes.txt", f.path());
    EXPECT_EQ(good.code, 0) << good.out << good.err;
    EXPECT_NE(good.out.find("no findings"), std::string::npos) << good.out;
}
