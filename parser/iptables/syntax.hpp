// SPDX-License-Identifier: GPL-2.0-or-later
// The lossless tree of an iptables-save or iptables-restore file: lines, and the options in them.
// It has no meaning; model/ gives it one. Flat vectors of small records, because files have a
// million rules.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/large_memory.hpp"
#include "base/line_index.hpp"
#include "base/text_range.hpp"
#include "parser/iptables/options.hpp"

namespace untrack::parser::iptables {

enum class LineKind : std::uint8_t {
    blank,    ///< empty, or blanks only
    comment,  ///< '#' in the first column
    table,    ///< "*filter"
    chain,    ///< ":INPUT ACCEPT [0:0]"
    command,  ///< "-A INPUT ...", also -I -D -R -N -P -F -X -Z -E, with "[1:2]" before it or not
    commit,   ///< "COMMIT"
    error,    ///< a line with a syntax error; its options up to the error are kept
};

/// One line: the bytes from `begin` to the next line's `begin` (or the end of the file), line end
/// included. The lines of a tree put together are the file. A line whose last word is a lone
/// backslash goes on in the next line of the file.
struct Line {
    std::uint32_t begin;
    std::uint32_t first_option;  ///< index into SyntaxTree::options
    std::uint16_t option_count;
    LineKind kind;
};

/// One option of a command line with the words that belong to it.
struct Option {
    enum Flag : std::uint8_t {
        negated = 1,        ///< "!" before it
        negated_after = 2,  ///< "!" between it and its value, as iptables before 1.4.3 wrote it
        glued = 4,          ///< "-ieth0"
        equals = 8,         ///< "--source=10.0.0.1"
        abbreviated = 16,   ///< an unambiguous prefix of the option's name
        implied = 32,       ///< the first option of a match that only -p names: "-p tcp --dport 80"
    };
    std::uint32_t begin;  ///< of the option's own word (not of a "!" before it)
    OptionKey key;
    std::uint8_t value_count;  ///< words that follow (glued and equals values count as one)
    std::uint8_t flags;
    /// The first value when it is a plain word: bytes from `begin` to it, and its length. Both are
    /// 0 for values in quotation marks, glued and equals values, and those after a "!".
    std::uint16_t value_offset;
    std::uint16_t value_size;
};
static_assert(sizeof(Option) == 12);

struct SyntaxError {
    TextRange range;      ///< what the caret stands under; may be empty at the end of a line
    std::string message;  ///< what is wrong and what was expected
};

/// Things that parse but that today's tools refuse or silently change; lint reports them.
enum class NoteKind : std::uint8_t {
    carriage_return,
    byte_order_mark,
    backslash_at_end,
    blank_line,
    glued_value,
    glued_interface,
    equals_value,
    old_negation,
    missing_commit,
    commit_without_newline,
    blank_after_commit,
    no_table_line,
    table_option,
    long_word,
    many_words,
    long_line,
    nul_byte,
    unterminated_quote,
    long_comment,
    long_log_prefix,
};
struct Note {
    NoteKind kind;
    TextRange range;
};

/// The tree of one file. It refers to the bytes it was made from; they must outlive it.
struct SyntaxTree {
    std::string_view text;
    LargeVector<Line> lines;
    LargeVector<Option> options;
    std::vector<SyntaxError> errors;
    std::vector<Note> notes;

    [[nodiscard]] TextRange range(const Line& line) const;
    /// The bytes of a line without its line end.
    [[nodiscard]] std::string_view content(const Line& line) const;
    [[nodiscard]] std::span<const Option> options_of(const Line& line) const {
        return std::span(options).subspan(line.first_option, line.option_count);
    }
    /// The first value of an option when it is a plain word; else empty, and OptionWords tells.
    [[nodiscard]] std::string_view plain_value(const Option& option) const {
        return {text.data() + option.begin + option.value_offset, option.value_size};
    }
};

/// A word of a line as it stands there, quotes included.
struct Word {
    TextRange range;
    bool quoted = false;        ///< has a quotation mark: its value is not its bytes
    bool unterminated = false;  ///< a quote that the line does not close
};

/// The words of one line of a tree, one after the other: the leaves between which there are only
/// blanks.
class WordReader {
  public:
    /// Reads from offset `at` to offset `end` of the text.
    WordReader(std::string_view text, std::uint32_t at, std::uint32_t end)
        : text_(text), at_(at), end_(end) {}
    /// The next word; false at the end of the line.
    bool next(Word& word);

  private:
    std::string_view text_;
    std::uint32_t at_;
    std::uint32_t end_;
};

/// What iptables makes of a word: quotation marks taken off, `\x` inside them replaced by x.
/// `storage` is used only when the value differs from the bytes of the file.
std::string_view quoted_value(std::string_view text, const Word& word, std::string& storage);
inline std::string_view word_value(std::string_view text, const Word& word, std::string& storage) {
    if (word.quoted) return quoted_value(text, word, storage);
    return {text.data() + word.range.begin, word.range.size()};
}

/// The words of one option of a line: reads its values in order.
class OptionWords {
  public:
    OptionWords(const SyntaxTree& tree, const Line& line, const Option& option);
    /// The same for who knows already where the line's content ends.
    OptionWords(const SyntaxTree& tree, std::uint32_t line_end, const Option& option);
    /// The option's own word, glued or "=" value included.
    [[nodiscard]] TextRange name() const { return name_; }
    /// The next value; false when there is none left.
    bool next(Word& value);
    /// The bytes from the option's word to the end of its last value.
    static TextRange whole(const SyntaxTree& tree, const Line& line, const Option& option);

  private:
    const SyntaxTree& tree_;
    const Option& option_;
    TextRange name_;
    WordReader reader_;
    std::uint8_t left_;
};

/// The first value of an option, quotation marks taken off; empty when it has none. `storage` is
/// used only when the value differs from the bytes of the file.
std::string_view first_value(const SyntaxTree& tree, const Line& line, const Option& option,
                             std::string& storage);

/// Bytes of a table line or a chain line: "*filter" has a name, ":INPUT ACCEPT [0:0]" all three.
/// Empty ranges where absent.
struct DeclarationParts {
    TextRange name;
    TextRange policy;
    TextRange counters;
};
DeclarationParts declaration(const SyntaxTree& tree, const Line& line);

/// "[12:345]" before the command of a line; empty when there is none.
TextRange counters_before(const SyntaxTree& tree, const Line& line);

/// The lines of the file, for places.
LineIndex line_index(const SyntaxTree& tree);

/// Parses any bytes; never fails. What is no iptables-restore file becomes error lines.
SyntaxTree parse(std::string_view text);

/// The leaves of the tree put together, which is the file.
std::string print(const SyntaxTree& tree);

}  // namespace untrack::parser::iptables
