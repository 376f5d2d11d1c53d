// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut503(const FileContext& file, Reporter& report) {
    for (const ipt::Note& note : file.tree.notes)
        if (note.kind == ipt::NoteKind::old_negation)
            report.add(note.range,
                       "iptables 1.4.3 and later refuse `!' between an option and its value: write "
                       "`!' before the option");
}

}  // namespace untrack::analyzer
