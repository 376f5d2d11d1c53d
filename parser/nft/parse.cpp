// SPDX-License-Identifier: GPL-2.0-or-later
// From the grammar to a tree: what surrounds the rules.
#include <algorithm>
#include <optional>

#include "parser/nft/ahead.hpp"
#include "parser/nft/blocks.hpp"
#include "parser/nft/elements.hpp"

namespace untrack::parser::nft {
namespace {

bool match_context(Input& in, TreeBuilder& b, Context context) {
    switch (context) {
        case Context::table:
            return match_items<Items::table>(in, b);
        case Context::chain:
            return match_items<Items::chain>(in, b);
        case Context::set:
            return match_items<Items::set>(in, b);
        case Context::file:
            break;
    }
    return match_items<Items::file>(in, b);
}

/// Where in a block a "}" too many ended the items.
void pass_brace(Input& in, TreeBuilder& b) {
    const char* p = in.current();
    b.error(in, p, p + 1, "`}' without a block that it could end");
    b.push(in, Kind::error, p, p + 1);
    TreeBuilder::go_to(in, p + 1);
}

bool is_element_option(Kind kind) {
    return kind == Kind::timeout || kind == Kind::expires || kind == Kind::comment ||
           kind == Kind::counter || kind == Kind::limit || kind == Kind::quota ||
           kind == Kind::connlimit || kind == Kind::last;
}

}  // namespace

SyntaxTree parse(std::string_view text, Context context, std::size_t threads,
                 std::size_t run_bytes) {
    SyntaxTree tree;
    std::optional<AheadReader> ahead;
    if (threads > 1) ahead.emplace(text, threads, run_bytes);
    tree.text = text;
    // What is reserved and never used costs no memory, and a vector that grows touches it twice.
    tree.nodes.reserve(text.size() / 12 + 16);
    TreeBuilder b(tree);
    if (ahead) {
        b.ahead = &*ahead;
        b.boundary = ahead->first();
    }
    Input in(text.data(), text.data() + text.size(), "");
    b.push(in, Kind::file, in.begin(), in.end());
    if (text.starts_with("\xef\xbb\xbf")) {
        b.note(in, NoteKind::byte_order_mark, in.begin(), in.begin() + 3);
        TreeBuilder::go_to(in, in.begin() + 3);
    }
    std::size_t newline = text.find("\r\n");
    if (newline != std::string_view::npos)
        b.note(in, NoteKind::carriage_return, in.begin() + newline, in.begin() + newline + 1);
    while (in.current() != in.end()) {
        match_context(in, b, context);
        TreeBuilder::go_to(in, b.token(in));
        if (in.current() != in.end()) pass_brace(in, b);
    }
    tree.nodes[0].size = static_cast<std::uint32_t>(tree.nodes.size());
    auto before = [](const auto& x, const auto& y) { return x.range.begin < y.range.begin; };
    std::stable_sort(tree.errors.begin(), tree.errors.end(), before);
    std::stable_sort(tree.notes.begin(), tree.notes.end(), before);
    return tree;
}

/// Reads the elements of a body that the tree has no nodes of.
struct Elements::Rereader {
    Rereader(const SyntaxTree& tree, const Node& body)
        : in(tree.text.data(), tree.text.data() + body.end - 1, ""), b(scratch), body(body) {
        b.quiet = true;
        b.in_braces = true;
        TreeBuilder::go_to(in, in.begin() + body.begin + 1);
    }
    SyntaxTree scratch;
    Input in;
    TreeBuilder b;
    Node body;  ///< what elements lie in
};

Elements::Elements(const SyntaxTree& tree, const Node& set_body)
    : at_(&set_body + 1), end_(&set_body + set_body.size) {
    if (set_body.leaf()) rereader_ = std::make_unique<Rereader>(tree, set_body);
}
Elements::~Elements() = default;

bool Elements::next(Element& element) {
    const Node* node = at_;
    if (rereader_ != nullptr) {
        TreeBuilder& b = rereader_->b;
        b.nodes.clear();
        b.nodes.push_back(rereader_->body);
        if (!match_next_element(rereader_->in, b)) return false;
        node = &b.nodes[1];
    } else {
        if (at_ == end_) return false;
        at_ += at_->size;
    }
    element = {node, node, nullptr};
    if (node->kind != Kind::element) return true;
    element.key = node + 1;
    for (const Node& part : children(*node))
        if (&part != element.key && !is_element_option(part.kind)) element.data = &part;
    return true;
}

}  // namespace untrack::parser::nft
