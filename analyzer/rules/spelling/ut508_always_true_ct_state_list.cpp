// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace nft = parser::nft;

void ut508(const FileContext& /*file*/, const nft::SyntaxTree& tree, Reporter& report) {
    for (const nft::Node& node : tree.nodes) {
        if (node.kind != nft::Kind::match) continue;
        auto op = node.as<nft::Op>();
        if (op != nft::Op::ne && op != nft::Op::eq) continue;
        const nft::Node* left = nft::child(node, std::size_t{0});
        const nft::Node* right = nft::child(node, std::size_t{1});
        if (left == nullptr || right == nullptr || left->kind != nft::Kind::selector ||
            left->as<nft::Selector>() != nft::Selector::ct_state || right->kind != nft::Kind::list)
            continue;
        std::string_view states = tree.text_of(*right);
        bool never = op == nft::Op::eq;
        // A packet has one state, and the list is one number.
        Finding& finding = report.add_text(
            node.range(),
            fmt::format("a packet has one state, and this compares it with all of them at once: it "
                        "is {} of every packet. Write `ct state {}{{ {} }}'",
                        never ? "false" : "true", never ? "" : "!= ", states));
        Fix fix;
        fix.title = "compare with each of the states";
        fix.edits.push_back({right->range(), fmt::format("{{ {} }}", states)});
        report.details(finding).fixes.push_back(std::move(fix));
    }
}

}  // namespace untrack::analyzer
