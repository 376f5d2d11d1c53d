// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut512(const FileContext& file, const parser::iptables::SyntaxTree&, Reporter& report) {
    bool six = file.ruleset.family == model::Family::ip6;
    for (model::RuleId id : file.rules.other_icmp)
        report.add(file.range(file.ruleset.rule(id)),
                   six ? "IPv6 packets never carry IPv4's ICMP, so this rule matches nothing: "
                         "write -p ipv6-icmp"
                       : "IPv4 packets never carry ICMPv6, so this rule matches nothing: write "
                         "-p icmp",
                   id);
}

}  // namespace untrack::analyzer
