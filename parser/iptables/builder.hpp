// SPDX-License-Identifier: GPL-2.0-or-later
// What the grammar's events are made into: lines, and for command lines the options that iptables'
// getopt would see.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/iptables/syntax.hpp"

namespace untrack::parser::iptables {

/// Reads the words of one command line as iptables' own option parser does, and appends the options
/// to the tree. The rules are measured (exact name, newest extension first, then an unambiguous
/// prefix; -p loads its match when an option is not known otherwise).
class OptionReader {
  public:
    explicit OptionReader(SyntaxTree& tree) : tree_(tree) {}
    /// False when the line has a syntax error, which is then in the tree.
    bool read(std::span<const Word> words);

  private:
    struct Name {
        OptionKey key = unknown_option;
        bool abbreviated = false;
        bool implied = false;
    };

    // `inline' what runs for every option: a file has half a dozen options a line.
    inline bool read_option(std::span<const Word> words, std::size_t& at, bool negated);
    bool read_long(std::string_view name, const Word& word, Name& found);
    inline bool read_short(char letter, const Word& word, OptionKey& found);
    inline bool take_values(const OptionInfo& info, std::span<const Word> words, std::size_t& at,
                            Option& option);
    void take_unknown_values(std::span<const Word> words, std::size_t& at, Option& option);
    inline bool after(std::span<const Word> words, Option& option, std::size_t first_value);
    inline void add(Option option, std::span<const Word> words, std::size_t first_value);
    inline bool once(Base option, const Word& word);
    inline bool is_active(ExtensionId extension) const;
    inline OptionKey exact(std::string_view name) const;
    bool by_prefix(std::string_view name, const Word& word, Name& found);
    bool load_implied();
    void activate(ExtensionId extension);
    std::string_view value(const Word& word);
    inline bool is_negation(const Word& word);
    bool fail(TextRange range, std::string message);
    void note(NoteKind kind, TextRange range);

    SyntaxTree& tree_;
    const OptionKey comment_ = option_key(ExtensionKind::match, "comment", "--comment");
    const OptionKey log_prefix_ = option_key(ExtensionKind::target, "LOG", "--log-prefix");
    const OptionKey nflog_prefix_ = option_key(ExtensionKind::target, "NFLOG", "--nflog-prefix");
    std::array<ExtensionId, 32> active_{};
    std::size_t active_count_ = 0;
    bool unknown_extension_ = false;
    bool protocol_loaded_ = false;
    std::string protocol_;
    std::uint64_t seen_ = 0;  ///< Base options that may come only once
    bool command_seen_ = false;
    std::string storage_;
};

/// The longest word that iptables 1.8.9 takes (xshared.h).
inline constexpr std::uint32_t longest_word = 1023;

/// Receives the grammar's events for one piece of a file.
class TreeBuilder {
  public:
    /// The piece reaches from `begin` to the end of the tree's text.
    TreeBuilder(SyntaxTree& tree, std::uint32_t begin)
        : tree_(tree),
          options_(tree),
          first_(begin),
          begin_(begin),
          has_nul_(tree.text.find('\0', begin) != std::string_view::npos) {}

    void begin_line(std::uint32_t begin) {
        begin_ = begin;
        failed_ = false;
        odd_word_ = false;
        words_.clear();
    }
    void word(std::uint32_t begin, std::uint32_t end, bool quoted, bool unterminated) {
        words_.push_back({{begin, end}, quoted, unterminated});
        odd_word_ = odd_word_ || unterminated || end - begin > longest_word;
    }
    void end_line(LineKind kind, std::uint32_t end);
    void error(std::uint32_t at, std::string message);
    void note(NoteKind kind, std::uint32_t begin, std::uint32_t end) {
        tree_.notes.push_back({kind, {begin, end}});
    }

  private:
    void check_line(LineKind kind, std::uint32_t end);

    SyntaxTree& tree_;
    OptionReader options_;
    std::vector<Word> words_;
    std::uint32_t first_;
    std::uint32_t begin_;
    bool has_nul_;
    bool failed_ = false;
    bool odd_word_ = false;  ///< a word of this line is too long, or a quote is not closed
    bool carriage_return_noted_ = false;
};

}  // namespace untrack::parser::iptables
