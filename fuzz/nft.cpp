// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes: the tree's leaves put together are the input, nodes lie inside their parents, every
// set can be read, and lowering survives whatever the parser made of it.
#include <cstdint>
#include <cstdlib>

#include "model/lower_nft.hpp"
#include "model/nft_text.hpp"

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

void lower(const SyntaxTree& tree) {
    using untrack::model::Hook;
    using untrack::model::NftText;
    using untrack::model::Rule;
    static constexpr std::string_view names[] = {"state", "conntrack", "limit"};
    for (auto family : {untrack::model::Family::ip, untrack::model::Family::ip6}) {
        untrack::model::Ruleset ruleset = untrack::model::lower(tree, {family, "fuzz", true});
        NftText text(tree, ruleset);
        for (const Rule& rule : ruleset.rules) {
            for (untrack::TextRange range :
                 {text.range(rule), text.target_range(rule), text.match_range(rule, names),
                  text.removal_range(rule)})
                if (range.begin > range.end || range.end > tree.text.size()) std::abort();
            static_cast<void>(text.plain_text(rule));
            static_cast<void>(text.answering_rule(rule, Hook::output, "lo"));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (Context context : {Context::file, Context::table, Context::chain, Context::set}) {
        SyntaxTree tree = parse(text, context);
        if (print(tree) != text || tree.root().size != tree.nodes.size()) std::abort();
        check(tree.root());
        if (context == Context::file) lower(tree);
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
