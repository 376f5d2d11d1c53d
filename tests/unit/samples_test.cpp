// SPDX-License-Identifier: GPL-2.0-or-later
// The sample hosts: every finding is claimed in the sample's `findings`, none is missing, and
// conversions of them are stable.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
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

}  // namespace

TEST(Samples, EveryFindingIsClaimed) {
    ASSERT_GE(samples().size(), 6U);
    for (const fs::path& dir : samples()) {
        test::Loaded l(read(dir / "before.iptables"));
        analyzer::FileContext file(l.tree, l.ruleset, model::KernelProfile::modern);
        LineIndex lines(l.file.text());
        std::string found;
        for (const analyzer::Finding& f :
             analyzer::lint(file, analyzer::Selection::make({}, {}).value()).list)
            found += std::string(analyzer::rules()[f.code].code) + " " +
                     std::to_string(lines.place(f.range.begin).line) + "\n";
        EXPECT_EQ(found, read(dir / "findings")) << dir;
    }
}

TEST(Samples, ConversionsAreStableAndLossless) {
    for (const fs::path& dir : samples()) {
        test::Loaded l(read(dir / "before.iptables"));
        EXPECT_EQ(parser::iptables::print(l.tree), l.file.text());
        rewriter::Request request;
        request.services.push_back(rewriter::parse_service("80,443/tcp").value());
        rewriter::Outcome outcome = rewriter::rewrite(l.tree, l.ruleset, request);
        if (outcome.status != rewriter::Status::rewritten) {
            EXPECT_FALSE(outcome.reasons.empty()) << dir;
            continue;
        }
        test::Loaded again(apply_edits(l.file.text(), outcome.edits));
        EXPECT_EQ(rewriter::rewrite(again.tree, again.ruleset, request).status,
                  rewriter::Status::unchanged)
            << dir;
    }
}
