// SPDX-License-Identifier: GPL-2.0-or-later
// What the grammar builds the tree with: rules add nodes as they match, and take them back when
// they fail after all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parser/nft/keywords.hpp"
#include "parser/nft/scan.hpp"
#include "parser/nft/syntax.hpp"
#include "parser/pegtl/input.hpp"

namespace untrack::parser::nft {

using pegtl::Input;

/// What a block or file is made of, one after the other.
enum class Items : std::uint8_t { file, table, chain, set, flowtable, object };

class AheadReader;

class TreeBuilder {
  public:
    explicit TreeBuilder(SyntaxTree& tree) : tree(tree), nodes(tree.nodes) {}
    TreeBuilder(const TreeBuilder&) = delete;
    TreeBuilder& operator=(const TreeBuilder&) = delete;

    // --- Tokens ----------------------------------------------------------------------------------

    /// Where the next token starts: after blanks, and inside the braces of sets after newlines and
    /// comments, too.
    [[gnu::always_inline]] const char* token(const Input& in) {
        const char* p = in.current();
        // Nearly always one blank, or none.
        if (in.end() - p > 1) {
            if (*p == ' ') ++p;
            if (*p > ' ' && *p != '\\' && *p != '#') return p;
        }
        return far_token(in);
    }
    /// The keyword of the word at p; its end is in `word_end`. Looked up once, however often asked.
    [[gnu::always_inline]] Keyword keyword(const Input& in, const char* p) {
        return p == word_at_ ? word_keyword_ : look_up(in, p);
    }
    static void go_to(Input& in, const char* p) {
        in.bump(static_cast<std::size_t>(p - in.current()));
    }
    static void go_back(Input& in, const char* p) {
        auto at = static_cast<std::size_t>(p - in.begin());
        in.restart();
        in.bump(at);
    }
    void comment(const Input& in, const char* begin, const char* end);

    // --- Nodes -----------------------------------------------------------------------------------

    Node& push(const Input& in, Kind kind, const char* begin, const char* end,
               std::uint16_t detail = 0) {
        return nodes.emplace_back(Node{offset(in, begin), offset(in, end), 1, kind, 0, detail});
    }
    void close(const Input& in, std::size_t at) {
        nodes[at].end = offset(in, in.current());
        nodes[at].size = static_cast<std::uint32_t>(nodes.size() - at);
    }
    /// Puts a node around those from `at` on.
    void wrap(const Input& in, std::size_t at, Kind kind, const char* begin) {
        nodes.insert(nodes.begin() + static_cast<std::ptrdiff_t>(at),
                     Node{offset(in, begin), 0, 0, kind, 0, 0});
        close(in, at);
    }
    void take_back(std::size_t size) {
        if (nodes.size() != size) nodes.resize(size);
    }
    /// How many errors and notes there are, for rules that may fail after they reported some.
    struct Reports {
        std::size_t errors;
        std::size_t notes;
    };
    [[nodiscard]] Reports reports() const { return {tree.errors.size(), tree.notes.size()}; }
    void take_back(Reports before) {
        if (tree.errors.size() != before.errors) tree.errors.resize(before.errors);
        if (tree.notes.size() != before.notes) tree.notes.resize(before.notes);
    }
    /// The node whose parts are being read.
    Node& open() { return nodes[open_at]; }

    // --- Errors ----------------------------------------------------------------------------------

    /// Whether a search for a closing brace may go on after a line's end; `searched` bytes of the
    /// last one found none. Files of unclosed braces would take forever otherwise.
    [[nodiscard]] bool may_search(const Input& in) const {
        return futile_bytes_ <= 8 * static_cast<std::size_t>(in.end() - in.begin());
    }
    void searched_in_vain(std::size_t searched) { futile_bytes_ += searched; }
    [[nodiscard]] bool has_searched_in_vain() const { return futile_bytes_ != 0; }

    /// Notes that something was expected at p; only while a failed rule is read again.
    void miss(const Input& in, const char* p, std::string_view expected) {
        if (tracking) note_miss(in, p, expected);
    }
    void start_tracking();
    /// Ends tracking, and makes what was missed farthest from `begin` an error, but not beyond
    /// `end`.
    void report_misses(const Input& in, const char* begin, const char* end);
    void error(const Input& in, const char* begin, const char* end, std::string message) {
        if (!quiet)
            tree.errors.push_back({{offset(in, begin), offset(in, end)}, std::move(message)});
        if (run_.stop != nullptr) run_ = {in.begin(), run_.depth, in.begin()};  // of no use now
    }
    void note(const Input& in, NoteKind kind, const char* begin, const char* end) {
        if (!quiet) tree.notes.push_back({kind, {offset(in, begin), offset(in, end)}});
    }
    [[nodiscard]] const char* furthest() const { return furthest_; }

    static std::uint32_t offset(const Input& in, const char* p) { return pegtl::offset(in, p); }

    // --- Several threads -------------------------------------------------------------------------

    /// A run of items ends where a line begins at or behind `stop`, `depth` blocks deep; at `last`
    /// it ends in the middle of them.
    struct Run {
        const char* stop = nullptr;
        unsigned depth = 0;
        const char* last = nullptr;
    };
    void end_at(Run run) { run_ = run; }
    [[nodiscard]] bool at_end_of_run(const char* line) const {
        return run_.stop != nullptr && line >= (depth == run_.depth ? run_.stop : run_.last);
    }

    AheadReader* ahead = nullptr;    ///< what others have read for this one
    const char* boundary = nullptr;  ///< where to ask it next; nullptr for nowhere

    SyntaxTree& tree;
    std::vector<Node>& nodes;
    std::size_t open_at = 0;
    const char* word_end = nullptr;
    unsigned depth = 0;      ///< braces and parentheses around this place
    bool in_braces = false;  ///< newlines do not end anything
    bool tracking = false;
    bool quiet = false;  ///< read again: comments, notes and errors are known already

    struct Expectations {
        const char* at = nullptr;
        std::vector<std::string_view> what;
    };
    Expectations save_misses() const { return {furthest_, expected_}; }
    void restore_misses(Expectations saved) {
        furthest_ = saved.at;
        expected_ = std::move(saved.what);
    }

  private:
    Keyword look_up(const Input& in, const char* p);
    const char* far_token(const Input& in);
    const char* skip_lines(const Input& in, const char* p);
    void note_miss(const Input& in, const char* p, std::string_view expected);

    Run run_;
    std::size_t futile_bytes_ = 0;
    const char* word_at_ = nullptr;
    Keyword word_keyword_ = Keyword::none;
    const char* furthest_ = nullptr;
    std::vector<std::string_view> expected_;
};

/// How deep braces and parentheses may nest: nobody writes more, and the stack must hold it.
inline constexpr unsigned deepest = 64;

}  // namespace untrack::parser::nft
