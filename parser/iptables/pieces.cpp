// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/iptables/pieces.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace untrack::parser::iptables {

std::vector<std::uint32_t> piece_ends(std::string_view text, std::size_t size) {
    std::vector<std::uint32_t> ends;
    std::size_t begin = 0;
    std::size_t at = size;  // where a line end is looked for
    while (begin < text.size()) {
        std::size_t end = text.find('\n', std::max(at, begin + 1) - 1);
        if (end == std::string_view::npos) end = text.size() - 1;
        std::size_t last = end;
        if (last > begin && text[last - 1] == '\r') --last;
        bool joined = last > begin && text[last - 1] == '\\';
        at = ++end + (joined ? 1 : size);
        if (joined && end < text.size()) continue;
        ends.push_back(static_cast<std::uint32_t>(end));
        begin = end;
    }
    return ends;
}

void reserve_for(SyntaxTree& tree, std::size_t bytes) {
    tree.lines.reserve(bytes / 32);
    tree.options.reserve(bytes / 12);
}

TreeJoiner::TreeJoiner(SyntaxTree& tree, std::string_view text) : tree_(tree), text_(text) {
    tree_.text = text.substr(0, 0);
}

bool TreeJoiner::wrong(TextRange content, const char* message) {
    tree_.errors.push_back({content, message});
    return false;
}

/// Rules belong between a table line and COMMIT.
bool TreeJoiner::may_stand_here(LineKind kind, TextRange content) {
    switch (kind) {
        case LineKind::table:
            if (in_table_) tree_.notes.push_back({NoteKind::missing_commit, content});
            in_table_ = true;
            any_table_ = true;
            break;
        case LineKind::commit:
            if (!in_table_)
                return wrong(content,
                             "COMMIT outside a table: expected `*' and a table's name before it");
            in_table_ = false;
            break;
        case LineKind::chain:
            if (!in_table_)
                return wrong(content,
                             "a chain outside a table: expected `*' and a table's name before it");
            break;
        case LineKind::command:
            if (in_table_ || listing_) break;
            if (any_table_)
                return wrong(content,
                             "a rule outside a table: expected `*' and a table's name before it");
            // What `iptables -S` prints has neither table lines nor COMMIT.
            listing_ = true;
            tree_.notes.push_back({NoteKind::no_table_line, content});
            break;
        default:
            break;
    }
    return true;
}

void TreeJoiner::append(SyntaxTree&& piece) {
    for (const Note& note : piece.notes) {
        // One file has one kind of line ends: it is enough to say so once.
        if (note.kind == NoteKind::carriage_return && std::exchange(carriage_return_noted_, true))
            continue;
        tree_.notes.push_back(note);
    }
    auto error = piece.errors.begin();
    for (Line& line : piece.lines) {
        bool in_place = in_table_ && (line.kind == LineKind::command ||
                                      line.kind == LineKind::chain);  // nearly all
        if (in_place || line.kind == LineKind::error) continue;
        while (error != piece.errors.end() && error->range.begin < line.begin)
            tree_.errors.push_back(std::move(*error++));
        auto size = static_cast<std::uint32_t>(piece.content(line).size());
        if (!may_stand_here(line.kind, {line.begin, line.begin + size}))
            line.kind = LineKind::error;
    }
    std::move(error, piece.errors.end(), std::back_inserter(tree_.errors));

    auto before = static_cast<std::uint32_t>(tree_.options.size());
    if (tree_.lines.capacity() == 0) {
        tree_.lines = std::move(piece.lines);
        tree_.options = std::move(piece.options);
    } else {
        for (Line& line : piece.lines) line.first_option += before;
        tree_.lines.insert(tree_.lines.end(), piece.lines.begin(), piece.lines.end());
        tree_.options.insert(tree_.options.end(), piece.options.begin(), piece.options.end());
    }
    tree_.text = piece.text;
}

void TreeJoiner::finish() {
    tree_.text = text_;
    if (in_table_) {
        auto end = static_cast<std::uint32_t>(text_.size());
        tree_.notes.push_back({NoteKind::missing_commit, {end, end}});
    }
    // Notes of one line are found in several passes.
    std::stable_sort(tree_.notes.begin(), tree_.notes.end(),
                     [](const Note& a, const Note& b) { return a.range.begin < b.range.begin; });
}

}  // namespace untrack::parser::iptables
