// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut208(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (file.ruleset.chain(rule.chain).role == model::ChainRole::raw) continue;
        // nftables loads it all the same.
        report.add_text(
            file.target_range(rule),
            file.text.iptables() != nullptr
                ? fmt::format("the kernel refuses this in table {}: by then conntrack has seen the "
                              "packet; put the rule into the raw table",
                              file.table_name(rule))
                : fmt::format(
                      "in chain {} this comes after conntrack has seen the packet, and does "
                      "nothing; put it into a chain of type filter at prerouting or output "
                      "with priority raw",
                      file.ruleset.chain(rule.chain).name),
            id);
    }
}

}  // namespace untrack::analyzer
