// SPDX-License-Identifier: GPL-2.0-or-later
// The documentation of the lint rules is what they do: its examples are linted.
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

#include "analyzer/driver.hpp"
#include "base/line_index.hpp"
#include "model/nft_text.hpp"
#include "report/rules_report.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
namespace fs = std::filesystem;

namespace {

const fs::path docs = fs::path(UNTRACK_SOURCE_DIR) / "docs";

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

/// A fenced block of a page: a ruleset, and in its first comments what lint must say of it.
struct Example {
    model::Family family = model::Family::ip;
    bool nft = false;
    std::string text;
    std::vector<std::string> expected;  ///< "UT201 4"
    std::vector<std::string> forbidden;
};

std::vector<Example> examples(const std::string& page) {
    std::vector<Example> found;
    std::istringstream in(page);
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("```")) {
            inside = !inside;
            if (!inside) continue;
            EXPECT_TRUE(line == "```iptables" || line == "```ip6tables" || line == "```nft")
                << line;
            found.emplace_back();
            if (line == "```ip6tables") found.back().family = model::Family::ip6;
            found.back().nft = line == "```nft";
            continue;
        }
        if (!inside) continue;
        found.back().text += line + "\n";
        if (line.starts_with("# expect: ")) found.back().expected.push_back(line.substr(10));
        if (line.starts_with("# expect-not: ")) found.back().forbidden.push_back(line.substr(14));
    }
    return found;
}

std::set<std::string> findings(const Example& example) {
    std::set<std::string> found;
    LineIndex lines(example.text);
    auto note = [&](const analyzer::Findings& findings) {
        for (const analyzer::Finding& f : findings.list) {
            std::string code(analyzer::rules()[f.code].code);
            found.insert(code);
            found.insert(fmt::format("{} {}", code, lines.place(f.range.begin).line));
        }
    };
    auto all = analyzer::Selection::make({}, {}).value();
    if (example.nft) {
        test::LoadedNft four(example.text, model::Family::ip);
        test::LoadedNft six(example.text, model::Family::ip6);
        EXPECT_TRUE(four.tree.errors.empty()) << example.text;
        model::NftText texts[] = {{four.tree, four.ruleset}, {six.tree, six.ruleset}};
        std::vector<std::unique_ptr<analyzer::FileContext>> views;
        for (const model::NftText& text : texts)
            views.push_back(
                std::make_unique<analyzer::FileContext>(text, model::KernelProfile::modern));
        note(analyzer::lint(views, all, 1));
    } else {
        test::Loaded l(example.text, example.family);
        model::IptablesText rules(l.tree, l.ruleset);
        analyzer::FileContext file(rules, model::KernelProfile::modern);
        note(analyzer::lint(file, all));
    }
    return found;
}

}  // namespace

TEST(RulePages, EveryRuleHasOneAndNothingElse) {
    std::set<std::string> wanted;
    for (const analyzer::Rule& rule : analyzer::rules())
        wanted.insert(fmt::format("{}-{}.md", rule.code, rule.name));
    std::set<std::string> present;
    for (const auto& entry : fs::directory_iterator(docs / "rules"))
        if (entry.path().filename() != "README.md") present.insert(entry.path().filename());
    EXPECT_EQ(present, wanted);
}

TEST(RulePages, SayWhatTheRulesDo) {
    for (const analyzer::Rule& rule : analyzer::rules()) {
        SCOPED_TRACE(rule.code);
        std::string page = read(docs / "rules" / fmt::format("{}-{}.md", rule.code, rule.name));
        EXPECT_TRUE(page.starts_with(fmt::format("# {} {}\n\nSeverity: {}\n", rule.code, rule.name,
                                                 analyzer::name(rule.severity))));
        bool shows = false;
        bool shows_not = false;
        for (const Example& example : examples(page)) {
            std::set<std::string> found = findings(example);
            for (const std::string& expected : example.expected) {
                shows = shows || expected.starts_with(rule.code);
                EXPECT_TRUE(found.contains(expected)) << "no " << expected << " in\n"
                                                      << example.text;
            }
            for (const std::string& code : example.forbidden) {
                shows_not = shows_not || code == rule.code;
                EXPECT_FALSE(found.contains(code)) << code << " in\n" << example.text;
            }
        }
        if (!rule.runs()) continue;  // tests/cli shows what no ruleset does
        // That a limit was reached takes more rules than a page should have.
        EXPECT_TRUE(shows || rule.code == "UT903") << "no example that triggers the rule";
        EXPECT_TRUE(shows_not) << "no example that does not";
    }
}

TEST(RulePages, TheIndexIsTheRegistry) {
    if (std::getenv("UNTRACK_UPDATE_GOLDEN") != nullptr)
        std::ofstream(docs / "rules/README.md", std::ios::binary) << report::rules_markdown();
    EXPECT_EQ(read(docs / "rules/README.md"), report::rules_markdown());
}
