// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut513(const FileContext& file, const ipt::SyntaxTree&, Reporter& report) {
    for (const model::Chain& chain : file.ruleset.chains) {
        if (chain.base || !chain.is_declared) continue;
        if (ipt::find_extension(ipt::ExtensionKind::target, chain.name) == ipt::no_extension)
            continue;
        report.add_text(chain.declared,
                        fmt::format("in this table `-j {0}' jumps to this chain and no longer "
                                    "means the target {0}: give the chain another name",
                                    chain.name));
    }
}

}  // namespace untrack::analyzer
