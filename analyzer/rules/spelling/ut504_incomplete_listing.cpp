// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace nft = parser::nft;

void ut504(const FileContext& /*file*/, const nft::SyntaxTree& tree, Reporter& report) {
    for (const nft::Node& node : tree.nodes)
        if (node.kind == nft::Kind::xt)
            report.add(node.range(),
                       "nft does not show what this is: an extension of iptables. Give what "
                       "iptables-nft-save prints as well");
    // "# Warning: table ip filter is managed by iptables-nft, do not touch!"
    for (const TextRange& comment : tree.comments) {
        std::string_view text = tree.text_of(comment);
        if (text.find("is managed by iptables-nft") != text.npos)
            report.add(comment,
                       "iptables-nft made this table: what nft shows of it may be incomplete, and "
                       "nft -f may not take it back. Give what iptables-nft-save prints instead");
    }
}

}  // namespace untrack::analyzer
