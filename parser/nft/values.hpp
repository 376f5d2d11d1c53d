// SPDX-License-Identifier: GPL-2.0-or-later
// Values, and how they are joined: what all expressions are made of.
#pragma once

#include "parser/nft/rules.hpp"

namespace untrack::parser::nft {

/// Compiled in elements.cpp.
bool match_set_body(Input& in, TreeBuilder& b);

namespace grammar {

using namespace pegtl;

/// What begins a statement or joins expressions is never a value.
constexpr bool is_reserved(Keyword k) {
    using enum Keyword;
    for (Keyword reserved :
         {accept,  drop,    continue_, jump,       goto_, return_,  counter, limit,  quota,
          log,     queue,   reject,    masquerade, meta,  ct,       set,     map,    vmap,
          comment, notrack, tproxy,    dup,        fwd,   synproxy, add,     update, delete_,
          meter,   xt,      timeout,   expires,    and_,  or_,      xor_,    lshift, rshift})
        if (k == reserved) return true;
    return false;
}
inline constexpr auto reserved_keywords = [] {
    std::array<bool, keyword_count> table{};
    for (std::size_t k = 0; k < keyword_count; ++k) table[k] = is_reserved(static_cast<Keyword>(k));
    return table;
}();

/// What nft takes without "meta" before it.
inline constexpr auto bare_meta_keywords = [] {
    using enum Keyword;
    std::array<bool, keyword_count> known{};
    for (Keyword k : {mark,     iif,     iifname, iiftype, iifgroup,  oif,      oifname, oiftype,
                      oifgroup, skuid,   skgid,   nftrace, rtclassid, ibriport, ibrname, obriport,
                      obrname,  pkttype, cpu,     cgroup,  time,      day,      hour})
        known[static_cast<std::size_t>(k)] = true;
    return known;
}();

/// One value; ranges and prefixes without blanks are one, too.
struct value {
    using rule_t = value;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        ScannedValue v = scan_value(p, in.end());
        if (v.end == p || (v.kind == Kind::word &&
                           reserved_keywords[static_cast<std::size_t>(b.keyword(in, p))])) {
            b.miss(in, p, "a value");
            return false;
        }
        if (v.kind == Kind::string) {
            ScanString::scan(p, in, b);
        }
        b.push(in, v.kind, p, v.end, v.split);
        TreeBuilder::go_to(in, v.end);
        return true;
    }
};

/// Whether an expression that ends before q is not carried on by one of these signs, nor by a word.
template <Text Joiners>
bool ends_before(const Input& in, TreeBuilder& b, const char* q) {
    if (q == in.end()) return true;
    if (Joiners.view().find(*q) != std::string_view::npos) return false;
    if (*q != 'a' && *q != 'o' && *q != 'x' && *q != 'l' && *q != 'r' && *q != 'm') return true;
    switch (b.keyword(in, q)) {
        case Keyword::and_:
        case Keyword::or_:
        case Keyword::xor_:
        case Keyword::lshift:
        case Keyword::rshift:
        case Keyword::map:
            return false;
        default:
            return true;
    }
}
/// A value that nothing carries on: nearly all are, and the rules for what might need not be tried.
/// What it does not take, those do. Words may be selectors where they are not allowed here.
template <Text Joiners, bool Words>
struct plain_value {
    using rule_t = plain_value;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        ScannedValue v = scan_value(p, in.end());
        if (v.end == p || v.kind == Kind::string) return false;
        if (v.kind == Kind::word &&
            (!Words || reserved_keywords[static_cast<std::size_t>(b.keyword(in, p))]))
            return false;
        const char* q = skip_blanks(v.end, in.end());
        if (b.in_braces && (q == in.end() || *q == '\n' || *q == '\r' || *q == '#')) return false;
        if (!ends_before<Joiners>(in, b, q)) return false;
        b.push(in, v.kind, p, v.end, v.split);
        TreeBuilder::go_to(in, v.end);
        return true;
    }
};

/// Operands joined by & ^ | << >> or their words, by nft's precedence.
template <typename First, typename Operand>
struct binary {
    using rule_t = binary;
    using subs_t = type_list<First, star<sign<"&">, Operand>>;
    NFT_RULE_MATCH {
        auto m = in.template mark<rewind_mode::required>();
        const char* begin = b.token(in);
        std::size_t at = b.nodes.size();
        if (!Control<First>::template match<A, M, Action, Control>(in, b)) return m(false);
        climb<A, Action, Control>(in, b, at, begin, 0);
        return m(true);
    }

  private:
    struct Operator {
        BinaryOp op;
        int level = -1;
        const char* end;
    };
    static Operator operator_at(const Input& in, TreeBuilder& b, const char* p) {
        if (p == in.end()) return {};
        char next = p + 1 != in.end() ? p[1] : '\0';
        switch (*p) {
            case '|':
                return {BinaryOp::or_, 0, p + 1};
            case '^':
                return {BinaryOp::xor_, 1, p + 1};
            case '&':
                return {BinaryOp::and_, 2, p + 1};
            case '<':
                if (next == '<') return {BinaryOp::lshift, 3, p + 2};
                return {};
            case '>':
                if (next == '>') return {BinaryOp::rshift, 3, p + 2};
                return {};
            case 'o':
            case 'x':
            case 'a':
            case 'l':
            case 'r':
                break;
            default:
                return {};
        }
        switch (b.keyword(in, p)) {
            case Keyword::or_:
                return {BinaryOp::or_, 0, b.word_end};
            case Keyword::xor_:
                return {BinaryOp::xor_, 1, b.word_end};
            case Keyword::and_:
                return {BinaryOp::and_, 2, b.word_end};
            case Keyword::lshift:
                return {BinaryOp::lshift, 3, b.word_end};
            case Keyword::rshift:
                return {BinaryOp::rshift, 3, b.word_end};
            default:
                return {};
        }
    }
    /// Extends the expression at `at` by operators that bind at least as strongly as `level`.
    template <apply_mode A, template <typename...> class Action,
              template <typename...> class Control>
    static void climb(Input& in, TreeBuilder& b, std::size_t at, const char* begin, int level) {
        for (;;) {
            Operator op = operator_at(in, b, b.token(in));
            if (op.level < level) return;
            auto m = in.template mark<rewind_mode::required>();
            TreeBuilder::go_to(in, op.end);
            const char* right = b.token(in);
            std::size_t right_at = b.nodes.size();
            if (!Control<Operand>::template match<A, rewind_mode::required, Action, Control>(in,
                                                                                             b)) {
                static_cast<void>(m(false));
                return;
            }
            static_cast<void>(m(true));
            climb<A, Action, Control>(in, b, right_at, right, op.level + 1);
            b.wrap(in, at, Kind::binary, begin);
            b.nodes[at].detail = static_cast<std::uint16_t>(op.op);
        }
    }
};

template <typename Rule>
using in_parentheses = seq<maybe_sign<"(">, nested<Rule>, sign<")">>;

struct set_body : seq<at_sign<"{">, elsewhere<match_set_body>> {};
struct map_target : sor<set_body, set_ref, variable> {};

}  // namespace grammar
}  // namespace untrack::parser::nft
