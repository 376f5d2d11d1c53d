// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut514(const FileContext& file, const parser::iptables::SyntaxTree&, Reporter& report) {
    for (TextRange range : file.ruleset.repeated_tables)
        report.add(range,
                   "this table has come before: loading it again without --noflush removes all "
                   "rules of the first time: put both into one");
}

}  // namespace untrack::analyzer
