// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut512(const FileContext& file, Reporter& report) {
    bool six = file.ruleset.family == model::Family::ip6;
    std::uint8_t other = six ? packet::proto_icmp : packet::proto_icmpv6;
    for (std::size_t i = 0; i < file.ruleset.rules.size(); ++i) {
        const model::Rule& rule = file.ruleset.rules[i];
        if (!rule.live) continue;
        for (const model::Match& m : file.ruleset.matches_of(rule))
            if (m.kind == model::MatchKind::protocol && m.payload.number == other && !m.negated)
                report.add(file.range(rule),
                           six ? "IPv6 packets never carry IPv4's ICMP, so this rule matches "
                                 "nothing: write -p ipv6-icmp"
                               : "IPv4 packets never carry ICMPv6, so this rule matches nothing: "
                                 "write -p icmp",
                           model::RuleId(i));
    }
}

}  // namespace untrack::analyzer
