// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut101(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.state_matches)
        report.add(
            file.match_range(file.ruleset.rule(id), {"state", "conntrack"}),
            "this test of a connection's state turns connection tracking on for every "
            "packet of the family, by being loaded; tests of ports and TCP flags (`! --syn') "
            "turn nothing on",
            id);
}

}  // namespace untrack::analyzer
