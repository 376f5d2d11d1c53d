// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/blocks.hpp"

#include "parser/nft/ahead.hpp"

namespace untrack::parser::nft {
namespace {

using rule = node<Kind::rule, elsewhere<match_rule_statements>>;

/// One item; of chains and files what has no keyword of its own, too.
template <Items What>
bool match_item(Input& in, TreeBuilder& b) {
    using namespace grammar;
    const char* p = b.token(in);
    if constexpr (What == Items::file)
        return items<>::knows(b.keyword(in, p)) ? run<items<>>(in, b) : match_command(in, b);
    else if constexpr (What == Items::table)
        return run<
            called<"an item of a table: chain, set, map, flowtable or an object", table_item>>(in,
                                                                                               b);
    else if constexpr (What == Items::chain)
        return chain_item::knows(b.keyword(in, p)) ? run<chain_item>(in, b) : run<rule>(in, b);
    else if constexpr (What == Items::set)
        return run<called<"an item of a set: type, flags, elements or others", set_item>>(in, b);
    else if constexpr (What == Items::flowtable)
        return run<
            called<"an item of a flowtable: hook, devices, flags or counter", flowtable_item>>(in,
                                                                                               b);
    else
        return run<object_item>(in, b);
}

/// Says what is wrong with the item at p, and passes over it.
template <Items What>
void pass_wrong_item(Input& in, TreeBuilder& b, const char* p) {
    const char* end = end_of_wrong_rule(in, b, p);
    if (end == p) end = p + 1;  // a "}" too many
    if (!b.tracking) {
        std::size_t size = b.nodes.size();
        b.start_tracking();
        if (match_item<What>(in, b)) b.miss(in, b.token(in), "`;' or a new line");
        b.take_back(size);
        TreeBuilder::go_back(in, p);
        b.report_misses(in, p, end);
    }
    b.push(in, Kind::error, p, end);
    b.open().flags |= flag::broken;
    TreeBuilder::go_to(in, end);
}

}  // namespace

template <Items What>
bool match_items(Input& in, TreeBuilder& b) {
    const char* unseparated = nullptr;  // the end of the item before, until a separator is seen
    for (;;) {
        const char* p = b.token(in);
        if (p == in.end()) return true;
        if (*p == '#') {
            const char* end = find_line_end(p, in.end());
            b.comment(in, p, end);
            TreeBuilder::go_to(in, end);
            continue;
        }
        if (*p == ';' || at_newline(p, in.end())) {
            unseparated = nullptr;
            TreeBuilder::go_to(in, *p == ';' ? p + 1 : skip_newline(p));
            if (*p == ';') continue;
            if (b.boundary != nullptr && in.current() >= b.boundary) b.ahead->arrive(in, b, What);
            if (b.at_end_of_run(in.current())) return true;
            continue;
        }
        if (unseparated != nullptr) {
            b.note(in, NoteKind::missing_separator, unseparated, unseparated);
            unseparated = nullptr;
        }
        if (What != Items::file && *p == '}') return true;
        std::size_t size = b.nodes.size();
        bool matched = match_item<What>(in, b);
        const char* after = b.token(in);
        // Blocks may follow each other on one line; nothing else may.
        bool ended = matched && (at_rule_end(in, after) || in.current()[-1] == '}');
        if (!ended) {
            b.take_back(size);
            TreeBuilder::go_back(in, p);
            pass_wrong_item<What>(in, b, p);
        } else if (What != Items::object && b.nodes[size].kind != Kind::elements) {
            unseparated = in.current();
        }
    }
}

template bool match_items<Items::file>(Input&, TreeBuilder&);
template bool match_items<Items::table>(Input&, TreeBuilder&);
template bool match_items<Items::chain>(Input&, TreeBuilder&);
template bool match_items<Items::set>(Input&, TreeBuilder&);
template bool match_items<Items::flowtable>(Input&, TreeBuilder&);
template bool match_items<Items::object>(Input&, TreeBuilder&);

}  // namespace untrack::parser::nft
