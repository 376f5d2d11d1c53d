// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/elements.hpp"

namespace untrack::parser::nft {
namespace {

/// A body with more elements than this keeps none of them in the tree.
constexpr std::size_t most_kept_elements = 64;

/// The usual element of a long list: one value, and a comma or brace after it.
bool match_plain_element(Input& in, TreeBuilder& b) {
    const char* p = b.token(in);
    ScannedValue v = scan_value(p, in.end());
    if (v.end == p || v.kind == Kind::word || v.kind == Kind::string) return false;
    const char* q = skip_blanks(v.end, in.end());
    if (q == in.end() || (*q != ',' && *q != '}' && *q != '\n')) return false;
    b.push(in, v.kind, p, v.end, v.split);
    TreeBuilder::go_to(in, v.end);
    return true;
}

/// Says what is wrong with the element at p, and passes over it; false when there is nothing.
bool match_wrong_element(Input& in, TreeBuilder& b) {
    const char* p = b.token(in);
    const char* q = end_of_wrong_element(in, b, p);
    if (q == p) return false;
    // A set that begins on this line and is not closed on it lacks its brace: the rule is wrong.
    const char* next = skip_blanks(q, in.end());
    std::string_view line(in.begin() + b.open().begin, q);
    if ((next == in.end() || (*next != ',' && *next != '}')) &&
        line.find('\n') == std::string_view::npos)
        return false;
    if (!b.tracking) {
        std::size_t size = b.nodes.size();
        b.start_tracking();
        if (run<grammar::element>(in, b)) b.miss(in, b.token(in), "`,' or `}'");
        b.take_back(size);
        TreeBuilder::go_back(in, p);
        b.report_misses(in, p, q);
    }
    b.push(in, Kind::error, p, q);
    b.open().flags |= flag::broken;
    TreeBuilder::go_to(in, q);
    return true;
}

}  // namespace

const char* end_of_wrong_element(const Input& in, TreeBuilder& b, const char* p) {
    const char* end = in.end();
    unsigned depth = 0;
    const char* last = p;
    const char* q = p;
    for (; q != end; ++q) {
        if (*q == '"') {
            ScannedString s = scan_string(q, end);
            q = s.end - 1;
        } else if (*q == '{' || *q == '(') {
            ++depth;
        } else if (*q == '}' || *q == ')') {
            if (depth == 0) break;
            --depth;
        } else if ((depth == 0 && (*q == ',' || *q == '\n' || *q == ';' || *q == '#')) ||
                   (*q == '\n' && !b.may_search(in))) {
            break;
        }
        if (*q != ' ' && *q != '\t' && *q != '\r') last = q + 1;
    }
    if (q == end && depth != 0) b.searched_in_vain(static_cast<std::size_t>(q - p));
    return last;
}

bool match_next_element(Input& in, TreeBuilder& b) {
    const char* p = b.token(in);
    if (p == in.end() || *p == '}' || *p == ';') return false;  // at ";", a brace is missing
    std::size_t size = b.nodes.size();
    if (!match_plain_element(in, b)) {
        const char* before = in.current();
        bool matched = run<grammar::element>(in, b);
        const char* after = b.token(in);
        if (!matched || (after != in.end() && *after != ',' && *after != '}')) {
            if (matched) b.miss(in, after, "`,' or `}'");
            b.take_back(size);
            TreeBuilder::go_back(in, before);
            if (!match_wrong_element(in, b)) return false;
        }
    }
    const char* comma = b.token(in);
    if (comma != in.end() && *comma == ',') TreeBuilder::go_to(in, comma + 1);
    return true;
}

bool match_element_list(Input& in, TreeBuilder& b) {
    std::size_t first = b.nodes.size();
    for (std::size_t count = 1; match_next_element(in, b); ++count)
        if (count > most_kept_elements) b.take_back(first);
    return true;
}

bool match_set_body(Input& in, TreeBuilder& b) {
    return run<grammar::set_body_in_braces>(in, b);
}

}  // namespace untrack::parser::nft
