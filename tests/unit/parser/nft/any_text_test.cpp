// SPDX-License-Identifier: GPL-2.0-or-later
// What holds for any bytes: they come back, and the tree is well formed.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "parser/nft/syntax.hpp"

using namespace untrack::parser::nft;

namespace {

/// Pieces that make text which is nearly right more often than not.
rc::Gen<std::string> any_text() {
    auto piece = rc::gen::element<std::string>(
        "table inet t {\n", "chain c {\n", "set s {\n", "}\n", "}", "{ ", "type filter hook input ",
        "priority filter - 5; ", "policy drop;\n", "ip saddr ", "10.0.0.0/8 ", "tcp dport ",
        "{ 22, 80-90 } ", "ct state vmap { ", "established : accept, ", "accept\n", "jump c ",
        "jump {\n", "# x\n", "comment \"a\" ", "\"", "\\\n", "\r\n", "\n", ";", ",", ":", ". ",
        "$x ", "@s ", "(", ")", "& ", "| ", "== ", "!= ", "elements = { ", "type ipv4_addr\n",
        "timeout 1h ", "add rule t c ", "define x = ", "include \"y\"\n", "meter m { ", "add @s { ",
        "limit rate 1/", "second ", "counter ", "dnat to ", "1.2.3.4:80 ", "::1 ", "map ",
        "map { 1 : 2 } ", "log ", "quic ", "tcp option ", "ct ", "fib saddr . ", "0x",
        std::string(1, '\0'), "\xff", "\t", "-", "/", "*", "[", "]", "<", ">", "^");
    return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                        [](const std::vector<std::string>& pieces) {
                            std::string text;
                            for (const std::string& p : pieces) text += p;
                            return text;
                        });
}

/// Nodes lie inside their parents and behind each other.
void check_nesting(const Node& node) {
    std::uint32_t at = node.begin;
    for (const Node& part : children(node)) {
        RC_ASSERT(part.begin >= at);
        RC_ASSERT(part.end >= part.begin);
        RC_ASSERT(part.end <= node.end);
        RC_ASSERT(part.size >= 1U);
        at = part.end;
        check_nesting(part);
    }
}

void check(const std::string& text, Context context) {
    SyntaxTree tree = parse(text, context);
    RC_ASSERT(print(tree) == text);
    RC_ASSERT(tree.root().size == tree.nodes.size());
    check_nesting(tree.root());
    for (std::size_t i = 1; i < tree.errors.size(); ++i)
        RC_ASSERT(tree.errors[i - 1].range.begin <= tree.errors[i].range.begin);
    std::uint32_t at = 0;
    for (untrack::TextRange comment : tree.comments) {
        RC_ASSERT(comment.begin >= at);
        RC_ASSERT(text[comment.begin] == '#');
        at = comment.end;
    }
    bool skipped = false;
    for (const Node& node : tree.nodes) {
        skipped = skipped || node.kind == Kind::error;
        if (node.kind != Kind::set_body) continue;
        Elements elements(tree, node);
        for (Element e; elements.next(e);) {
            RC_ASSERT(e.node->begin >= node.begin);
            RC_ASSERT(e.node->end <= node.end);
            check_nesting(*e.node);
        }
    }
    RC_ASSERT(!skipped || !tree.errors.empty());
}

}  // namespace

TEST(NftAnyText, AnyBytesComeBackAndTheTreeIsWellFormed) {
    EXPECT_TRUE(rc::check([] {
        std::string text = *any_text();
        for (Context context : {Context::file, Context::table, Context::chain, Context::set})
            check(text, context);
    }));
}
