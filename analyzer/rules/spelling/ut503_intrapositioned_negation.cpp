// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "analyzer/respelling.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;

void ut503(const FileContext& file, const ipt::SyntaxTree& tree, Reporter& report) {
    std::vector<Respelling> all;
    for (const ipt::Note& note : tree.notes) {
        if (note.kind != ipt::NoteKind::old_negation) continue;
        auto after = std::upper_bound(
            tree.lines.begin(), tree.lines.end(), note.range.begin,
            [](std::uint32_t offset, const ipt::Line& line) { return offset < line.begin; });
        auto line = static_cast<std::uint32_t>(after - tree.lines.begin()) - 1;
        Respelling found{
            note.range,
            line,
            {},
            {"write ! before the option", Applicability::unsafe, FixKind::spelling, {}}};
        // From the mark to the value.
        std::uint32_t mark = note.range.end - 1;
        std::size_t value = tree.text.find_first_not_of(" \t", note.range.end);
        bool plain = tree.text[mark] == '!' && tree.text[mark - 1] != '"';
        if (plain && value != std::string_view::npos && tree.text[value] != '\\') {
            found.fix.edits.push_back({{note.range.begin, note.range.begin}, "! "});
            found.fix.edits.push_back({{mark, static_cast<std::uint32_t>(value)}, ""});
        }
        all.push_back(std::move(found));
    }
    report_respellings(file, tree, std::move(all),
                       "iptables 1.4.3 and later refuse `!' between an option and its value: write "
                       "`!' before the option",
                       report);
}

}  // namespace untrack::analyzer
