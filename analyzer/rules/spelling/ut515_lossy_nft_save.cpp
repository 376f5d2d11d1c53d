// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut515(const FileContext& /*file*/, const ipt::SyntaxTree& tree, Reporter& report) {
    for (const ipt::Line& line : tree.lines) {
        if (line.kind != ipt::LineKind::comment) continue;
        std::string_view text = tree.content(line);
        if (!text.starts_with("# Table `")) continue;
        // xtables-save's own words (iptables/xtables-save.c in iptables).
        if (text.ends_with("' is incompatible, use 'nft' tool."))
            report.add(tree.range(line),
                       "iptables-nft-save has left this table out: it is loaded, and packets meet "
                       "rules that are not in this file. Give what `nft list ruleset' prints "
                       "instead");
        else if (text.ends_with(
                     "' contains incompatible base-chains, use 'nft' tool to list them."))
            report.add(tree.range(line),
                       "iptables-nft-save has left chains of this table out: packets meet rules "
                       "that are not in this file. Give what `nft list ruleset' prints instead");
    }
}

}  // namespace untrack::analyzer
