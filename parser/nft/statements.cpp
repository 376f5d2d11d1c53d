// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/statements.hpp"

namespace untrack::parser::nft {
namespace {

/// Whether a statement of this grammar begins at p: then it must be one, or is an error.
bool known_start(Input& in, TreeBuilder& b, const char* p) {
    if (p == in.end() || *p == '(' || *p == '@') return true;
    if (!is(*p, word_start)) return true;
    if (grammar::keyword_statement::knows(b.keyword(in, p))) return true;
    std::size_t size = b.nodes.size();
    bool selector = match_selector(in, b);
    b.take_back(size);
    TreeBuilder::go_back(in, p);
    return selector;
}

/// Whether a statement that is surely not part of the one before begins with this word.
bool surely_begins(Keyword k) {
    return k == Keyword::accept || k == Keyword::drop || k == Keyword::return_ ||
           k == Keyword::jump || k == Keyword::goto_ || k == Keyword::counter ||
           k == Keyword::comment;
}

/// The end of a statement that is not known: braces, parentheses and strings are whole.
const char* end_of_opaque(const Input& in, TreeBuilder& b, const char* p) {
    unsigned depth = 0;
    const char* last = p;
    while (p != in.end()) {
        if (*p == '"') {
            p = scan_string(p, in.end()).end;
            last = p;
            continue;
        }
        if (*p == '{' || *p == '(') {
            ++depth;
        } else if ((*p == '}' || *p == ')') && depth != 0) {
            --depth;
        } else if (depth == 0 && at_rule_end(in, p)) {
            break;
        } else if (is(*p, word_char)) {
            if (depth == 0 && surely_begins(b.keyword(in, p))) break;
            while (p != in.end() && (is(*p, word_char) || *p == ':')) ++p;
            last = p;
            continue;
        }
        const char* next = skip_blanks(p, in.end());
        if (next != p) {
            p = next;
            continue;
        }
        ++p;
        if (p[-1] != '\n' && p[-1] != '\r') last = p;
    }
    return depth == 0 ? last : nullptr;
}

bool match_statement(Input& in, TreeBuilder& b, const char* p) {
    if (grammar::keyword_statement::knows(b.keyword(in, p)))
        return run<grammar::keyword_statement>(in, b);
    return run<grammar::selector_statement>(in, b);
}

/// Reads the rest of a rule again to say what is wrong with it.
void pass_wrong_statement(Input& in, TreeBuilder& b, const char* p) {
    const char* end = end_of_wrong_rule(in, b, p);
    if (!b.tracking) {
        std::size_t size = b.nodes.size();
        b.start_tracking();
        static_cast<void>(match_statement(in, b, p));
        b.take_back(size);
        TreeBuilder::go_back(in, p);
        b.report_misses(in, p, end);
    }
    b.push(in, Kind::error, p, end);
    b.open().flags |= flag::broken;
    TreeBuilder::go_to(in, end);
}

/// Passes over what stands behind a rule's comment, or is none.
void pass_wrong_end(Input& in, TreeBuilder& b, const char* p) {
    const char* end = end_of_wrong_rule(in, b, p);
    b.error(in, p, p, "a rule ends with its comment: `comment \"...\"'");
    b.push(in, Kind::error, p, end);
    b.open().flags |= flag::broken;
    TreeBuilder::go_to(in, end);
}

}  // namespace

bool at_rule_end(const Input& in, const char* p) {
    return p == in.end() || *p == ';' || *p == '}' || *p == '#' || at_newline(p, in.end());
}

namespace {

/// Whether a line of a ruleset begins another block: "chain x {".
bool begins_block(const char* p, const char* end) {
    p = skip_blanks(p, end);
    const char* q = scan_word(p, end);
    switch (find_keyword({p, static_cast<std::size_t>(q - p)})) {
        case Keyword::chain:
        case Keyword::table:
        case Keyword::set:
        case Keyword::map:
        case Keyword::flowtable: {
            const char* line_end = find_line_end(p, end);
            if (const char* name = skip_blanks(q, end); name == q || name == end || *name == '{')
                return false;
            while (line_end != q && (line_end[-1] == ' ' || line_end[-1] == '\t')) --line_end;
            return line_end != q && line_end[-1] == '{';
        }
        default:
            return false;
    }
}

}  // namespace

const char* end_of_wrong_rule(const Input& in, TreeBuilder& b, const char* p) {
    const char* end = in.end();
    unsigned depth = 0;
    const char* last = p;
    const char* first_line = nullptr;  // the end of what stands on the first line
    const char* q = p;
    while (q != end) {
        if (at_newline(q, end)) {
            if (depth == 0) return last;
            if (first_line == nullptr) {
                first_line = last;
                // What goes on with the next line ends like this; else a brace is missing.
                bool goes_on =
                    last[-1] == '{' || last[-1] == ',' || last[-1] == '(' || last[-1] == ':';
                if (!goes_on || !b.may_search(in)) return last;
            }
            q = skip_newline(q);
            if (begins_block(q, end)) {
                b.searched_in_vain(static_cast<std::size_t>(q - p));
                return first_line;
            }
            continue;
        }
        if (*q == '#') {
            if (depth == 0) return last;
            q = find_line_end(q, end);
            continue;
        }
        if (const char* after = skip_blanks(q, end); after != q) {
            q = after;
            continue;
        }
        if (*q == '"') {
            ScannedString s = scan_string(q, end);
            // A quote that closes on another line is more often one that was forgotten.
            q = std::min(s.end, find_line_end(q, end));
            last = q;
            continue;
        }
        if (*q == ';' && depth == 0) return last;
        if (*q == '}' && depth == 0) return last;
        if (*q == '{') ++depth;
        if (*q == '}') --depth;
        last = ++q;
    }
    if (depth == 0 || first_line == nullptr) return last;
    b.searched_in_vain(static_cast<std::size_t>(q - p));
    return first_line;
}

bool match_rule_statements(Input& in, TreeBuilder& b) {
    for (bool any = false;; any = true) {
        const char* p = b.token(in);
        if (at_rule_end(in, p)) return any;
        Keyword k = b.keyword(in, p);
        if (k == Keyword::comment) {
            bool matched = run<grammar::comment>(in, b);
            const char* after = b.token(in);
            if (!matched || !at_rule_end(in, after)) pass_wrong_end(in, b, matched ? after : p);
            return true;
        }
        if (match_statement(in, b, p)) continue;
        const char* opaque = known_start(in, b, p) ? nullptr : end_of_opaque(in, b, p);
        if (opaque == nullptr || opaque == p) {
            pass_wrong_statement(in, b, p);
            return true;
        }
        b.push(in, Kind::opaque, p, opaque);
        TreeBuilder::go_to(in, opaque);
    }
}

bool match_rule_list(Input& in, TreeBuilder& b) {
    for (;;) {
        const char* p = b.token(in);
        if (p == in.end() || *p == '}') return true;
        if (*p == '#') {
            const char* end = find_line_end(p, in.end());
            b.comment(in, p, end);
            TreeBuilder::go_to(in, end);
        } else if (*p == ';') {
            TreeBuilder::go_to(in, p + 1);
        } else if (at_newline(p, in.end())) {
            TreeBuilder::go_to(in, skip_newline(p));
        } else if (!run<node<Kind::rule, elsewhere<match_rule_statements>>>(in, b)) {
            return false;
        }
    }
}

}  // namespace untrack::parser::nft
