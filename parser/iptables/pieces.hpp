// SPDX-License-Identifier: GPL-2.0-or-later
// Large files in pieces: each piece is parsed by itself, on whatever thread, and put behind the
// others afterwards. parse() is the same with one piece.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "parser/iptables/syntax.hpp"

namespace untrack::parser::iptables {

/// Where the pieces of a text end. Each is `size` bytes long or somewhat longer, because it ends
/// where a line does that no backslash joins with the next. Empty for an empty text.
std::vector<std::uint32_t> piece_ends(std::string_view text, std::size_t size);

/// Makes room for what real files of that size hold: a line takes 40 bytes and more of them, an
/// option 14 to 17. What is reserved and never used costs no memory, and a vector that grows
/// touches all of it twice.
void reserve_for(SyntaxTree& tree, std::size_t bytes);

/// The lines from `piece.begin` to `piece.end`, without what hangs on lines before: whether they
/// may stand there at all. Offsets are those of the whole text; the tree's own text ends with the
/// piece.
SyntaxTree parse_piece(std::string_view text, TextRange piece);

/// Puts pieces together, in order. If there will be several, reserve_for() the tree before.
class TreeJoiner {
  public:
    /// Of the text whose pieces come. Until finish(), the tree's text is as long as its lines.
    TreeJoiner(SyntaxTree& tree, std::string_view text);

    void append(SyntaxTree&& piece);
    void finish();
    /// A table line has come before all commands: no line that comes later can be the first
    /// command of a listing without tables.
    [[nodiscard]] bool begins_with_table() const { return any_table_ && !listing_; }

  private:
    bool may_stand_here(LineKind kind, TextRange content);
    bool wrong(TextRange content, const char* message);

    SyntaxTree& tree_;
    std::string_view text_;
    bool in_table_ = false;
    bool any_table_ = false;
    bool listing_ = false;  ///< rules without any table line: what `iptables -S` prints
    bool carriage_return_noted_ = false;
};

}  // namespace untrack::parser::iptables
