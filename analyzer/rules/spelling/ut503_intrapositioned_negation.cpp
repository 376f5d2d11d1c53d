// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut503(const FileContext&, const ipt::SyntaxTree& tree, Reporter& report) {
    for (const ipt::Note& note : tree.notes)
        if (note.kind == ipt::NoteKind::old_negation)
            report.add(note.range,
                       "iptables 1.4.3 and later refuse `!' between an option and its value: write "
                       "`!' before the option");
}

}  // namespace untrack::analyzer
