// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/syntax.hpp"

#include <algorithm>

#include "parser/nft/scan.hpp"

namespace untrack::parser::nft {

const Node* child(const Node& parent, std::size_t n) {
    for (const Node& node : children(parent))
        if (n-- == 0) return &node;
    return nullptr;
}

const Node* child(const Node& parent, Kind kind) {
    for (const Node& node : children(parent))
        if (node.kind == kind) return &node;
    return nullptr;
}

std::string_view SyntaxTree::value_of(const Node& node) const {
    std::string_view s = text_of(node);
    if (s.empty()) return s;
    if (s.front() == '$' || s.front() == '@') return s.substr(1);
    if (s.front() != '"') return s;
    s.remove_prefix(1);
    if (s.ends_with('"')) s.remove_suffix(1);
    return s;
}

namespace {

/// Where on the line of a node's heading its comment may stand.
std::uint32_t heading_end(const SyntaxTree& tree, const Node& node) {
    bool has_block = node.kind == Kind::table || node.kind == Kind::chain ||
                     node.kind == Kind::set || node.kind == Kind::flowtable ||
                     node.kind == Kind::object;
    if (!has_block || !node.has(flag::braces)) return node.end;
    std::uint32_t at = node.begin;
    for (const Node& part : children(node)) {
        if (part.kind != Kind::family && part.kind != Kind::table_name && part.kind != Kind::name &&
            part.kind != Kind::handle)
            break;
        at = part.end;
    }
    auto brace = tree.text.find('{', at);
    return brace == std::string_view::npos ? node.end : static_cast<std::uint32_t>(brace) + 1;
}

}  // namespace

TextRange SyntaxTree::comment_after(const Node& node) const {
    std::uint32_t at = heading_end(*this, node);
    auto after = std::lower_bound(comments.begin(), comments.end(), at,
                                  [](TextRange c, std::uint32_t begin) { return c.begin < begin; });
    if (after == comments.end()) return {at, at};
    std::string_view between = text.substr(at, after->begin - at);
    return between.find('\n') == std::string_view::npos ? *after : TextRange{at, at};
}

TextRange SyntaxTree::listed_handle(const Node& node) const {
    TextRange comment = comment_after(node);
    std::string_view s = text_of(comment);
    constexpr std::string_view sign = "# handle ";
    if (!s.starts_with(sign)) return {comment.begin, comment.begin};
    auto begin = comment.begin + static_cast<std::uint32_t>(sign.size());
    const char* p = text.data() + begin;
    const char* end = scan_number(p, text.data() + comment.end);
    return {begin, begin + static_cast<std::uint32_t>(end - p)};
}

Halves::Halves(const SyntaxTree& tree, const Node& node) : first(&own_[0]), second(&own_[1]) {
    if (!node.leaf()) {
        first = &node + 1;
        second = first + first->size;
        return;
    }
    const char* text = tree.text.data();
    auto part = [&](std::uint32_t begin, std::uint32_t end) {
        return Node{begin, end, 1, scan_atom(text + begin, text + end).kind, 0, 0};
    };
    own_[0] = part(node.begin, node.begin + node.detail);
    own_[1] = part(node.begin + node.detail + 1, node.end);
}

std::string print(const SyntaxTree& tree) {
    std::string out;
    out.reserve(tree.text.size());
    std::uint32_t at = 0;
    for (const Node& node : tree.nodes) {
        if (!node.leaf()) continue;
        // Leaf by leaf: what is between them, and the leaves.
        out += tree.text.substr(at, node.begin - at);
        out += tree.text_of(node);
        at = node.end;
    }
    if (at < tree.text.size()) out += tree.text.substr(at);
    return out;
}

}  // namespace untrack::parser::nft
