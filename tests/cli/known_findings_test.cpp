// SPDX-License-Identifier: GPL-2.0-or-later
// What is not reported: suppressed findings and those of a baseline; and files that come by a list.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

const std::string begin = "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n";
const std::string old_spelling = "-A INPUT -p tcp --dport 22 -m state --state NEW -j ACCEPT\n";
const std::string other = "-A INPUT -p tcp --dport 25 -m state --state NEW -j ACCEPT\n";

std::string rules(const std::string& lines) {
    return begin + lines + "COMMIT\n";
}

nlohmann::json lint(const std::string& arguments, const Folder& f) {
    return nlohmann::json::parse(
        shell("untrack lint --format json --select UT501,UT902 " + arguments, f.path()).out);
}

}  // namespace

TEST(KnownFindings, SuppressedOnesAreCountedAndDoNotFail) {
    Folder f;
    f.file("rules", rules("# untrack: ignore[UT501] why not\n" + old_spelling + other));
    auto json = lint("rules", f);
    EXPECT_EQ(json.at("findings").size(), 1U);
    EXPECT_EQ(json.at("summary").at("suppressed"), 1);
    EXPECT_EQ(json.at("summary").at("info"), 1);
    f.file("rules", rules("# untrack: ignore[UT501] why not\n" + old_spelling));
    Ran ran = shell("untrack lint --fail-on info --select UT501,UT902 rules", f.path());
    EXPECT_EQ(ran.code, 0);
    EXPECT_TRUE(ran.out.starts_with("no findings (1 suppressed)\n")) << ran.out;
    f.file("rules", rules("# untrack: ignore[UT509]\n" + old_spelling));
    EXPECT_EQ(shell("untrack lint rules", f.path()).code, 1) << "UT902 is a warning";
}

TEST(KnownFindings, ABaselineSurvivesReorderingAndCounters) {
    Folder f;
    f.file("rules", rules(old_spelling + other));
    Ran written = shell(
        "untrack lint --fail-on info --select UT501 --write-baseline known.json rules", f.path());
    EXPECT_EQ(written.code, 0) << written.err;
    EXPECT_TRUE(written.out.starts_with("no findings (2 in the baseline)\n")) << written.out;
    std::string baseline = read(f.path() / "known.json");
    EXPECT_EQ(nlohmann::json::parse(baseline).at("baseline").at("rules").size(), 2U);
    // Moved, counted, and one more.
    std::string third = "-A INPUT -p tcp --dport 99 -m state --state NEW -j ACCEPT\n";
    f.file("rules", "# a comment\n" + rules("[5:60] " + other + third + old_spelling));
    auto json = lint("--baseline known.json rules", f);
    ASSERT_EQ(json.at("findings").size(), 1U);
    EXPECT_EQ(json.at("findings").at(0).at("line"), 6);
    EXPECT_EQ(json.at("summary").at("baseline"), 2);
    // Wherever the program is started, and however the file is called.
    fs::create_directories(f.path() / "sub");
    EXPECT_EQ(lint("--baseline known.json sub/../rules", f).at("findings").size(), 1U);
    Ran ran = shell(
        "cd sub && untrack lint --fail-on info --select UT501 --baseline "
        "../known.json ../rules",
        f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.out.find("0 errors, 0 warnings, 1 remark (2 in the baseline)"), std::string::npos)
        << ran.out;
    // Another file has none of them.
    f.file("again", rules(old_spelling));
    EXPECT_EQ(lint("--baseline known.json again", f).at("findings").size(), 1U);
    // The same findings make the same baseline.
    f.file("rules", rules(other + old_spelling));
    shell("untrack lint --select UT501 --write-baseline known2.json rules", f.path());
    EXPECT_EQ(read(f.path() / "known2.json"), baseline);
}

TEST(KnownFindings, WhatIsGoneFromABaselineIsSaidToWhoAsks) {
    Folder f;
    f.file("rules", rules(old_spelling + other));
    shell("untrack lint --select UT501,UT101 --write-baseline known.json rules", f.path());
    f.file("rules", rules(other));
    EXPECT_EQ(shell("untrack lint --select UT501 --baseline known.json rules", f.path()).err, "");
    Ran ran = shell("untrack lint -v --select UT501 --baseline known.json rules", f.path());
    EXPECT_NE(ran.err.find("rules: UT501 of the baseline is found no longer\n"), std::string::npos)
        << ran.err;
    EXPECT_EQ(ran.err.find("UT101"), std::string::npos) << "it did not run";
}

TEST(KnownFindings, WhatIsNoBaselineIsSaid) {
    Folder f;
    f.file("rules", rules(old_spelling));
    for (const char* text :
         {"", "[]", "{}", "{\"version\":1,\"baseline\":[]}", "{\"version\":2,\"baseline\":{}}",
          "{\"version\":1,\"baseline\":{\"x\":[[\"UT1\",\"zz\"]]}}",
          "{\"version\":1,\"baseline\":{\"x\":[5]}}"}) {
        f.file("b", text);
        Ran ran = shell("untrack lint --baseline b rules", f.path());
        EXPECT_EQ(ran.code, 2) << text;
        EXPECT_EQ(ran.out, "") << text;
        EXPECT_TRUE(ran.err.starts_with("untrack: b: this ")) << ran.err;
    }
    EXPECT_EQ(shell("untrack lint --baseline none rules", f.path()).code, 2);
    EXPECT_EQ(shell("untrack lint --baseline b --write-baseline b rules", f.path()).code, 2);
    std::string before = read(f.path() / "rules");
    EXPECT_EQ(shell("untrack lint --write-baseline ./rules rules", f.path()).code, 2);
    EXPECT_EQ(read(f.path() / "rules"), before);
    Ran ran = shell("untrack lint --write-baseline new rules missing", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("new: not written"), std::string::npos) << ran.err;
    EXPECT_FALSE(fs::exists(f.path() / "new"));
}

TEST(KnownFindings, WhatCannotBeReadLeavesTheOthersDone) {
    Folder f;
    f.file("good", rules(old_spelling));
    f.file("prose", "Dear diary\n");
    Ran ran = shell("untrack lint --select UT501 missing good prose", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.out.find("good:4:"), std::string::npos) << ran.out;
    EXPECT_NE(ran.err.find("missing: No such file"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("prose: "), std::string::npos) << ran.err;
    EXPECT_EQ(shell("untrack lint --exit-zero missing good", f.path()).code, 2);
    EXPECT_EQ(shell("untrack lint missing prose", f.path()).out, "") << "nothing is not no finding";
    fs::create_directories(f.path() / "none");
    Ran folder = shell("untrack lint --select UT501 none good", f.path());
    EXPECT_EQ(folder.code, 2);
    EXPECT_NE(folder.out.find("good:4:"), std::string::npos);
    EXPECT_EQ(
        shell("untrack lint --format json missing good >report; grep -c good report", f.path())
            .code,
        0);
}

TEST(KnownFindings, FilesComeByAList) {
    Folder f;
    fs::create_directories(f.path() / "dir");
    f.file("dir/a b", rules(old_spelling));
    f.file("c", rules(old_spelling));
    f.file("odd\nname", rules(old_spelling));
    f.file("lines", "dir\n\nc\r\n");
    auto paths = [&](const std::string& arguments, const std::string& before = "") {
        Ran ran = shell(before + "untrack lint --format json " + arguments, f.path());
        std::string out;
        auto json = nlohmann::json::parse(ran.out);
        for (const auto& file : json.at("files")) out += file.at("path").get<std::string>() + ";";
        return out;
    };
    EXPECT_EQ(paths("--files-from lines"), "dir/a b;c;");
    EXPECT_EQ(paths("--files-from lines c"), "c;dir/a b;") << "each once";
    EXPECT_EQ(paths("--files-from -", "printf 'odd\\nname\\0c\\0' | "), "odd\nname;c;");
    Ran none = shell("untrack lint --files-from - </dev/null", f.path());
    EXPECT_EQ(none.code, 0) << "nothing changed";
    EXPECT_EQ(none.out, "no findings\n");
    EXPECT_EQ(shell("untrack lint --files-from - - </dev/null", f.path()).code, 2);
    EXPECT_EQ(shell("untrack lint --files-from missing c", f.path()).code, 2);
    EXPECT_NE(shell("echo - | untrack lint --files-from -", f.path()).err.find("./-: "),
              std::string::npos);
}
