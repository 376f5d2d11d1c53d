// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut901(const FileContext& file, Reporter& report) {
    for (const auto& error : file.tree.errors) report.add(error.range, error.message);
    for (const auto& problem : file.ruleset.problems) report.add(problem.range, problem.message);
}

}  // namespace untrack::analyzer
