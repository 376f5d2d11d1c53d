// SPDX-License-Identifier: GPL-2.0-or-later
// The sample hosts: every finding is claimed in the sample's `findings`, none is missing, and
// conversions of them are stable.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "analyzer/driver.hpp"
#include "base/line_index.hpp"
#include "rewriter/rewrite.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

std::vector<fs::path> samples() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(fs::path(UNTRACK_SOURCE_DIR) / "rules-samples"))
        if (entry.is_directory()) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

/// A sample's ruleset; its name says the family.
test::Loaded load(const fs::path& dir) {
    bool six = fs::exists(dir / "before.ip6tables");
    return test::Loaded(read(dir / (six ? "before.ip6tables" : "before.iptables")),
                        six ? model::Family::ip6 : model::Family::ip);
}

}  // namespace

TEST(Samples, EveryFindingIsClaimed) {
    ASSERT_GE(samples().size(), 20U);
    std::set<std::string_view> claimed;
    for (const fs::path& dir : samples()) {
        test::Loaded l = load(dir);
        model::IptablesText rules(l.tree, l.ruleset);
        analyzer::FileContext file(rules, model::KernelProfile::modern);
        LineIndex lines(l.file.text());
        std::string found;
        for (const analyzer::Finding& f :
             analyzer::lint(file, analyzer::Selection::make({}, {}).value()).list) {
            claimed.insert(analyzer::rules()[f.code].code);
            found += std::string(analyzer::rules()[f.code].code) + " " +
                     std::to_string(lines.place(f.range.begin).line) + "\n";
        }
        if (std::getenv("UNTRACK_UPDATE_GOLDEN") != nullptr)
            std::ofstream(dir / "findings", std::ios::binary) << found;
        EXPECT_EQ(found, read(dir / "findings")) << dir;
    }
    // That a limit was reached takes more rules than a sample should have.
    claimed.insert("UT903");
    for (const analyzer::Rule& rule : analyzer::rules())
        EXPECT_TRUE(rule.run == nullptr || claimed.contains(rule.code))
            << "no sample shows " << rule.code;
}

TEST(Samples, ConversionsAreStableAndLossless) {
    for (const fs::path& dir : samples()) {
        test::Loaded l = load(dir);
        EXPECT_EQ(parser::iptables::print(l.tree), l.file.text());
        rewriter::Request request;
        request.services.push_back(rewriter::parse_service("80,443/tcp").value());
        rewriter::Outcome outcome = rewriter::rewrite(l.tree, l.ruleset, request);
        if (outcome.status != rewriter::Status::rewritten) {
            EXPECT_EQ(outcome.reasons.empty(), outcome.status == rewriter::Status::unchanged)
                << dir;
            continue;
        }
        test::Loaded again(apply_edits(l.file.text(), outcome.edits), l.ruleset.family);
        EXPECT_EQ(rewriter::rewrite(again.tree, again.ruleset, request).status,
                  rewriter::Status::unchanged)
            << dir;
    }
}
