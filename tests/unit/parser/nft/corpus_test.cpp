// SPDX-License-Identifier: GPL-2.0-or-later
// Real files, when a folder with them stands beside the checkout: none loses a byte, and what nft
// loads has no syntax error and nothing that is skipped or opaque.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/source_file.hpp"
#include "parser/nft/syntax.hpp"

using namespace untrack;
using namespace untrack::parser::nft;
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

/// How many rules there are; nothing may be wrong, skipped or opaque.
std::size_t rules_of_accepted(std::string_view text, const std::string& name) {
    SyntaxTree tree = parse(text);
    EXPECT_EQ(print(tree), text) << name;
    EXPECT_TRUE(tree.errors.empty()) << name << ": " << tree.errors.front().message;
    std::size_t rules = 0;
    for (const Node& node : tree.nodes) {
        EXPECT_NE(node.kind, Kind::error) << name << ": " << tree.text_of(node);
        EXPECT_NE(node.kind, Kind::opaque) << name << ": " << tree.text_of(node);
        if (node.kind == Kind::rule) ++rules;
    }
    return rules;
}

}  // namespace

TEST(NftCorpus, EveryFileComesBackByteForByte) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(corpus())) {
        if (!entry.is_regular_file()) continue;
        auto file = SourceFile::open(entry.path().string());
        ASSERT_TRUE(file) << entry.path();
        for (Context context : {Context::file, Context::chain})
            EXPECT_EQ(print(parse(file->text(), context)), file->text()) << entry.path();
        ++files;
    }
    EXPECT_GT(files, 500U);
}

TEST(NftCorpus, WhatNftLoadsIsReadInWhole) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    std::ifstream manifest(corpus() / "manifest.tsv");
    std::size_t files = 0;
    std::size_t rules = 0;
    for (std::string row; std::getline(manifest, row);) {
        std::vector<std::string> c = cells(row);
        if (c.size() < 8 || !c[0].starts_with("nft") || c[7] != "yes") continue;
        auto file = SourceFile::open((corpus() / c[0] / c[1]).string());
        ASSERT_TRUE(file) << c[1];
        rules += rules_of_accepted(file->text(), c[1]);
        ++files;
    }
    EXPECT_GT(files, 300U);
    EXPECT_GT(rules, 3000U);
}

TEST(NftCorpus, WhatNftListsIsReadInWhole) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(corpus())) {
        if (!entry.path().parent_path().filename().string().starts_with("nft") ||
            entry.path().extension() != ".listed")
            continue;
        auto file = SourceFile::open(entry.path().string());
        ASSERT_TRUE(file) << entry.path();
        rules_of_accepted(file->text(), entry.path());
        ++files;
    }
    EXPECT_GT(files, 50U);
}

TEST(NftCorpus, EveryCaseOfNftsOwnTestsIsReadInWhole) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    std::size_t rules = 0;
    for (const auto& entry : fs::directory_iterator(corpus() / "nft-test-py")) {
        if (entry.path().extension() != ".jsonl") continue;
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line);) {
            auto json = nlohmann::json::parse(line);
            bool good = json.value("expect", "") == "ok" || json.value("nft106_accepted", false);
            if (!good || !json.contains("nft") || !json["nft"].is_string()) continue;
            rules += rules_of_accepted(json["nft"].get<std::string>(), json.value("id", ""));
        }
    }
    EXPECT_GT(rules, 3000U);
}
