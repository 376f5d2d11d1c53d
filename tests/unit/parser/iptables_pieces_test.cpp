// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>
#include <string>

#include "parser/iptables/pieces.hpp"

using namespace untrack;
using namespace untrack::parser::iptables;

namespace {

SyntaxTree parse_in_pieces(std::string_view text, std::size_t size) {
    SyntaxTree tree;
    TreeJoiner joiner(tree, text);
    std::uint32_t begin = 0;
    for (std::uint32_t end : piece_ends(text, size)) {
        joiner.append(parse_piece(text, {begin, end}));
        EXPECT_EQ(tree.text, text.substr(0, end));
        begin = end;
    }
    EXPECT_EQ(begin, text.size());
    joiner.finish();
    return tree;
}

/// Everything that a tree holds, as text.
std::string everything(const SyntaxTree& tree) {
    std::string out = std::to_string(tree.text.size());
    auto add = [&](auto... numbers) { ((out += ' ' + std::to_string(numbers)), ...); };
    for (const Line& l : tree.lines)
        add(l.begin, l.first_option, l.option_count, static_cast<int>(l.kind));
    out += "\noptions:";
    for (const Option& o : tree.options)
        add(o.begin, o.key, o.value_count, o.flags, o.value_offset, o.value_size);
    out += "\nnotes:";
    for (const Note& n : tree.notes) add(static_cast<int>(n.kind), n.range.begin, n.range.end);
    for (const SyntaxError& e : tree.errors) {
        out += "\nerror:" + e.message;
        add(e.range.begin, e.range.end);
    }
    return out;
}

/// A generator of our own choice: every run sees the same texts.
class Texts {
  public:
    std::size_t below(std::size_t n) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state_ >> 33U) % n;
    }

    std::string lines() {
        static const std::string lines[] = {
            "*filter",
            "*nat",
            "*",
            ":INPUT DROP [0:0]",
            ":own - [0:0]",
            ":INPUT",
            "COMMIT",
            "COMMIT ",
            "",
            "  ",
            "# said by whom",
            "-A INPUT -s 192.0.2.1 -j DROP",
            "-A INPUT -p tcp --dport 80 -m comment --comment \"two words\" -j ACCEPT",
            "[1:2] -A INPUT -m state --state NEW -j ACCEPT",
            "-A INPUT -s ! 192.0.2.1 -ieth0 --dst=192.0.2.7 -j DROP",
            "-A INPUT -p tcp \\",
            "--dport 22 -j ACCEPT",
            "-A INPUT -m comment --comment \"open",
            "-A INPUT -m comment --comment \"ends with \\",
            "-A INPUT --nothing",
            "# a comment \\",
            "-P INPUT DROP",
            "what is this",
            std::string("-A INPUT -j \0 DROP", 18),
            "\xef\xbb\xbf*filter",
        };
        static const std::string ends[] = {"\n", "\n", "\n", "\n", "\n", "\r\n", "\r", "\\\r\n"};
        std::string text;
        bool tables = below(3) != 0;
        if (tables) text = "*filter\n";
        for (std::size_t i = below(14); i > 0; --i)
            text += lines[below(std::size(lines))] + ends[below(std::size(ends))];
        if (below(2) == 0) text += lines[below(std::size(lines))];
        return text;
    }

    std::string bytes() {
        static const std::string alphabet =
            std::string("*:-A INPUT!\"\\#\n\n\r\t[]0=jsCOMIT") + '\0';
        std::string text;
        for (std::size_t i = below(80); i > 0; --i) text += alphabet[below(alphabet.size())];
        return text;
    }

  private:
    std::uint64_t state_ = 11;
};

}  // namespace

TEST(IptablesPieces, CutAnywhereATextHasTheSameTree) {
    Texts texts;
    std::size_t pieces = 0;
    for (int round = 0; round < 4000; ++round) {
        std::string text = round % 4 == 0 ? texts.bytes() : texts.lines();
        std::string whole = everything(parse(text));
        for (std::size_t size : {1U, 2U, 9U, 40U, 150U}) {
            ASSERT_EQ(everything(parse_in_pieces(text, size)), whole) << text << "\n" << size;
            pieces += piece_ends(text, size).size();
        }
    }
    EXPECT_GT(pieces, 40000U);
}

TEST(IptablesPieces, TheTreeKnowsTheLinesOfTheFile) {
    Texts texts;
    for (int round = 0; round < 2000; ++round) {
        std::string text = round % 4 == 0 ? texts.bytes() : texts.lines();
        const SyntaxTree tree = parse(text);
        LineIndex known = line_index(tree);
        LineIndex counted(text);
        ASSERT_EQ(known.line_count(), counted.line_count()) << text;
        for (std::uint32_t at = 0; at <= text.size(); at += 3) {
            ASSERT_EQ(known.place(at).line, counted.place(at).line) << text;
            ASSERT_EQ(known.place(at).column, counted.place(at).column) << text;
        }
        for (std::uint32_t n = 1; n <= counted.line_count(); ++n)
            ASSERT_EQ(known.line(n), counted.line(n)) << text;
    }
}

TEST(IptablesPieces, NoPieceEndsWhereABackslashJoinsTwoLines) {
    using Ends = std::vector<std::uint32_t>;
    EXPECT_EQ(piece_ends("ab\\\ncd\nef\n", 1), (Ends{7, 10}));
    EXPECT_EQ(piece_ends("ab\\\r\ncd\r\nef", 1), (Ends{9, 11}));
    EXPECT_EQ(piece_ends("ab\ncd\nef\ngh\n", 4), (Ends{6, 12}));
    EXPECT_EQ(piece_ends("ab\ncd\n", 100), (Ends{6}));
    EXPECT_EQ(piece_ends("ab\\\n", 1), (Ends{4}));
    EXPECT_EQ(piece_ends("", 1), Ends{});
}
