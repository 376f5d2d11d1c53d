// SPDX-License-Identifier: GPL-2.0-or-later
// lint --fix, --unsafe-fixes and --diff.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

const std::string head = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n";
const std::string old_words =
    head + "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n";
const std::string new_words =
    head + "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n";
const std::string glued = head + "-A INPUT -ieth0 -j ACCEPT\nCOMMIT\n";

/// Rulesets of the samples, whatever their language.
std::vector<fs::path> samples() {
    std::vector<fs::path> out;
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(UNTRACK_SOURCE_DIR) / "rules-samples"))
        if (entry.path().stem() == "before") out.push_back(entry.path());
    return out;
}

}  // namespace

TEST(Fix, WritesWhatItFixedAndReportsWhatIsLeft) {
    Folder f;
    f.file("a", old_words);
    f.file("b", new_words);
    ::chmod((f.path() / "a").c_str(), 0640);
    auto untouched = fs::last_write_time(f.path() / "b");
    Ran ran = shell("untrack lint --select UT5 --fix a b", f.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out.substr(0, ran.out.find("IPv4")), "fixed 1 finding in 1 file\nno findings\n");
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(read(f.path() / "a"), new_words);
    struct stat st {};
    ASSERT_EQ(::stat((f.path() / "a").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0640U);
    EXPECT_EQ(fs::last_write_time(f.path() / "b"), untouched);
    ran = shell("untrack lint --select UT5 --fix a b", f.path());
    EXPECT_EQ(ran.out.substr(0, ran.out.find('\n')), "fixed 0 findings in 0 files");
}

TEST(Fix, OnlyWhatIsSelected) {
    Folder f;
    f.file("a", old_words);
    EXPECT_EQ(shell("untrack lint --select UT3 --fix a", f.path()).code, 0);
    EXPECT_EQ(read(f.path() / "a"), old_words);
}

TEST(Fix, WhatChangesTheRulesetWaitsToBeAsked) {
    Folder f;
    f.file("a", glued);
    Ran ran = shell("untrack lint --select UT509 --fix a", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(read(f.path() / "a"), glued);
    EXPECT_NE(ran.err.find("1 fix not applied"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("--unsafe-fixes"), std::string::npos) << ran.err;
    ran = shell("untrack lint --select UT509 --fix --unsafe-fixes a", f.path());
    EXPECT_EQ(ran.code, 0) << ran.out;
    EXPECT_NE(read(f.path() / "a").find("-A INPUT -i eth0 -j ACCEPT\n"), std::string::npos);
    EXPECT_EQ(shell("untrack lint --unsafe-fixes a", f.path()).code, 2);
}

TEST(Fix, DiffWritesNothing) {
    Folder f;
    f.file("a", old_words);
    f.file("b", new_words);
    Ran ran = shell("untrack lint --select UT5 --diff a b", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, "would fix 1 finding in 1 file\n");
    EXPECT_EQ(read(f.path() / "a"), old_words);
    write(f.path() / "diff", ran.out);
    Ran patch = shell("patch -p0 < diff", f.path());
    EXPECT_EQ(patch.code, 0) << patch.err << ran.out;
    EXPECT_EQ(read(f.path() / "a"), new_words);
    ran = shell("untrack lint --select UT5 --diff a b", f.path());
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(shell("untrack lint --diff --format json a", f.path()).code, 2);
}

TEST(Fix, StandardInputComesOutFixed) {
    Ran ran = run({"lint", "--select", "UT5", "--fix", "-"}, old_words);
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out, new_words);
    EXPECT_NE(ran.err.find("fixed 1 finding in 1 file\n"), std::string::npos);
    // What cannot be fixed comes out as it was.
    ran = run({"lint", "--select", "UT5", "--fix"}, glued);
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.out, glued);
    EXPECT_NE(ran.err.find("UT509"), std::string::npos);
}

TEST(Fix, ARulesetWithErrorsIsLeftAlone) {
    Folder f;
    const std::string text = old_words + "*raw\n-A PREROUTING --no-such\nCOMMIT\n";
    f.file("a", text);
    Ran ran = shell("untrack lint --fix a", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(read(f.path() / "a"), text);
    EXPECT_NE(ran.err.find("left as it was"), std::string::npos) << ran.err;
}

TEST(Fix, IncludedFilesAreNotTouched) {
    Folder f;
    const std::string twice = "\t\ttcp dport 80 accept\n\t\ttcp dport 80 accept\n";
    const std::string part =
        "table inet t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n" +
        twice + "\t}\n}\n";
    f.file("part", part);
    f.file("main", "include \"./part\"\n");
    Ran ran = shell("untrack lint --lang nft --select UT308 --fix main", f.path());
    EXPECT_EQ(read(f.path() / "part"), part);
    EXPECT_NE(ran.err.find("included"), std::string::npos) << ran.err;
    shell("untrack lint --select UT308 --fix part", f.path());
    EXPECT_LT(read(f.path() / "part").size(), part.size());
}

TEST(Fix, TextAndJsonSayWhichFixesThereAre) {
    Folder f;
    f.file("a",
           old_words + "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -ieth0 -j NOTRACK\nCOMMIT\n");
    Ran ran = shell("untrack lint --select UT5 --ignore UT510 a", f.path());
    EXPECT_NE(ran.out.find("= fix: write -m conntrack --ctstate [--fix]\n"), std::string::npos)
        << ran.out;
    EXPECT_NE(ran.out.find("= fix: put a blank after the option [--unsafe-fixes]\n"),
              std::string::npos);
    auto json = nlohmann::json::parse(
        shell("untrack lint --select UT501,UT502 --format json a", f.path()).out);
    ASSERT_EQ(json["findings"].size(), 2U);
    for (const auto& finding : json["findings"])
        EXPECT_EQ(finding["fixes"][0]["applicability"], "safe");
}

TEST(Fix, SamplesStayTheSameAndASecondRunChangesNothing) {
    std::size_t changed = 0;
    for (const fs::path& path : samples()) {
        Folder f;
        fs::copy(path.parent_path(), f.path() / "host", fs::copy_options::recursive);
        fs::path file = f.path() / "host" / path.filename();
        const std::string before = read(file);
        Ran ran = run({"lint", "-q", "--fix", file.string()});
        EXPECT_NE(ran.code, 3) << path << ran.err;
        const std::string after = read(file);
        if (after == before) continue;
        ++changed;
        fs::path copy = file.parent_path() / ("old-" + path.filename().string());
        write(copy, before);
        ran = run({"verify", "--effects", copy.string(), file.string()});
        EXPECT_EQ(ran.code, 0) << path << ran.out << ran.err;
        run({"lint", "-q", "--fix", file.string()});
        EXPECT_EQ(read(file), after) << path;
    }
    EXPECT_GT(changed, 3U);
}
