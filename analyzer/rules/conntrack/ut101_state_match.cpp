// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut101(const FileContext& file, Reporter& report) {
    std::string_view message = report.keep(
        fmt::format("this test of a connection's state turns connection tracking on for every "
                    "packet of the family, by being loaded; tests of ports and TCP flags "
                    "(`{}') turn nothing on",
                    file.words("! --syn", "tcp flags")));
    for (model::RuleId id : file.rules.state_matches)
        report.add(file.match_range(file.ruleset.rule(id), {"state", "conntrack"}), message, id);
}

}  // namespace untrack::analyzer
