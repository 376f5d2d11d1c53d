// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes: the tree's leaves put together are the input, nodes lie inside their parents, and
// every set can be read.
#include <cstdint>
#include <cstdlib>

#include "parser/nft/syntax.hpp"

using namespace untrack::parser::nft;

namespace {

void check(const Node& node) {
    std::uint32_t at = node.begin;
    for (const Node& part : children(node)) {
        if (part.begin < at || part.end < part.begin || part.end > node.end) std::abort();
        at = part.end;
        check(part);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (Context context : {Context::file, Context::table, Context::chain, Context::set}) {
        SyntaxTree tree = parse(text, context);
        if (print(tree) != text || tree.root().size != tree.nodes.size()) std::abort();
        check(tree.root());
        bool skipped = false;
        for (const Node& node : tree.nodes) {
            skipped = skipped || node.kind == Kind::error;
            if (tree.listed_handle(node).end > text.size()) std::abort();
            if (node.kind != Kind::set_body) continue;
            Elements elements(tree, node);
            for (Element e; elements.next(e);) check(*e.node);
        }
        if (skipped && tree.errors.empty()) std::abort();
    }
    return 0;
}
