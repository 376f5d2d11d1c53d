// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of iptables-restore's input. It knows lines and words; which words are options and
// what they take is data.
#include <algorithm>
#include <fmt/format.h>

#include "parser/iptables/builder.hpp"
#include "parser/iptables/pieces.hpp"
#include "parser/iptables/words.hpp"
#include "parser/pegtl/input.hpp"

namespace untrack::parser::iptables {
namespace {

// What the tools can hold (iptables 1.8.9: xshared.h, iptables-restore.c).
constexpr std::uint32_t longest_line = 10239;
constexpr std::size_t most_words = 250;

namespace grammar {

using namespace pegtl;

struct blank : one<' ', '\t'> {};
struct line_end : sor<eolf, string<'\r', '\n'>, seq<one<'\r'>, eof>> {};
struct rest : until<at<line_end>> {};
struct plain : plus<not_one<' ', '\t', '\r', '\n'>> {};

/// A word of a command line; one scanner serves the grammar and WordReader.
struct word {
    using rule_t = word;
    using subs_t = empty_list;
    template <apply_mode, rewind_mode, template <typename...> class, template <typename...> class,
              typename In>
    static bool match(In& in, TreeBuilder& builder) {
        const char* p = in.current();
        if (at_line_end(p, in.end()) || *p == '\0') return false;
        ScannedWord scanned = scan_word(p, in.end());
        builder.word(offset(in, p), offset(in, scanned.end), scanned.quoted, scanned.unterminated);
        in.bump_in_this_line(static_cast<std::size_t>(scanned.end - p));
        return true;
    }
};
/// Blanks between words, and a lone backslash at the end of a line.
struct gap {
    using rule_t = gap;
    using subs_t = empty_list;
    template <apply_mode, rewind_mode, template <typename...> class, template <typename...> class,
              typename In>
    static bool match(In& in, TreeBuilder& builder) {
        const char* p = in.current();
        const char* q = skip_gap(p, in.end());
        if (q - p > 1)  // nearly all are one blank
            for (const char* c = p; c != q; ++c)
                if (*c == '\\')
                    builder.note(NoteKind::backslash_at_end, offset(in, c), offset(in, c) + 1);
        in.bump(static_cast<std::size_t>(q - p));
        return true;
    }
};

struct table_name_expected {
    static void report(TreeBuilder& b, std::uint32_t at) {
        b.error(at, "expected the name of a table after `*'");
    }
};
struct chain_name_expected {
    static void report(TreeBuilder& b, std::uint32_t at) {
        b.error(at, "expected the name of a chain after `:'");
    }
};
struct policy_expected {
    static void report(TreeBuilder& b, std::uint32_t at) {
        b.error(at,
                "expected a policy after the chain's name: ACCEPT, DROP, or - for a user's chain");
    }
};
struct counters_expected {
    static void report(TreeBuilder& b, std::uint32_t at) {
        b.error(at, "expected counters such as [12:345]");
    }
};

struct counters : seq<one<'['>, plus<not_one<']', '\r', '\n'>>, one<']'>> {};

struct byte_order_mark : string<'\xef', '\xbb', '\xbf'> {};
struct comment_line : seq<one<'#'>, rest> {};
struct blank_line : seq<star<blank>, at<line_end>> {};
struct table_line : seq<one<'*'>, star<blank>, expect<plain, table_name_expected>, rest> {};
struct chain_line : seq<one<':'>, star<blank>, expect<plain, chain_name_expected>, star<blank>,
                        expect<plain, policy_expected>, rest> {};
struct commit_line : seq<string<'C', 'O', 'M', 'M', 'I', 'T'>, star<blank>, at<line_end>> {};
struct command_line
    : seq<opt<at<one<'['>>, expect<counters, counters_expected>>, gap, star<word, gap>, rest> {};
struct wrong_line : rest {};

struct line : seq<sor<comment_line, blank_line, seq<at<one<'*'>>, sor<table_line, wrong_line>>,
                      seq<at<one<':'>>, sor<chain_line, wrong_line>>, commit_line, command_line,
                      wrong_line>,
                  line_end> {};
struct lines : until<eof, line> {};
struct file : seq<opt<byte_order_mark>, lines> {};

template <typename Rule>
struct action : nothing<Rule> {};
template <LineKind Kind>
struct ends_line {
    template <typename In>
    static void apply(const In& in, TreeBuilder& builder) {
        builder.end_line(Kind, static_cast<std::uint32_t>(in.end() - in.input().begin()));
    }
};
template <>
struct action<comment_line> : ends_line<LineKind::comment> {};
template <>
struct action<blank_line> : ends_line<LineKind::blank> {};
template <>
struct action<table_line> : ends_line<LineKind::table> {};
template <>
struct action<chain_line> : ends_line<LineKind::chain> {};
template <>
struct action<commit_line> : ends_line<LineKind::commit> {};
template <>
struct action<command_line> : ends_line<LineKind::command> {};
template <>
struct action<wrong_line> : ends_line<LineKind::error> {};
template <>
struct action<line_end> {
    template <typename In>
    static void apply(const In& in, TreeBuilder& builder) {
        builder.begin_line(static_cast<std::uint32_t>(in.end() - in.input().begin()));
    }
};
template <>
struct action<byte_order_mark> {
    template <typename In>
    static void apply(const In&, TreeBuilder& builder) {
        builder.note(NoteKind::byte_order_mark, 0, 3);
    }
};

}  // namespace grammar
}  // namespace

void TreeBuilder::error(std::uint32_t at, std::string message) {
    failed_ = true;
    tree_.errors.push_back({{at, at}, std::move(message)});
}

/// What today's tools would refuse or cut in this line, whatever it says.
void TreeBuilder::check_line(LineKind kind, std::uint32_t end) {
    if (end - begin_ > longest_line) note(NoteKind::long_line, begin_ + longest_line, end);
    bool carriage_return = end < tree_.text.size() && tree_.text[end] == '\r';
    if (carriage_return && !carriage_return_noted_) {
        carriage_return_noted_ = true;
        note(NoteKind::carriage_return, end, end + 1);
    }
    if (kind == LineKind::comment) return;
    std::string_view content = tree_.text.substr(begin_, end - begin_);
    std::size_t nul = has_nul_ ? content.find('\0') : std::string_view::npos;
    if (nul != std::string_view::npos) {
        auto at = begin_ + static_cast<std::uint32_t>(nul);
        note(NoteKind::nul_byte, at, at + 1);
    }
    if (kind == LineKind::blank && !content.empty()) note(NoteKind::blank_line, begin_, end);
    if (kind == LineKind::commit) {
        if (content.size() > 6) note(NoteKind::blank_after_commit, begin_ + 6, end);
        if (end == tree_.text.size()) note(NoteKind::commit_without_newline, begin_, end);
    }
    if (words_.size() > most_words)
        note(NoteKind::many_words, words_[most_words].range.begin, words_.back().range.end);
    if (!odd_word_) return;
    for (const Word& w : words_) {
        if (w.range.size() > longest_word) note(NoteKind::long_word, w.range.begin, w.range.end);
        if (w.unterminated) note(NoteKind::unterminated_quote, w.range.begin, w.range.end);
    }
}

void TreeBuilder::end_line(LineKind kind, std::uint32_t end) {
    Line line{};
    line.begin = tree_.lines.empty() ? first_ : begin_;
    line.first_option = static_cast<std::uint32_t>(tree_.options.size());
    check_line(kind, end);
    if (kind == LineKind::command) {
        if (words_.empty()) {
            tree_.errors.push_back(
                {{begin_, end},
                 "expected a command such as -A CHAIN, or *table, :chain, COMMIT, # comment"});
            kind = LineKind::error;
        } else if (!options_.read(words_)) {
            kind = LineKind::error;
        }
    }
    if (failed_) kind = LineKind::error;
    line.option_count = static_cast<std::uint16_t>(
        std::min<std::size_t>(tree_.options.size() - line.first_option, 0xffff));
    line.kind = kind;
    tree_.lines.push_back(line);
}

SyntaxTree parse_piece(std::string_view text, TextRange piece) {
    SyntaxTree tree;
    tree.text = text.substr(0, piece.end);
    reserve_for(tree, piece.size());
    TreeBuilder builder(tree, piece.begin);
    pegtl::Input in(text.data(), text.data() + piece.end, "");
    in.bump(piece.begin);
    bool read = piece.begin == 0 ? pegtl::parse<grammar::file, grammar::action>(in, builder)
                                 : pegtl::parse<grammar::lines, grammar::action>(in, builder);
    if (!read) {
        // The grammar takes every byte; if it ever did not, the rest must not be lost.
        auto at = pegtl::offset(in, in.current());
        builder.begin_line(at);
        builder.error(at, "cannot be read from here on");
        builder.end_line(LineKind::error, piece.end);
    }
    // A byte order mark alone is a line, too.
    if (tree.lines.empty() && piece.size() != 0) {
        builder.begin_line(piece.begin);
        builder.end_line(LineKind::blank, piece.end);
    }
    return tree;
}

SyntaxTree parse(std::string_view text) {
    SyntaxTree tree;
    TreeJoiner joiner(tree, text);
    joiner.append(parse_piece(text, {0, static_cast<std::uint32_t>(text.size())}));
    joiner.finish();
    return tree;
}

}  // namespace untrack::parser::iptables
