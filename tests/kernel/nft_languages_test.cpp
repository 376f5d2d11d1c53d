// SPDX-License-Identifier: GPL-2.0-or-later
// One ruleset in two spellings: what nft lists of real files, and what iptables-restore-translate
// makes of the samples.
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "model/lower_iptables.hpp"
#include "model/lower_nft.hpp"
#include "packet/compare.hpp"
#include "packet/words.hpp"
#include "tests/kernel/lab.hpp"

namespace untrack::test {
namespace {

namespace fs = std::filesystem;

class Languages : public KernelTest {};

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

/// An nftables file and its ruleset of one family.
struct Nft {
    std::string text;
    parser::nft::SyntaxTree tree;
    model::Ruleset ruleset;

    Nft(std::string source, model::Family family)
        : text(std::move(source)),
          tree(parser::nft::parse(text)),
          ruleset(model::lower(tree, {family, "rules.nft", true})) {}
};

struct Iptables {
    std::string text;
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;

    Iptables(std::string source, model::Family family)
        : text(std::move(source)),
          tree(parser::iptables::parse(text)),
          ruleset(model::lower(tree, {family, "rules.iptables", true})) {}
};

packet::Comparison compared(const model::Ruleset& before, const model::Ruleset& after) {
    const model::Ruleset* first[] = {&before};
    const model::Ruleset* second[] = {&after};
    return packet::compare(before.family, first, second, {});
}

/// A packet that shows that they are not the same. What hangs on a predicate may be one predicate
/// in two spellings, and shows nothing.
std::string difference(const packet::Comparison& c) {
    if (c.result != packet::Sameness::different) return {};
    for (const packet::Difference& d : c.differences)
        if (d.hangs_on.empty())
            return std::string(packet::name(d.kind)) + ": " + packet::to_words(d.witness);
    return {};
}

std::vector<std::string> cells(const std::string& row) {
    std::vector<std::string> out;
    std::stringstream in(row);
    for (std::string cell; std::getline(in, cell, '\t');) out.push_back(cell);
    return out;
}

}  // namespace

TEST_F(Languages, AListingOfRealFilesIsTheSameRuleset) {
    fs::path corpus = fs::path(UNTRACK_SOURCE_DIR).parent_path() / "shared/corpus/dev";
    if (!fs::exists(corpus)) GTEST_SKIP() << "no corpus of rulesets beside the checkout";
    std::ifstream manifest(corpus / "manifest.tsv");
    std::size_t same = 0;
    std::size_t undecided = 0;
    Lab lab;
    for (std::string row; std::getline(manifest, row);) {
        std::vector<std::string> c = cells(row);
        if (c.size() < 8 || !c[0].starts_with("nft") || c[7] != "yes") continue;
        fs::path file = corpus / c[0] / c[1];
        // What a file includes is not read here.
        if (!fs::exists(file) || fs::file_size(file) > 300'000) continue;
        std::string text = text_of(file);
        if (text.find("include ") != std::string::npos) continue;
        std::string in = "ip netns exec " + lab.server + " ";
        run(in + "nft flush ruleset");
        if (run(in + "nft -f " + write("real.nft", text)) != 0) continue;
        std::string listed = output_of(in + "nft -s list ruleset");
        for (model::Family family : {model::Family::ip, model::Family::ip6}) {
            Nft before(text, family);
            Nft after(listed, family);
            packet::Comparison result = compared(before.ruleset, after.ruleset);
            same += result.result == packet::Sameness::same ? 1 : 0;
            undecided += result.result == packet::Sameness::undecided ? 1 : 0;
            EXPECT_EQ(difference(result), "") << c[1];
        }
    }
    std::cout << same << " the same, " << undecided << " undecided\n";
    EXPECT_GT(same, 500U);
    EXPECT_LT(undecided * 20, same);
}

TEST_F(Languages, TranslatedSamplesAreTheSameRuleset) {
    if (run("command -v iptables-restore-translate") != 0)
        GTEST_SKIP() << "iptables-restore-translate is not installed";
    // Where the translation is another ruleset, and why.
    const std::map<std::string, std::string> other{
        {"leftovers", "restoring a table a second time empties it, adding to it does not"},
        {"naive-bypass",
         "iptables ignores --ctorigdst of untracked packets, nftables does not match"},
        {"kube-node", "! --ctstate RELATED,ESTABLISHED,DNAT becomes ct status dnat"},
    };
    std::size_t same = 0;
    for (const auto& entry :
         fs::directory_iterator(fs::path(UNTRACK_SOURCE_DIR) / "rules-samples")) {
        for (bool six : {false, true}) {
            fs::path file = entry.path() / (six ? "before.ip6tables" : "before.iptables");
            std::string name = entry.path().filename();
            // The kernel does not load that one.
            if (!fs::exists(file) || name == "bypass-gone-wrong") continue;
            std::string translator = std::string(six ? "ip6tables" : "iptables") +
                                     "-restore-translate -f " + file.string();
            // It ends at what iptables-restore refuses.
            if (run(translator) != 0) continue;
            std::string translated = output_of(translator);
            model::Family family = six ? model::Family::ip6 : model::Family::ip;
            Iptables before(text_of(file), family);
            Nft after(translated, family);
            EXPECT_TRUE(after.tree.errors.empty()) << name;
            packet::Comparison result = compared(before.ruleset, after.ruleset);
            same += result.result == packet::Sameness::same ? 1 : 0;
            std::string found = difference(result);
            EXPECT_EQ(found.empty(), !other.contains(name)) << name << ": " << found;
        }
    }
    EXPECT_GE(same, 10U);
}

}  // namespace untrack::test
