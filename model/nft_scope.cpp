// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_scope.hpp"

namespace untrack::model {

using nft::Kind;
using nft::Node;

namespace {

/// Variables may stand for variables; nft refuses circles, and so do we.
constexpr unsigned deepest = 16;

}  // namespace

const Node& NftScope::resolved(const Node& node) const {
    const Node* at = &node;
    for (unsigned i = 0; i < deepest && at->kind == Kind::variable; ++i) {
        auto it = variables_.find(text(*at));
        if (it == variables_.end()) break;
        at = it->second;
    }
    return *at;
}

const NftSet* NftScope::set(std::string_view name) const {
    if (sets_ == nullptr) return nullptr;
    auto it = sets_->find(name);
    return it == sets_->end() ? nullptr : &it->second;
}

bool NftScope::body(const Node& set_body,
                    const std::function<bool(const Node& key, const Node* data)>& f,
                    unsigned depth) const {
    nft::Elements elements(tree_, set_body);
    for (nft::Element e{}; elements.next(e);) {
        const Node& key = resolved(*e.key);
        bool whole = key.kind == Kind::set_body;
        if (key.kind == Kind::error || (whole && (depth == 0 || e.data != nullptr))) return false;
        if (whole ? !body(key, f, depth - 1) : !f(key, e.data)) return false;
    }
    return true;
}

bool NftScope::each_element(const Node& which,
                            const std::function<bool(const Node& key, const Node* data)>& f) const {
    const Node& node = resolved(which);
    if (node.kind == Kind::set_body) return body(node, f, deepest);
    if (node.kind != Kind::set_ref) return false;
    const NftSet* s = set(text(node));
    if (s == nullptr || s->changes) return false;
    for (const Node* b : s->bodies) {
        const Node& elements = resolved(*b);
        if (elements.kind != Kind::set_body || !body(elements, f, deepest)) return false;
    }
    return true;
}

}  // namespace untrack::model
