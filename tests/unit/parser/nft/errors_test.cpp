// SPDX-License-Identifier: GPL-2.0-or-later
// What is said about text that cannot be read, and where reading goes on.
#include <gtest/gtest.h>

#include "base/line_index.hpp"
#include "tests/unit/parser/nft/tree_text.hpp"

using namespace untrack::parser::nft;

namespace {

/// "line:column: message" of every error.
std::vector<std::string> errors(const std::string& text) {
    SyntaxTree tree = parse(text);
    EXPECT_EQ(print(tree), text);
    untrack::LineIndex lines(text);
    std::vector<std::string> out;
    for (const SyntaxError& e : tree.errors) {
        auto place = lines.place(e.range.begin);
        out.push_back(std::to_string(place.line) + ':' + std::to_string(place.column) + ": " +
                      e.message);
    }
    return out;
}
std::vector<std::string> errors_in_chain(const std::string& rules) {
    return errors("table t {\nchain c {\n" + rules + "\n}\n}\n");
}

using Messages = std::vector<std::string>;

std::size_t count(const std::string& text, Kind kind) {
    SyntaxTree tree = parse(text);
    std::size_t n = 0;
    for (const Node& node : tree.nodes)
        if (node.kind == kind) ++n;
    return n;
}

}  // namespace

TEST(NftErrors, AMissingValue) {
    EXPECT_EQ(
        errors_in_chain("tcp dport accept"),
        Messages{"3:11: expected a value, a range, a set in braces or `@set', found `accept'"});
    EXPECT_EQ(errors_in_chain("limit rate 10"),
              Messages{"3:14: expected `/' or a unit, found the end of the line"});
    EXPECT_EQ(errors_in_chain("jump"),
              Messages{"3:5: expected a variable or a name, found the end of the line"});
    EXPECT_EQ(errors_in_chain("dnat"),
              Messages{"3:5: expected an address, or `:' and a port, found the end of the line"});
}

TEST(NftErrors, TheNextRuleIsReadAgain) {
    std::string text =
        "table t {\nchain c {\ntcp dport\nudp dport 53 accept\n"
        "ip saddr vmap {\n 10.0.0.1 = drop,\n 10.0.0.2 accept\n}\n(\ndrop\n}\n"
        "chain d {\n accept\n}\n}\n";
    EXPECT_EQ(errors(text).size(), 4U);
    EXPECT_EQ(count(text, Kind::verdict), 3U);
}

TEST(NftErrors, AnUnclosedSetEndsWithItsLine) {
    std::string text =
        "table t {\nchain c {\ntcp dport { 22, 80 accept\n}\nchain d {\naccept\n}\n}\n";
    EXPECT_EQ(errors(text), Messages{"3:20: expected `,' or `}', found `accept'"});
    EXPECT_EQ(count(text, Kind::chain), 2U);
}

TEST(NftErrors, BracesTooManyAndTooFew) {
    EXPECT_EQ(errors("table t {\n}\n}\n"),
              Messages{"3:1: expected a command such as table or add rule, found `}'"});
    EXPECT_EQ(errors("table t {\nchain c {\naccept\n"),
              (Messages{"3:8: expected `}' before the end of the file",
                        "3:8: expected `}' before the end of the file"}));
    EXPECT_EQ(count("table t {\nchain c {\naccept\n", Kind::rule), 1U);
}

TEST(NftErrors, CommandsAndItems) {
    EXPECT_EQ(errors("iptables -A INPUT -j DROP\n").size(), 1U);
    EXPECT_EQ(errors("chain c {\n}\n"), Messages{"1:9: expected `handle' or a name, found `{'"});
    EXPECT_EQ(errors("table t {\nchains c\n}\n"),
              Messages{"2:1: expected an item of a table: chain, set, map, flowtable or an object, "
                       "found `chains'"});
    EXPECT_EQ(errors("include /etc/x\n"),
              Messages{"1:9: expected a file's name in quotation marks, found `/'"});
    EXPECT_EQ(errors_in_chain("accept comment \"a\" drop"),
              Messages{"3:20: a rule ends with its comment: `comment \"...\"'"});
    EXPECT_EQ(errors_in_chain("type filter hook input priority high five"),
              Messages{"3:38: expected `;' or a new line, found `five'"});
}

TEST(NftErrors, NotesTellWhatNftRefuses) {
    auto notes = [](const std::string& text) {
        SyntaxTree tree = parse(text);
        std::vector<NoteKind> kinds;
        for (const Note& note : tree.notes) kinds.push_back(note.kind);
        return kinds;
    };
    EXPECT_EQ(notes("table t {\r\n}\r\n"), std::vector{NoteKind::carriage_return});
    EXPECT_EQ(notes("\xef\xbb\xbftable t\n"), std::vector{NoteKind::byte_order_mark});
    EXPECT_EQ(notes("table t { chain c { accept }; }\n"), std::vector{NoteKind::missing_separator});
    EXPECT_EQ(notes("table t { chain c { accept; }; }\n"), std::vector<NoteKind>{});
    EXPECT_EQ(notes("include \"x\n"), std::vector{NoteKind::unterminated_string});
}

TEST(NftErrors, DeepNestingIsAnError) {
    std::string deep(10000, '(');
    EXPECT_EQ(errors_in_chain("tcp dport " + deep).size(), 1U);
    EXPECT_EQ(errors_in_chain("tcp dport " + std::string(10000, '{')).size(), 1U);
    std::string jumps;
    for (int i = 0; i < 2000; ++i) jumps += "jump { ";
    EXPECT_FALSE(errors_in_chain(jumps).empty());
}

TEST(NftErrors, UnclosedBracesDoNotTakeForever) {
    // Each of these lines looks for its brace up to the end of the file: quadratic without a limit.
    for (const std::string line :
         {"foo {\n", "x vmap { 1 : 2 = {\n", "set s { elements = { a {\n", "counter c { x {\n"}) {
        std::string text = "table t {\n";
        while (text.size() < 2000000) text += line;
        EXPECT_FALSE(errors(text).empty());
    }
}
