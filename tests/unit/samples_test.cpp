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
#include "model/nft_includes.hpp"
#include "model/nft_text.hpp"
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

bool is_nft(const fs::path& dir) {
    return fs::exists(dir / "before.nft");
}

/// A sample of nftables text, as the packets of both families meet it. Its includes are those of
/// its folder.
struct NftSample {
    SourceFile file;
    std::string with_includes;
    parser::nft::SyntaxTree tree;
    model::Ruleset rulesets[2];
    std::vector<std::unique_ptr<model::NftText>> texts;

    explicit NftSample(std::string_view text)
        : file(SourceFile::from_text("before.nft", text)), tree(parser::nft::parse(file.text())) {
        model::read_includes(tree, with_includes);
        constexpr model::Family families[] = {model::Family::ip, model::Family::ip6};
        for (std::size_t i = 0; i < 2; ++i) {
            rulesets[i] = model::lower(tree, {families[i], file.path()});
            texts.push_back(std::make_unique<model::NftText>(tree, rulesets[i]));
        }
    }
    [[nodiscard]] std::vector<const model::RulesetText*> views() const {
        return {texts[0].get(), texts[1].get()};
    }
    [[nodiscard]] analyzer::Findings findings() const {
        std::vector<std::unique_ptr<analyzer::FileContext>> contexts;
        for (const auto& text : texts)
            contexts.push_back(
                std::make_unique<analyzer::FileContext>(*text, model::KernelProfile::modern));
        return analyzer::lint(contexts, analyzer::Selection::make({}, {}).value(), 1);
    }
    [[nodiscard]] std::string lint() const {
        std::string found;
        for (const analyzer::Finding& f : findings().list) {
            model::TextPlace place = texts[0]->place(f.range.begin);
            found += std::string(analyzer::rules()[f.code].code) + " " +
                     std::to_string(place.at.line) +
                     (place.path == file.path() ? "" : " " + std::string(place.path)) + "\n";
        }
        return found;
    }
};

/// A sample's ruleset; its name says the family.
test::Loaded load(const fs::path& dir) {
    bool six = fs::exists(dir / "before.ip6tables");
    return test::Loaded(read(dir / (six ? "before.ip6tables" : "before.iptables")),
                        six ? model::Family::ip6 : model::Family::ip);
}

std::string lint_iptables(const fs::path& dir) {
    test::Loaded l = load(dir);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    LineIndex lines(l.file.text());
    std::string found;
    for (const analyzer::Finding& f :
         analyzer::lint(file, analyzer::Selection::make({}, {}).value()).list)
        found += std::string(analyzer::rules()[f.code].code) + " " +
                 std::to_string(lines.place(f.range.begin).line) + "\n";
    return found;
}

/// Includes are looked for where the sample is.
std::string lint_nft(const fs::path& dir) {
    fs::path before = fs::current_path();
    fs::current_path(dir);
    std::string found = NftSample(read("before.nft")).lint();
    fs::current_path(before);
    return found;
}

}  // namespace

TEST(Samples, EveryFindingIsClaimed) {
    ASSERT_GE(samples().size(), 20U);
    std::set<std::string> claimed;
    for (const fs::path& dir : samples()) {
        std::string found = is_nft(dir) ? lint_nft(dir) : lint_iptables(dir);
        std::istringstream findings(found);
        for (std::string line; std::getline(findings, line);)
            claimed.insert(line.substr(0, line.find(' ')));
        if (std::getenv("UNTRACK_UPDATE_GOLDEN") != nullptr)
            std::ofstream(dir / "findings", std::ios::binary) << found;
        EXPECT_EQ(found, read(dir / "findings")) << dir;
    }
    // That a limit was reached takes more rules than a sample should have.
    claimed.insert("UT903");
    for (const analyzer::Rule& rule : analyzer::rules())
        EXPECT_TRUE(!rule.runs() || claimed.contains(std::string(rule.code)))
            << "no sample shows " << rule.code;
}

TEST(Samples, FindingsSpeakTheLanguageOfTheFile) {
    std::size_t read_messages = 0;
    for (const fs::path& dir : samples()) {
        if (!is_nft(dir)) continue;
        NftSample sample(read(dir / "before.nft"));
        analyzer::Findings findings = sample.findings();
        for (const analyzer::Finding& f : findings.list) {
            ++read_messages;
            // What is said of entries is a command of conntrack-tools.
            if (f.message.find("`conntrack -D") != std::string_view::npos) continue;
            if (f.message.find("do conntrack -D") != std::string_view::npos) continue;
            for (const char* word : {"`-", "-j ", "--", "! -", "PREROUTING", "iptables-restore"})
                EXPECT_EQ(f.message.find(word), std::string_view::npos) << dir << ": " << f.message;
        }
    }
    EXPECT_GT(read_messages, 50U);
}

TEST(Samples, ConversionsAreStableAndLossless) {
    rewriter::Request request;
    request.services.push_back(rewriter::parse_service("80,443/tcp").value());
    for (const fs::path& dir : samples()) {
        if (is_nft(dir)) {
            NftSample l(read(dir / "before.nft"));
            EXPECT_EQ(parser::nft::print(parser::nft::parse(l.file.text())), l.file.text());
            rewriter::Outcome outcome = rewriter::rewrite(l.tree, l.views(), request);
            if (outcome.status != rewriter::Status::rewritten) continue;
            NftSample again(apply_edits(l.file.text(), outcome.edits));
            EXPECT_TRUE(again.tree.errors.empty()) << dir;
            EXPECT_EQ(rewriter::rewrite(again.tree, again.views(), request).status,
                      rewriter::Status::unchanged)
                << dir;
            continue;
        }
        test::Loaded l = load(dir);
        EXPECT_EQ(parser::iptables::print(l.tree), l.file.text());
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
