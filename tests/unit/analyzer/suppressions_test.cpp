// SPDX-License-Identifier: GPL-2.0-or-later
// What comments take out of the findings, what they leave, and what is said of those that do
// nothing.
#include "analyzer/suppressions.hpp"

#include <gtest/gtest.h>

#include "analyzer/driver.hpp"
#include "model/nft_text.hpp"
#include "parser/nft/syntax.hpp"
#include "tests/unit/analyzer/lint_text.hpp"

using namespace untrack;

namespace {

/// "CODE:LINE" of the findings, "-CODE:LINE" of those that were suppressed.
std::string said(const analyzer::Findings& findings, const model::RulesetText& text) {
    std::string out;
    auto say = [&](const char* sign, const std::vector<analyzer::Finding>& list) {
        for (const analyzer::Finding& f : list)
            out += sign + std::string(analyzer::rules()[f.code].code) + ":" +
                   std::to_string(text.place(f.range.begin).at.line) + " ";
    };
    say("", findings.list);
    say("-", findings.suppressed);
    return out;
}

std::string iptables(std::string_view text, const std::vector<std::string>& select) {
    test::Loaded l(text, model::Family::ip);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    return said(analyzer::lint(file, analyzer::Selection::make(select, {}).value()), rules);
}

std::string nft(std::string_view text, const std::vector<std::string>& select) {
    parser::nft::SyntaxTree tree = parser::nft::parse(text);
    std::vector<std::unique_ptr<model::Ruleset>> rulesets;
    std::vector<std::unique_ptr<model::NftText>> texts;
    std::vector<std::unique_ptr<analyzer::FileContext>> views;
    for (model::Family family : {model::Family::ip, model::Family::ip6}) {
        rulesets.push_back(
            std::make_unique<model::Ruleset>(model::lower(tree, {family, "rules.nft"})));
        texts.push_back(std::make_unique<model::NftText>(tree, *rulesets.back()));
        views.push_back(
            std::make_unique<analyzer::FileContext>(*texts.back(), model::KernelProfile::modern));
    }
    return said(analyzer::lint(views, analyzer::Selection::make(select, {}).value(), 1),
                *texts.front());
}

/// A filter table with these lines from line 3 on.
std::string filter(const std::string& lines) {
    return "*filter\n:INPUT DROP [0:0]\n" + lines + "COMMIT\n";
}

const std::string tracked = "-A INPUT -m state --state NEW -j ACCEPT\n";

const std::vector<std::string> about_state = {"UT101", "UT501", "UT902"};

std::string chain(const std::string& lines) {
    return "table ip t {\n chain c {\n  type filter hook input priority 0; policy accept;\n" +
           lines + " }\n}\n";
}

}  // namespace

TEST(Suppressions, AnOwnLineIsAboutTheNextRuleAlone) {
    EXPECT_EQ(iptables(filter(tracked + tracked), about_state), "UT101:3 UT501:3 UT101:4 UT501:4 ");
    EXPECT_EQ(
        iptables(filter("# untrack: ignore[UT501] old habit\n" + tracked + tracked), about_state),
        "UT101:4 UT101:5 UT501:5 -UT501:4 ");
    // Other comments and blank lines between them do not matter.
    EXPECT_EQ(
        iptables(filter("#untrack:ignore[UT501]\n# why\n\n#  untrack: ignore[UT101]\n" + tracked),
                 about_state),
        "-UT101:7 -UT501:7 ");
}

TEST(Suppressions, CodesMayBeSeveralNamesAndPrefixes) {
    for (const char* words : {"UT501,UT101", "UT5 , state-match", "UT1,deprecated-state-match"})
        EXPECT_EQ(iptables(filter("# untrack: ignore[" + std::string(words) + "] x\n" + tracked),
                           about_state),
                  "-UT101:4 -UT501:4 ")
            << words;
}

TEST(Suppressions, ARulesOwnCommentIsAboutTheRule) {
    for (const char* comment :
         {"\"untrack:ignore=UT501,UT101 reason\"", "untrack:ignore=UT501,UT101",
          "\"ssh; untrack: ignore[UT501, UT101] reason\"", "\"untrack:ignore=UT501,UT101\""}) {
        EXPECT_EQ(iptables(filter("-A INPUT -m state --state NEW -m comment --comment " +
                                  std::string(comment) + " -j ACCEPT\n" + tracked),
                           about_state),
                  "UT101:4 UT501:4 -UT101:3 -UT501:3 ")
            << comment;
    }
    EXPECT_EQ(nft(chain("  ct state new accept comment \"untrack:ignore=UT101 reason\"\n  ct state "
                        "new accept\n"),
                  about_state),
              "UT101:5 -UT101:4 ");
}

TEST(Suppressions, AFileIsSuppressedAsAWhole) {
    EXPECT_EQ(iptables("# untrack: ignore-file[UT501] generated\n" + filter(tracked + tracked),
                       about_state),
              "UT101:4 UT101:5 -UT501:4 -UT501:5 ");
    EXPECT_EQ(iptables(filter(tracked + tracked) + "# untrack: ignore-file[UT501]\n", about_state),
              "UT101:3 UT101:4 -UT501:3 -UT501:4 ");
    EXPECT_EQ(nft("# untrack: ignore-file[UT1]\n" + chain("  ct state new accept\n"), about_state),
              "-UT101:5 ");
}

TEST(Suppressions, NftCommentsAreAboutWhatFollowsOrStandsBefore) {
    EXPECT_EQ(
        nft(chain("  # untrack: ignore[UT101]\n  ct state new accept\n  ct state new accept\n"),
            about_state),
        "UT101:6 -UT101:5 ");
    EXPECT_EQ(nft(chain("  ct state new accept # untrack: ignore[UT101]\n  ct state new accept\n"),
                  about_state),
              "UT101:5 -UT101:4 ");
    // A rule in several lines; a hook with its policy; a chain.
    EXPECT_EQ(nft(chain("  # untrack: ignore[UT101]\n  tcp dport { 80,\n   443 } ct state new "
                        "accept\n"),
                  about_state),
              "-UT101:6 ");
    EXPECT_EQ(nft("table ip t {\n # untrack: ignore[UT303]\n chain unused {\n  accept\n }\n}\n",
                  {"UT303", "UT902"}),
              "-UT303:3 ");
    EXPECT_EQ(nft("table ip t {\n chain unused { # untrack: ignore[UT303]\n  accept\n }\n}\n",
                  {"UT303", "UT902"}),
              "-UT303:2 ");
}

TEST(Suppressions, WhatSuppressesNothingIsAFinding) {
    EXPECT_EQ(iptables(filter("# untrack: ignore[UT203]\n" + tracked), {"UT203", "UT902"}),
              "UT902:3 ");
    EXPECT_EQ(iptables(filter("# untrack: ignore-file[UT2]\n" + tracked), {"UT2", "UT902"}),
              "UT902:3 ");
    // Of rules that do not run nobody knows, and not everybody wants to hear it.
    EXPECT_EQ(iptables(filter("# untrack: ignore[UT203]\n" + tracked), {"UT501", "UT902"}),
              "UT501:4 ");
    EXPECT_EQ(iptables(filter("# untrack: ignore[UT1]\n" + tracked), {"UT109", "UT902"}), "");
    EXPECT_EQ(iptables(filter("# untrack: ignore[UT203]\n" + tracked), {"UT203"}), "");
    // One of two words.
    EXPECT_EQ(
        iptables(filter("# untrack: ignore[UT501,UT203]\n" + tracked), {"UT501", "UT203", "UT902"}),
        "UT902:3 -UT501:4 ");
    EXPECT_EQ(
        iptables("# untrack: ignore-file[UT902]\n" + filter("# untrack: ignore[UT203]\n" + tracked),
                 {"UT203", "UT902"}),
        "-UT902:4 ");
    EXPECT_EQ(iptables("# untrack: ignore-file[UT902]\n" + filter(""), {"UT902"}), "UT902:1 ");
}

TEST(Suppressions, WhatCannotBeOneIsSaid) {
    for (const char* comment :
         {"# untrack: ignore[UT999]", "# untrack: ignore[no-such-rule]", "# untrack: ignore UT501",
          "# untrack: ignore[]", "# untrack: ignore[UT501", "# untrack: ignor[UT501]",
          "# untrack: ignore_file[UT501]"})
        EXPECT_EQ(iptables(filter(std::string(comment) + "\n" + tracked), {"UT902"}), "UT902:3 ")
            << comment;
    EXPECT_EQ(iptables(filter(tracked) + "# untrack: ignore[UT501]\n", {"UT902"}), "UT902:5 ")
        << "nothing comes after it";
}

TEST(Suppressions, ProseIsNone) {
    for (const char* comment : {"# see untrack: ignore[UT501]", "# untrack: by hand since May",
                                "# untracked: ignore[UT501]"})
        EXPECT_EQ(iptables(filter(std::string(comment) + "\n" + tracked), {"UT501", "UT902"}),
                  "UT501:4 ")
            << comment;
    EXPECT_EQ(iptables(filter("-A INPUT -m state --state NEW -j LOG --log-prefix "
                              "\"untrack:ignore=UT501 \"\n"),
                       {"UT501", "UT902"}),
              "UT501:3 ");
    EXPECT_EQ(
        nft(chain("  ct state new log prefix \"# untrack: ignore[UT101]\" accept\n"), about_state),
        "UT101:4 ");
}

TEST(Suppressions, SeveritiesAreSetByWord) {
    test::Loaded l(filter(tracked), model::Family::ip);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    auto selection = analyzer::Selection::make({"UT101", "UT501"}, {}).value();
    selection.set_severity("UT5", analyzer::Severity::error);
    auto findings = analyzer::lint(file, selection);
    ASSERT_EQ(findings.list.size(), 2U);
    EXPECT_EQ(findings.list[0].severity, analyzer::Severity::info);
    EXPECT_EQ(findings.list[1].severity, analyzer::Severity::error);
}
