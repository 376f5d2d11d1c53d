// SPDX-License-Identifier: GPL-2.0-or-later
// Several files as one tree: what is included stands behind the file that was read.
#include <algorithm>

#include "parser/nft/syntax.hpp"

namespace untrack::parser::nft {
namespace {

Context context_in(Kind block, Context outside) {
    switch (block) {
        case Kind::file:
            return outside;
        case Kind::chain:
            return Context::chain;
        case Kind::set:
            return Context::set;
        default:
            return Context::table;
    }
}

void shift(TextRange& range, std::uint32_t by) {
    range.begin += by;
    range.end += by;
}

}  // namespace

const Inclusion* SyntaxTree::inclusion(const Node& include) const {
    auto node = static_cast<std::uint32_t>(&include - nodes.data());
    auto it = std::find_if(inclusions.begin(), inclusions.end(),
                           [&](const Inclusion& i) { return i.node == node; });
    return it == inclusions.end() ? nullptr : &*it;
}

std::vector<IncludeSite> include_sites(const SyntaxTree& tree, std::uint32_t root,
                                       Context context) {
    std::vector<IncludeSite> out;
    std::vector<std::uint32_t> blocks;  // those that are open
    std::uint32_t end = root + tree.nodes[root].size;
    for (std::uint32_t i = root; i < end; ++i) {
        const Node& node = tree.nodes[i];
        while (!blocks.empty() && blocks.back() + tree.nodes[blocks.back()].size <= i)
            blocks.pop_back();
        if (node.kind == Kind::include)
            out.push_back({i, context_in(tree.nodes[blocks.back()].kind, context)});
        bool block = node.kind == Kind::file || node.kind == Kind::table ||
                     node.kind == Kind::chain || node.kind == Kind::set ||
                     node.kind == Kind::flowtable || node.kind == Kind::object;
        if (block) blocks.push_back(i);
    }
    return out;
}

std::uint32_t include(SyntaxTree& tree, std::string& text, std::string path,
                      std::string_view included, Context context) {
    auto begin = static_cast<std::uint32_t>(text.size());
    auto root = static_cast<std::uint32_t>(tree.nodes.size());
    SyntaxTree part = parse(included, context);
    text += included;
    tree.text = text;
    for (Node& node : part.nodes) {
        node.begin += begin;
        node.end += begin;
    }
    for (TextRange& comment : part.comments) shift(comment, begin);
    for (SyntaxError& error : part.errors) shift(error.range, begin);
    for (Note& note : part.notes) shift(note.range, begin);
    auto take = [](auto& to, auto& from) {
        to.insert(to.end(), std::make_move_iterator(from.begin()),
                  std::make_move_iterator(from.end()));
    };
    take(tree.nodes, part.nodes);
    take(tree.comments, part.comments);
    take(tree.errors, part.errors);
    take(tree.notes, part.notes);
    tree.included.push_back({std::move(path), begin, root});
    return static_cast<std::uint32_t>(tree.included.size() - 1);
}

}  // namespace untrack::parser::nft
