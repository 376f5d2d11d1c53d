// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

namespace {

std::string_view message(ipt::NoteKind kind) {
    switch (kind) {
        case ipt::NoteKind::long_line:
            return "iptables-restore cuts a line after 10239 bytes and reads the rest as a new "
                   "line: make it shorter";
        case ipt::NoteKind::nul_byte:
            return "iptables-restore ignores the rest of the line after a NUL byte: take it away";
        case ipt::NoteKind::unterminated_quote:
            return "this quotation mark is never closed: iptables-restore makes the line's end "
                   "part of the value: close it";
        case ipt::NoteKind::long_comment:
            return "iptables keeps only the first 255 bytes of a comment: shorten it";
        case ipt::NoteKind::long_log_prefix:
            return "iptables cuts this prefix: LOG keeps 29 bytes, NFLOG 63: shorten it";
        default:
            return {};
    }
}

}  // namespace

void ut511(const FileContext&, const ipt::SyntaxTree& tree, Reporter& report) {
    for (const ipt::Note& note : tree.notes)
        if (std::string_view text = message(note.kind); !text.empty()) report.add(note.range, text);
}

}  // namespace untrack::analyzer
