// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut509(const FileContext&, const ipt::SyntaxTree& tree, Reporter& report) {
    for (const ipt::Note& note : tree.notes) {
        if (note.kind != ipt::NoteKind::glued_interface) continue;
        Finding& finding =
            report.add(note.range,
                       "iptables 1.8.9 takes the whole word for the interface's name, so this rule "
                       "matches no packet: put a blank after the option");
        report.details(finding).fixes.push_back(
            {"put a blank after the option",
             Applicability::unsafe,
             FixKind::correction,
             {{{note.range.begin + 2, note.range.begin + 2}, " "}}});
    }
}

}  // namespace untrack::analyzer
