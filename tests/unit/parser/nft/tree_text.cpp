// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/parser/nft/tree_text.hpp"

#include <gtest/gtest.h>

namespace untrack::parser::nft {
std::string statements(const std::string& rule) {
    std::string text = "table inet t {\n chain c {\n  " + rule + "\n }\n}\n";
    SyntaxTree tree = parse(text);
    EXPECT_EQ(print(tree), text);
    if (!tree.errors.empty()) return "error: " + tree.errors.front().message;
    std::string out;
    for (const Node& node : tree.nodes) {
        if (node.kind != Kind::rule) continue;
        for (const Node& statement : children(node))
            out += (out.empty() ? "" : " ") + shape(tree, statement);
        break;
    }
    return out;
}

std::string file_shape(const std::string& text) {
    SyntaxTree tree = parse(text);
    EXPECT_EQ(print(tree), text);
    if (!tree.errors.empty()) return "error: " + tree.errors.front().message;
    std::string out;
    for (const Node& node : children(tree.root())) {
        bool bare = node.kind == Kind::command && node.as<Verb>() == Verb::none;
        out += (out.empty() ? "" : " ") + shape(tree, bare ? *child(node, 0) : node);
    }
    return out;
}

}  // namespace untrack::parser::nft
