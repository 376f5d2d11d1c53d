// SPDX-License-Identifier: GPL-2.0-or-later
// However many threads read a file, and wherever they begin, the tree is the same.
#include <filesystem>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/source_file.hpp"
#include "parser/nft/syntax.hpp"

using namespace untrack;
using namespace untrack::parser::nft;
namespace fs = std::filesystem;

namespace {

fs::path corpus() {
    return fs::path(UNTRACK_SOURCE_DIR).parent_path() / "shared" / "corpus" / "dev";
}

bool same(const Node& a, const Node& b) {
    return a.begin == b.begin && a.end == b.end && a.size == b.size && a.kind == b.kind &&
           a.flags == b.flags && a.detail == b.detail;
}

/// What differs between the trees of one thread and of several; empty for nothing.
std::string difference(std::string_view text, std::size_t threads, std::size_t run_bytes) {
    SyntaxTree one = parse(text);
    SyntaxTree several = parse(text, Context::file, threads, run_bytes);
    if (!std::equal(one.nodes.begin(), one.nodes.end(), several.nodes.begin(), several.nodes.end(),
                    same))
        return "nodes";
    if (one.comments != several.comments) return "comments";
    auto same_error = [](const SyntaxError& a, const SyntaxError& b) {
        return a.range == b.range && a.message == b.message;
    };
    if (!std::equal(one.errors.begin(), one.errors.end(), several.errors.begin(),
                    several.errors.end(), same_error))
        return "errors";
    auto same_note = [](const Note& a, const Note& b) {
        return a.kind == b.kind && a.range == b.range;
    };
    if (!std::equal(one.notes.begin(), one.notes.end(), several.notes.begin(), several.notes.end(),
                    same_note))
        return "notes";
    return {};
}

}  // namespace

TEST(NftAhead, SamplesAreReadTheSame) {
    std::size_t files = 0;
    for (const auto& entry :
         fs::recursive_directory_iterator(UNTRACK_SOURCE_DIR "/rules-samples")) {
        if (entry.path().extension() != ".nft") continue;
        auto file = SourceFile::open(entry.path().string());
        ASSERT_TRUE(file);
        for (std::size_t run_bytes : {40, 200, 700})
            for (std::size_t threads : {2, 4})
                EXPECT_EQ(difference(file->text(), threads, run_bytes), "") << entry.path();
        ++files;
    }
    EXPECT_GT(files, 20U);
}

TEST(NftAhead, TheCorpusIsReadTheSame) {
    if (!fs::exists(corpus())) GTEST_SKIP() << "no corpus beside the checkout";
    for (const auto& entry : fs::recursive_directory_iterator(corpus())) {
        if (!entry.is_regular_file()) continue;
        auto file = SourceFile::open(entry.path().string());
        ASSERT_TRUE(file);
        if (file->text().size() > 60000) continue;
        EXPECT_EQ(difference(file->text(), 2, 300), "") << entry.path();
    }
}

TEST(NftAhead, WrongGuessesDoNoHarm) {
    // Lines that look like the beginning of a chain or rule where none can begin.
    auto line = rc::gen::element<std::string>(
        "table inet t {\n", "table ip u {\n", "\tchain c {\n", "\tchain d {\n", "\t}\n", "}\n",
        "\t\tip saddr 10.0.0.1 accept\n", "\t\tct state vmap {\n", "\tset s {\n",
        "\t\telements = { 10.0.0.1,\n", "10.0.0.2,\n", "chain 5,\n", "\t\tcounter comment \"x\n",
        "chain y\" accept\n", "\t\tjump {\n", "\t\t\tdrop\n", "\t\taccept \\\n", "# chain x {\n",
        "\tcomment \"chain\"\n", "add rule t c accept\n", "chain x { accept }\n", "\t\taccept }\n",
        "\t\taccept;\n", "accept; # y\n", "define x = {\n", "\t\tip saddr {\n", "\n",
        "chain c {\n");
    EXPECT_TRUE(rc::check([&] {
        std::string text;
        for (const std::string& l : *rc::gen::container<std::vector<std::string>>(line)) text += l;
        RC_ASSERT(difference(text, 2, *rc::gen::inRange<std::size_t>(8, 100)).empty());
    }));
}

TEST(NftAhead, LargeFilesOfAllShapesAreReadTheSame) {
    std::string long_chain = "table inet filter {\n\tchain input {\n";
    std::string chains = "table ip nat {\n";
    std::string set = "table ip f {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { ";
    for (int i = 0; i < 20000; ++i) {
        long_chain += "\t\tip saddr 192.0.2." + std::to_string(i % 256) + " counter accept\n";
        chains += "\tchain c" + std::to_string(i) + " {\n\t\tip daddr 192.0.2.1 accept # x\n\t}\n";
        set += "10." + std::to_string(i / 256) + ".0." + std::to_string(i % 256) + ",\n\t\t\t";
    }
    for (const std::string& text : {long_chain + "\t}\n}\n", chains + "}\n", set + "}\n\t}\n}\n"})
        for (std::size_t run_bytes : {5000, 60000}) EXPECT_EQ(difference(text, 3, run_bytes), "");
    // Nothing ends it, or something does in its midst.
    EXPECT_EQ(difference(long_chain, 2, 5000), "");
    EXPECT_EQ(difference(chains + chains + "}}", 2, 5000), "");
}
