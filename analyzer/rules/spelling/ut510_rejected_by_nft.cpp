// SPDX-License-Identifier: GPL-2.0-or-later
#include <string_view>
#include <unordered_set>

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

/// Variables that nothing defines; not where a file that may define them was not read.
void check_variables(const nft::SyntaxTree& tree, Reporter& report) {
    std::unordered_set<std::string_view> defined;
    for (const nft::Node& node : tree.nodes) {
        if (node.kind == nft::Kind::define)
            if (const nft::Node* name = nft::child(node, std::size_t{0}))
                defined.insert(tree.value_of(*name));
        if (node.kind != nft::Kind::include) continue;
        const nft::Inclusion* inclusion = tree.inclusion(node);
        if (inclusion == nullptr || !inclusion->unread.empty()) return;
    }
    for (const nft::Node& node : tree.nodes)
        if (node.kind == nft::Kind::variable && !defined.contains(tree.value_of(node)))
            report.add(node.range(), "nothing defines this variable, and nft refuses the file");
}

}  // namespace

void ut510_nft(const FileContext& /*file*/, const nft::SyntaxTree& tree, Reporter& report) {
    check_variables(tree, report);
    for (const nft::Note& note : tree.notes) report.add(note.range, message(note.kind));
    for (const nft::Node& node : tree.nodes)
        if (node.kind == nft::Kind::opaque)
            report.add(node.range(),
                       "nft 1.0.6 does not know this: a mistake, or syntax of a newer nft. What "
                       "packets meet here is not known");
}

}  // namespace untrack::analyzer
