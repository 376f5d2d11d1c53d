// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"
#include "model/refusals.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

namespace {

std::string_view message(ipt::NoteKind kind) {
    switch (kind) {
        case ipt::NoteKind::carriage_return:
            return "iptables-restore refuses carriage returns at line ends: save the file with "
                   "Unix line ends";
        case ipt::NoteKind::byte_order_mark:
            return "iptables-restore refuses a byte order mark: save the file without one";
        case ipt::NoteKind::backslash_at_end:
            return "iptables-restore has no line continuation and refuses this backslash: join the "
                   "lines";
        case ipt::NoteKind::blank_line:
            return "iptables-restore refuses a line that holds only blanks: empty it";
        case ipt::NoteKind::glued_value:
            return "iptables 1.8.9 refuses a value glued to this option: put a blank between them";
        case ipt::NoteKind::equals_value:
            return "iptables 1.8.9 refuses `=' after this option: put a blank instead";
        case ipt::NoteKind::missing_commit:
            return "iptables-restore refuses a table without COMMIT: put one before this place";
        case ipt::NoteKind::commit_without_newline:
            return "iptables-legacy-restore refuses a file whose last COMMIT has no line end: add "
                   "one";
        case ipt::NoteKind::blank_after_commit:
            return "iptables-restore refuses blanks after COMMIT: take them away";
        case ipt::NoteKind::no_table_line:
            return "this is what `iptables -S' prints; iptables-restore wants a `*table' line "
                   "before the rules and COMMIT after them";
        case ipt::NoteKind::table_option:
            return "iptables-restore 1.8.9 refuses -t in a file: the `*table' line says it";
        case ipt::NoteKind::long_word:
            return "iptables-restore refuses a word of more than 1023 bytes";
        case ipt::NoteKind::many_words:
            return "iptables-restore refuses a line of more than 250 words";
        default:
            return {};
    }
}

}  // namespace

void ut510(const FileContext& file, const ipt::SyntaxTree& tree, Reporter& report) {
    for (const ipt::Note& note : tree.notes)
        if (std::string_view text = message(note.kind); !text.empty()) report.add(note.range, text);
    for (model::Refusal& refusal : model::refusals(tree, file.ruleset, file.jumps))
        report.add_text(refusal.range, std::move(refusal.message), refusal.rule);
}

}  // namespace untrack::analyzer
