// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "analyzer/context.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace nft = parser::nft;

namespace {

std::string_view message(nft::NoteKind kind) {
    switch (kind) {
        case nft::NoteKind::carriage_return:
            return "nft refuses carriage returns at line ends: save the file with Unix line ends";
        case nft::NoteKind::byte_order_mark:
            return "nft refuses a byte order mark: save the file without one";
        case nft::NoteKind::missing_separator:
            return "nft wants a line end or `;' here";
        case nft::NoteKind::unterminated_string:
            return "this string has no closing quotation mark";
    }
    return {};
}

}  // namespace

void ut510_nft(const FileContext& /*file*/, const nft::SyntaxTree& tree, Reporter& report) {
    for (const nft::Note& note : tree.notes) report.add(note.range, message(note.kind));
    for (const nft::Node& node : tree.nodes)
        if (node.kind == nft::Kind::opaque)
            report.add(node.range(),
                       "nft 1.0.6 does not know this: a mistake, or syntax of a newer nft. What "
                       "packets meet here is not known");
}

}  // namespace untrack::analyzer
