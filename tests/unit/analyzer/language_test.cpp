// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <string>

#include "analyzer/driver.hpp"
#include "tests/unit/ruleset_text.hpp"

namespace untrack {
namespace {

/// Text of a language that has no tree of iptables.
class Foreign final : public model::RulesetText {
  public:
    explicit Foreign(const model::RulesetText& text) : RulesetText(text.ruleset), text_(text) {}

    [[nodiscard]] std::string_view language() const override { return "foreign"; }
    [[nodiscard]] TextRange range(const model::Rule& rule) const override {
        return text_.range(rule);
    }
    [[nodiscard]] TextRange target_range(const model::Rule& rule) const override {
        return text_.target_range(rule);
    }
    [[nodiscard]] TextRange match_range(const model::Rule& rule,
                                        std::span<const std::string_view> names) const override {
        return text_.match_range(rule, names);
    }
    [[nodiscard]] TextRange removal_range(const model::Rule& rule) const override {
        return text_.removal_range(rule);
    }
    [[nodiscard]] std::string plain_text(const model::Rule& rule) const override {
        return text_.plain_text(rule);
    }
    [[nodiscard]] std::string answering_rule(const model::Rule& rule, model::Hook hook,
                                             std::string_view out_interface) const override {
        return text_.answering_rule(rule, hook, out_interface);
    }
    [[nodiscard]] model::Ruleset with_target_texts() const override {
        return text_.with_target_texts();
    }
    [[nodiscard]] model::Ruleset reread(std::string_view changed) const override {
        return text_.reread(changed);
    }

  private:
    [[nodiscard]] std::vector<model::TextError> syntax_errors() const override { return {}; }

    const model::RulesetText& text_;
};

std::string codes(const model::RulesetText& text) {
    analyzer::FileContext file(text, model::KernelProfile::modern);
    auto all = analyzer::Selection::make({}, {}).value();
    std::string out;
    for (const analyzer::Finding& f : analyzer::lint(file, all).list)
        out += std::string(analyzer::rules()[f.code].code) + " ";
    return out;
}

const char* const rules =
    "*raw\n"
    "-A PREROUTING -p tcp --dport 80 -j NOTRACK\n"
    "COMMIT\n"
    "*filter\n"
    ":INPUT DROP [0:0]\n"
    "-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
    "-A INPUT -p tcp --dport 80 -m state --state NEW -j ACCEPT\n"
    "-A INPUT -m geoip --src-cc NL -j DROP\n"
    "-A INPUT -p udp -s ! 192.0.2.1 -j LOG\n"
    "-A INPUT -p udp -s ! 192.0.2.1 -j LOG\n"
    "COMMIT\n";

}  // namespace

TEST(Language, RulesAboutSpellingAreForIptablesAlone) {
    test::Loaded l(rules);
    model::IptablesText text(l.tree, l.ruleset);
    Foreign foreign(text);
    std::string spelled = codes(text);
    std::string meant = codes(foreign);
    for (const char* code : {"UT501", "UT502", "UT503", "UT506"}) {
        EXPECT_NE(spelled.find(code), std::string::npos) << code << ": " << spelled;
        EXPECT_EQ(meant.find(code), std::string::npos) << code << ": " << meant;
    }
    for (const char* code : {"UT101", "UT201", "UT202", "UT308"}) {
        EXPECT_NE(spelled.find(code), std::string::npos) << code << ": " << spelled;
        EXPECT_NE(meant.find(code), std::string::npos) << code << ": " << meant;
    }
}

// A language may write in one rule what the ruleset holds as several.
TEST(Language, PartsOfOneRuleAreNoTwins) {
    test::Loaded l("*filter\n-A INPUT -p udp -j LOG\n-A INPUT -p udp -j LOG\nCOMMIT\n");
    model::IptablesText text(l.tree, l.ruleset);
    EXPECT_NE(codes(text).find("UT308"), std::string::npos);
    l.ruleset.rules[1].line = l.ruleset.rules[0].line;
    model::IptablesText joined(l.tree, l.ruleset);
    EXPECT_EQ(codes(Foreign(joined)).find("UT308"), std::string::npos);
}

}  // namespace untrack
