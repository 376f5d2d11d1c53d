// SPDX-License-Identifier: GPL-2.0-or-later
// Every lint rule of the registry is documented, and shown in each language that it is about: an
// example of a page or a sample where it fires, and an example where it is silent. That they do so
// is what rule_pages_test and samples_test hold.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;

using Codes = std::set<std::string>;

struct Registered {
    const char* code;
    const char* name;
    bool iptables, nft;
};
const Registered registry[] = {
#define RULE(code, function, name, severity, summary) {#code, name, true, true},
#define IPTABLES_RULE(code, function, name, severity, summary) {#code, name, true, false},
#define NFT_RULE(code, function, name, severity, summary) {#code, name, false, true},
#define LANGUAGE_RULE(code, iptables, nft, name, severity, summary) {#code, name, true, true},
#define HOST_RULE(code, function, name, severity, summary) {#code, name, true, true},
#define COMMENT_RULE(code, name, severity, summary) {#code, name, true, true},
#define INPUT(code, name, severity, summary) {#code, name, false, false},
#include "analyzer/rules.def"
#undef RULE
#undef IPTABLES_RULE
#undef NFT_RULE
#undef LANGUAGE_RULE
#undef HOST_RULE
#undef COMMENT_RULE
#undef INPUT
};

/// Of one language.
struct Shown {
    Codes fires, silent;
};

/// The codes behind `key` in the comments of an example.
void note(const std::string& line, const std::string& key, Codes& codes) {
    if (line.starts_with(key)) codes.insert(line.substr(key.size(), 5));
}

void read_page(const fs::path& page, std::map<bool, Shown>& by_nft) {
    std::ifstream in(page);
    Shown* shown = nullptr;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("```")) {
            shown = shown != nullptr ? nullptr : &by_nft[line == "```nft"];
            continue;
        }
        if (shown == nullptr) continue;
        note(line, "# expect: ", shown->fires);
        note(line, "# expect-not: ", shown->silent);
    }
}

void read_sample(const fs::path& sample, std::map<bool, Shown>& by_nft) {
    std::ifstream in(sample / "findings");
    for (std::string line; std::getline(in, line);)
        by_nft[fs::exists(sample / "before.nft")].fires.insert(line.substr(0, 5));
}

}  // namespace

TEST(Completeness, EveryRuleIsShownInEachOfItsLanguages) {
    // Shown by unit tests alone: a limit that is reached, a kernel that is asked for, text that
    // cannot be read. UT221 is about what iptables' match ignores; UT213 wants two files of
    // iptables, as in the sample two-families.
    const Codes not_in_iptables{"UT213", "UT507", "UT903"};
    const Codes not_in_nft{"UT221", "UT901", "UT903"};
    const fs::path root = UNTRACK_SOURCE_DIR;
    std::map<bool, Shown> by_nft;
    for (const auto& entry : fs::directory_iterator(root / "docs" / "rules"))
        read_page(entry.path(), by_nft);
    for (const auto& entry : fs::directory_iterator(root / "rules-samples"))
        if (entry.is_directory()) read_sample(entry.path(), by_nft);
    for (const Registered& rule : registry) {
        SCOPED_TRACE(rule.code);
        EXPECT_TRUE(fs::exists(root / "docs" / "rules" /
                               (std::string(rule.code) + "-" + rule.name + ".md")));
        if (rule.iptables) {
            EXPECT_NE(by_nft[false].fires.contains(rule.code), not_in_iptables.contains(rule.code));
        }
        if (rule.nft) {
            EXPECT_NE(by_nft[true].fires.contains(rule.code), not_in_nft.contains(rule.code));
        }
        if (rule.iptables || rule.nft) {
            EXPECT_TRUE(by_nft[false].silent.contains(rule.code) ||
                        by_nft[true].silent.contains(rule.code));
        }
    }
}
