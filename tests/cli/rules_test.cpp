// SPDX-License-Identifier: GPL-2.0-or-later
// The list of lint rules, for people and for programs.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

nlohmann::json rules() {
    Ran ran = shell("untrack rules --format json");
    EXPECT_EQ(ran.code, 0) << ran.err;
    auto json = nlohmann::json::parse(ran.out);
    EXPECT_EQ(json.at("version"), 1);
    return json.at("rules");
}

}  // namespace

TEST(Rules, JsonHasEveryRuleWhole) {
    std::istringstream list(shell("untrack rules").out);
    std::vector<std::string> wanted;
    for (std::string line; std::getline(list, line);) wanted.push_back(line.substr(0, 5));
    std::vector<std::string> codes;
    const std::set<std::string> severities{"info", "warning", "error"};
    const std::set<std::string> languages{"iptables", "ip6tables", "nft"};
    for (const auto& rule : rules()) {
        codes.push_back(rule.at("code"));
        SCOPED_TRACE(codes.back());
        EXPECT_EQ(rule.size(), 5U);
        EXPECT_TRUE(severities.contains(rule.at("severity")));
        EXPECT_FALSE(rule.at("summary").get<std::string>().empty());
        for (const auto& language : rule.at("languages"))
            EXPECT_TRUE(languages.contains(language)) << language;
        EXPECT_EQ(rule.at("languages").empty(), rule.at("code") == "UT904");
        EXPECT_TRUE(fs::exists(fs::path(UNTRACK_SOURCE_DIR) / "docs/rules" /
                               (codes.back() + "-" + rule.at("name").get<std::string>() + ".md")));
    }
    EXPECT_GT(codes.size(), 40U);
    EXPECT_EQ(codes, wanted);
}

TEST(Rules, LanguagesAreThoseThatARuleSpeaksOf) {
    const nlohmann::json list = rules();
    auto languages = [&](const char* code) {
        for (const auto& rule : list)
            if (rule.at("code") == code) return rule.at("languages");
        return nlohmann::json();
    };
    EXPECT_EQ(languages("UT501"), (nlohmann::json{"iptables", "ip6tables"}));
    EXPECT_EQ(languages("UT504"), nlohmann::json::array({"nft"}));
    EXPECT_EQ(languages("UT510").size(), 3U);
    EXPECT_EQ(languages("UT203").size(), 3U);
}

TEST(Rules, TheTableOfTheDocumentationIsWhatIsPrinted) {
    EXPECT_EQ(shell("untrack rules --format markdown").out,
              read(fs::path(UNTRACK_SOURCE_DIR) / "docs/rules/README.md"));
    EXPECT_EQ(shell("untrack rules --format yaml").code, 2);
}
