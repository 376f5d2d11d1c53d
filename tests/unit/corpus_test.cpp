// SPDX-License-Identifier: GPL-2.0-or-later
// Real files, when a folder with them stands beside the checkout: none loses a byte, and what
// iptables loads has no syntax error.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "analyzer/driver.hpp"
#include "base/source_file.hpp"
#include "model/guess_family.hpp"
#include "model/iptables_text.hpp"
#include "model/lower_iptables.hpp"
#include "model/refusals.hpp"

using namespace untrack;
namespace fs = std::filesystem;

namespace {

fs::path corpus() {
    return fs::path(UNTRACK_SOURCE_DIR).parent_path() / "shared" / "corpus" / "dev";
}

std::vector<std::string> cells(const std::string& row) {
    std::vector<std::string> out;
    std::stringstream in(row);
    for (std::string cell; std::getline(in, cell, '\t');) out.push_back(cell);
    return out;
}

}  // namespace

TEST(Corpus, EveryFileComesBackByteForByte) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(corpus())) {
        if (!entry.is_regular_file()) continue;
        auto file = SourceFile::open(entry.path().string());
        ASSERT_TRUE(file) << entry.path();
        ++files;
        auto tree = parser::iptables::parse(file->text());
        EXPECT_EQ(parser::iptables::print(tree), file->text()) << entry.path();
        model::lower(tree, {model::guess_family(file->path(), tree).family, file->path()});
    }
    EXPECT_GT(files, 500U);
}

TEST(Corpus, WhatIptablesLoadsHasNoSyntaxError) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    const std::set<std::string> kinds{"iptables", "ip6tables", "iptables-derived",
                                      "ip6tables-derived", "iptables-S"};
    std::ifstream manifest(corpus() / "manifest.tsv");
    std::size_t files = 0;
    for (std::string row; std::getline(manifest, row);) {
        std::vector<std::string> c = cells(row);
        if (c.size() < 8 || !kinds.contains(c[0]) || c[7] != "yes") continue;
        auto file = SourceFile::open((corpus() / c[0] / c[1]).string());
        ASSERT_TRUE(file) << c[1];
        auto tree = parser::iptables::parse(file->text());
        auto ruleset =
            model::lower(tree, {model::guess_family(file->path(), tree).family, file->path()});
        EXPECT_TRUE(tree.errors.empty()) << c[1] << ": " << tree.errors.front().message;
        EXPECT_TRUE(ruleset.problems.empty()) << c[1] << ": " << ruleset.problems.front().message;
        ++files;
    }
    EXPECT_GT(files, 100U);
}

TEST(Corpus, WhatIptablesLoadsIsNotRefused) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    const std::set<std::string> kinds{"iptables", "ip6tables", "iptables-derived",
                                      "ip6tables-derived"};
    std::ifstream manifest(corpus() / "manifest.tsv");
    for (std::string row; std::getline(manifest, row);) {
        std::vector<std::string> c = cells(row);
        if (c.size() < 8 || !kinds.contains(c[0]) || c[7] != "yes") continue;
        auto file = SourceFile::open((corpus() / c[0] / c[1]).string());
        ASSERT_TRUE(file) << c[1];
        auto tree = parser::iptables::parse(file->text());
        auto ruleset =
            model::lower(tree, {model::guess_family(file->path(), tree).family, file->path()});
        auto found = model::refusals(tree, ruleset, model::ChainJumps(ruleset));
        EXPECT_TRUE(found.empty()) << c[1] << ": " << found.front().message;
    }
}

// The extensions' own tests, of which it is known what 1.8.9 says. The ones that it refuses for the
// host's sake (a set, an estimator or a counter that does not exist, no LEDs, no IPVS, no SELinux)
// are not reported.
TEST(Corpus, WhatIptablesRefusesIsReported) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    constexpr std::size_t refused_by_the_host = 105;
    const auto selection = analyzer::Selection::make({"UT510", "UT901"}, {}).value();
    std::size_t taken = 0;
    std::size_t refused = 0;
    std::size_t missed = 0;
    for (const auto& entry : fs::directory_iterator(corpus() / "ipt-test-ext")) {
        if (entry.path().extension() != ".jsonl") continue;
        std::ifstream in(entry.path());
        for (std::string row; std::getline(in, row);) {
            auto test = nlohmann::json::parse(row);
            bool six = test["tool"] == "ip6tables";
            if (!six && test["tool"] != "iptables") continue;
            auto file = SourceFile::from_text("test", test["restore"].get<std::string>());
            auto tree = parser::iptables::parse(file.text());
            auto ruleset =
                model::lower(tree, {six ? model::Family::ip6 : model::Family::ip, file.path()});
            model::IptablesText text(tree, ruleset);
            analyzer::FileContext context(text, model::KernelProfile::modern);
            auto found = analyzer::lint(context, selection).list;
            if (test["legacy189_accepted"] == true || test["nft189_accepted"] == true) {
                ++taken;
                for (const analyzer::Finding& f : found)
                    EXPECT_NE(analyzer::rules()[f.code].code, "UT510")
                        << test["id"] << ": " << f.message;
            } else {
                ++refused;
                missed += found.empty() ? 1 : 0;
            }
        }
    }
    EXPECT_GT(taken, 1000U);
    EXPECT_GT(refused, 500U);
    EXPECT_LE(missed, refused_by_the_host);
}
