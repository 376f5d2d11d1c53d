// SPDX-License-Identifier: GPL-2.0-or-later
// The bricks of the grammar: PEGTL rules that skip blanks before a token and put nodes into the
// tree.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <tao/pegtl/contrib/analyze_traits.hpp>

#include "parser/nft/builder.hpp"

namespace untrack::parser::nft {

/// Takes back the nodes of a rule that failed.
template <typename Rule>
struct control : pegtl::normal<Rule> {
    template <pegtl::apply_mode A, pegtl::rewind_mode M, template <typename...> class Action,
              template <typename...> class Control>
    static bool match(Input& in, TreeBuilder& b) {
        std::size_t size = b.nodes.size();
        if (pegtl::match<Rule, A, M, Action, Control>(in, b)) return true;
        b.take_back(size);
        return false;
    }
};

/// Runs a rule from outside the grammar, and rewinds where it fails.
template <typename Rule>
bool run(Input& in, TreeBuilder& b) {
    return control<Rule>::template match<pegtl::apply_mode::nothing, pegtl::rewind_mode::required,
                                         pegtl::nothing, control>(in, b);
}

template <std::size_t N>
struct Text {
    // NOLINTNEXTLINE: from a literal
    constexpr Text(const char (&literal)[N]) { std::copy_n(literal, N, bytes); }
    [[nodiscard]] constexpr std::string_view view() const { return {bytes, N - 1}; }
    char bytes[N]{};
};

/// Whether a sign stands at p.
template <Text T>
bool stands(const char* p, const char* end) {
    constexpr std::size_t size = T.view().size();
    static_assert(size == 1 || size == 2);
    if constexpr (size == 1) return p != end && *p == T.bytes[0];
    return end - p >= 2 && p[0] == T.bytes[0] && p[1] == T.bytes[1];
}

/// The head of every custom rule's match().
#define NFT_RULE_MATCH                                                                        \
    template <pegtl::apply_mode A, pegtl::rewind_mode M, template <typename...> class Action, \
              template <typename...> class Control>                                           \
    static bool match([[maybe_unused]] Input& in, [[maybe_unused]] TreeBuilder& b)

// --- Tokens --------------------------------------------------------------------------------------

template <Keyword K>
struct kw {
    using rule_t = kw;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (b.keyword(in, p) != K) {
            if (b.tracking) b.miss(in, p, keyword_text(K));
            return false;
        }
        b.go_to(in, b.word_end);
        return true;
    }
};
template <Text T>
struct sign {
    using rule_t = sign;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (!stands<T>(p, in.end())) {
            b.miss(in, p, T.view());
            return false;
        }
        b.go_to(in, p + T.view().size());
        return true;
    }
};

/// A sign that may follow but need not: errors do not speak of it.
template <Text T>
struct maybe_sign {
    using rule_t = maybe_sign;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (!stands<T>(p, in.end())) return false;
        b.go_to(in, p + T.view().size());
        return true;
    }
};
/// A sign that the next rule takes: cheaper than to let that fail.
template <Text T>
struct at_sign {
    using rule_t = at_sign;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH { return stands<T>(b.token(in), in.end()); }
};
/// A keyword that may follow but need not.
template <Keyword K>
struct maybe_kw {
    using rule_t = maybe_kw;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (b.keyword(in, p) != K) return false;
        b.go_to(in, b.word_end);
        return true;
    }
};

/// A token that Scan knows, as a leaf. Scan::scan(p, in, b) gives the token's end, p when there is
/// none; Scan::what is what an error calls it.
template <Kind K, typename Scan>
struct leaf {
    using rule_t = leaf;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        const char* q = Scan::scan(p, in, b);
        if (q == p) {
            b.miss(in, p, Scan::what);
            return false;
        }
        b.push(in, K, p, q);
        b.go_to(in, q);
        return true;
    }
};
struct ScanWord {
    static constexpr std::string_view what = "a word";
    static const char* scan(const char* p, const Input& in, TreeBuilder& /*b*/) {
        return scan_word(p, in.end());
    }
};
/// Letters only: units, which "/" may follow.
struct ScanUnit {
    static constexpr std::string_view what = "a unit";
    static const char* scan(const char* p, const Input& in, TreeBuilder& /*b*/) {
        while (p != in.end() && is(*p, letter)) ++p;
        return p;
    }
};
struct ScanNumber {
    static constexpr std::string_view what = "a number";
    static const char* scan(const char* p, const Input& in, TreeBuilder& /*b*/) {
        return scan_number(p, in.end());
    }
};
struct ScanString {
    static constexpr std::string_view what = "a string in quotation marks";
    static const char* scan(const char* p, const Input& in, TreeBuilder& b) {
        ScannedString s = scan_string(p, in.end());
        if (s.end != p && !s.closed) b.note(in, NoteKind::unterminated_string, p, s.end);
        return s.end;
    }
};
struct ScanName {
    static constexpr std::string_view what = "a name";
    static const char* scan(const char* p, const Input& in, TreeBuilder& b) {
        return scan_name(p, in.end(), b.in_braces);
    }
};
template <Kind K>
struct ScanAtom {
    static constexpr std::string_view what = K == Kind::variable  ? "a variable"
                                             : K == Kind::set_ref ? "a set's name after `@'"
                                                                  : "a time such as 1d2h";
    static const char* scan(const char* p, const Input& in, TreeBuilder& /*b*/) {
        ScannedValue v = scan_atom(p, in.end());
        return v.kind == K ? v.end : p;
    }
};
using word = leaf<Kind::word, ScanWord>;
using unit = leaf<Kind::word, ScanUnit>;
using number = leaf<Kind::number, ScanNumber>;
using string = leaf<Kind::string, ScanString>;
using variable = leaf<Kind::variable, ScanAtom<Kind::variable>>;
using set_ref = leaf<Kind::set_ref, ScanAtom<Kind::set_ref>>;
using time = leaf<Kind::time, ScanAtom<Kind::time>>;
template <Kind K>
using name_of = leaf<K, ScanName>;

/// A keyword as a leaf.
template <Keyword K>
struct kw_word {
    using rule_t = kw_word;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (b.keyword(in, p) != K) {
            if (b.tracking) b.miss(in, p, keyword_text(K));
            return false;
        }
        b.push(in, Kind::word, p, b.word_end);
        b.go_to(in, b.word_end);
        return true;
    }
};

// --- Nodes ---------------------------------------------------------------------------------------

/// The rules in sequence, and around what they leave a node of kind K.
template <Kind K, typename... Rules>
struct node {
    using rule_t = node;
    using subs_t = pegtl::type_list<Rules...>;
    NFT_RULE_MATCH {
        auto m = in.template mark<pegtl::rewind_mode::required>();
        b.go_to(in, b.token(in));
        std::size_t at = b.nodes.size();
        std::size_t outer = b.open_at;
        TreeBuilder::Reports reports = b.reports();
        b.push(in, K, in.current(), in.current());
        b.open_at = at;
        bool matched =
            (Control<Rules>::template match<A, pegtl::rewind_mode::required, Action, Control>(in,
                                                                                              b) &&
             ...);
        b.open_at = outer;
        if (matched) {
            b.close(in, at);
        } else {
            b.take_back(at);
            b.take_back(reports);
        }
        return m(matched);
    }
};
/// Sets the detail of the node whose rules it stands among; always matches.
template <auto Value>
struct detail {
    using rule_t = detail;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        b.open().detail = static_cast<std::uint16_t>(Value);
        return true;
    }
};
template <std::uint8_t Flag>
struct set_flag {
    using rule_t = set_flag;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        b.open().flags |= Flag;
        return true;
    }
};
/// Changes the kind of the node whose rules it stands among.
template <Kind K>
struct become {
    using rule_t = become;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH {
        b.open().kind = K;
        return true;
    }
};
/// A keyword that means a detail, or a flag.
template <Keyword K, auto Value>
using kw_detail = pegtl::seq<kw<K>, detail<Value>>;
template <Keyword K, std::uint8_t Flag>
using kw_flag = pegtl::seq<kw<K>, set_flag<Flag>>;

/// The rules in sequence may follow what stands before: then a node of kind K is put around both.
template <Kind K, typename... Rules>
struct tail {
    using rule_t = tail;
    using subs_t = pegtl::type_list<Rules...>;
    NFT_RULE_MATCH {
        return (Control<Rules>::template match<A, pegtl::rewind_mode::required, Action, Control>(
                    in, b) &&
                ...);
    }
    static constexpr Kind kind = K;
};
/// Head, and at most one of the tails.
template <typename Head, typename... Tails>
struct postfix {
    using rule_t = postfix;
    using subs_t = pegtl::type_list<Head, pegtl::opt<Tails>...>;
    NFT_RULE_MATCH {
        auto m = in.template mark<pegtl::rewind_mode::required>();
        const char* begin = b.token(in);
        std::size_t at = b.nodes.size();
        if (!Control<Head>::template match<A, M, Action, Control>(in, b)) return m(false);
        (try_tail<Tails, A, Action, Control>(in, b, at, begin) || ...);
        return m(true);
    }

  private:
    template <typename Tail, pegtl::apply_mode A, template <typename...> class Action,
              template <typename...> class Control>
    static bool try_tail(Input& in, TreeBuilder& b, std::size_t at, const char* begin) {
        auto m = in.template mark<pegtl::rewind_mode::required>();
        if (!Control<Tail>::template match<A, pegtl::rewind_mode::required, Action, Control>(in, b))
            return m(false);
        b.wrap(in, at, Tail::kind, begin);
        return m(true);
    }
};

/// Items with separators between them; with more than one, a node of kind K around them. The first
/// may be another rule than the rest.
template <Kind K, typename Item, typename Separator, typename Next = Item>
struct joined {
    using rule_t = joined;
    using subs_t = pegtl::type_list<Item, pegtl::star<Separator, Next>>;
    NFT_RULE_MATCH {
        auto m = in.template mark<pegtl::rewind_mode::required>();
        const char* begin = b.token(in);
        std::size_t at = b.nodes.size();
        if (!Control<Item>::template match<A, M, Action, Control>(in, b)) return m(false);
        bool more = false;
        while (Control<pegtl::seq<Separator, Next>>::template match<A, pegtl::rewind_mode::required,
                                                                    Action, Control>(in, b))
            more = true;
        if (more) b.wrap(in, at, K, begin);
        return m(true);
    }
};

// --- Choice and structure ------------------------------------------------------------------------

/// A rule for those that begin with a keyword; the rule takes the keyword itself.
template <Keyword K, typename Rule>
struct on {
    static constexpr Keyword keyword = K;
    using rule = Rule;
};
/// The rule of the keyword that stands here.
template <typename... Cases>
struct by_keyword {
    using rule_t = by_keyword;
    using subs_t = pegtl::type_list<typename Cases::rule...>;
    NFT_RULE_MATCH {
        using Match = bool (*)(Input&, TreeBuilder&);
        static constexpr std::array<Match, keyword_count> table = [] {
            std::array<Match, keyword_count> t{};
            ((t[static_cast<std::size_t>(Cases::keyword)] =
                  &Control<typename Cases::rule>::template match<A, pegtl::rewind_mode::required,
                                                                 Action, Control>),
             ...);
            return t;
        }();
        const char* p = b.token(in);
        Match rule = table[static_cast<std::size_t>(b.keyword(in, p))];
        if (rule != nullptr) return rule(in, b);
        if (b.tracking) (b.miss(in, p, keyword_text(Cases::keyword)), ...);
        return false;
    }
    /// Whether a keyword has a rule here.
    static constexpr bool knows(Keyword k) { return ((k == Cases::keyword) || ...); }
};

/// A rule of which errors speak by this name where nothing of it matched; not at all when the name
/// is empty.
template <Text Name, typename Rule>
struct called {
    using rule_t = called;
    using subs_t = pegtl::type_list<Rule>;
    NFT_RULE_MATCH {
        if (!b.tracking)
            return Control<Rule>::template match<A, pegtl::rewind_mode::required, Action, Control>(
                in, b);
        const char* p = b.token(in);
        auto saved = b.save_misses();
        if (Control<Rule>::template match<A, pegtl::rewind_mode::required, Action, Control>(in, b))
            return true;
        if (b.furthest() == nullptr || b.furthest() <= p) {
            b.restore_misses(std::move(saved));
            if (!Name.view().empty()) b.miss(in, p, Name.view());
        }
        return false;
    }
};

/// A rule that may follow but need not: errors do not speak of it.
template <typename Rule>
using silent = called<"", Rule>;

/// A rule inside parentheses or braces; nothing when there are too many of them.
template <typename Rule>
struct nested {
    using rule_t = nested;
    using subs_t = pegtl::type_list<Rule>;
    NFT_RULE_MATCH {
        if (b.depth == deepest) {
            b.miss(in, b.token(in), "less nesting");
            return false;
        }
        ++b.depth;
        bool matched =
            Control<Rule>::template match<A, pegtl::rewind_mode::required, Action, Control>(in, b);
        --b.depth;
        return matched;
    }
};
/// A rule inside the braces of a set, where newlines are blanks (Braces), or of a block again.
template <bool Braces, typename Rule>
struct lines_are_blanks {
    using rule_t = lines_are_blanks;
    using subs_t = pegtl::type_list<Rule>;
    NFT_RULE_MATCH {
        bool outer = b.in_braces;
        b.in_braces = Braces;
        bool matched =
            Control<Rule>::template match<A, pegtl::rewind_mode::required, Action, Control>(in, b);
        b.in_braces = outer;
        return matched;
    }
};

/// A rule that another source file compiles. It must take something when it matches.
template <bool (*Function)(Input&, TreeBuilder&)>
struct elsewhere {
    using rule_t = elsewhere;
    using subs_t = pegtl::empty_list;
    NFT_RULE_MATCH { return Function(in, b); }
};

}  // namespace untrack::parser::nft

// How PEGTL's analysis for loops without progress sees the rules above.
namespace tao::pegtl {

namespace nft = untrack::parser::nft;

template <typename Name, nft::Keyword K>
struct analyze_traits<Name, nft::kw<K>> : analyze_any_traits<> {};
template <typename Name, nft::Keyword K>
struct analyze_traits<Name, nft::kw_word<K>> : analyze_any_traits<> {};
template <typename Name, nft::Text T>
struct analyze_traits<Name, nft::sign<T>> : analyze_any_traits<> {};
template <typename Name, nft::Text T>
struct analyze_traits<Name, nft::at_sign<T>> : analyze_opt_traits<> {};
template <typename Name, nft::Text T>
struct analyze_traits<Name, nft::maybe_sign<T>> : analyze_any_traits<> {};
template <typename Name, nft::Keyword K>
struct analyze_traits<Name, nft::maybe_kw<K>> : analyze_any_traits<> {};
template <typename Name, nft::Kind K, typename Scan>
struct analyze_traits<Name, nft::leaf<K, Scan>> : analyze_any_traits<> {};
template <typename Name, nft::Kind K, typename... Rules>
struct analyze_traits<Name, nft::node<K, Rules...>> : analyze_seq_traits<Rules...> {};
template <typename Name, auto Value>
struct analyze_traits<Name, nft::detail<Value>> : analyze_opt_traits<> {};
template <typename Name, std::uint8_t Flag>
struct analyze_traits<Name, nft::set_flag<Flag>> : analyze_opt_traits<> {};
template <typename Name, nft::Kind K>
struct analyze_traits<Name, nft::become<K>> : analyze_opt_traits<> {};
template <typename Name, nft::Kind K, typename... Rules>
struct analyze_traits<Name, nft::tail<K, Rules...>> : analyze_seq_traits<Rules...> {};
template <typename Name, typename Head, typename... Tails>
struct analyze_traits<Name, nft::postfix<Head, Tails...>>
    : analyze_seq_traits<Head, opt<Tails>...> {};
template <typename Name, nft::Kind K, typename Item, typename Separator, typename Next>
struct analyze_traits<Name, nft::joined<K, Item, Separator, Next>>
    : analyze_seq_traits<Item, star<Separator, Next>> {};
template <typename Name, typename... Cases>
struct analyze_traits<Name, nft::by_keyword<Cases...>>
    : analyze_sor_traits<typename Cases::rule...> {};
template <typename Name, nft::Text T, typename Rule>
struct analyze_traits<Name, nft::called<T, Rule>> : analyze_seq_traits<Rule> {};
template <typename Name, typename Rule>
struct analyze_traits<Name, nft::nested<Rule>> : analyze_seq_traits<Rule> {};
template <typename Name, bool Braces, typename Rule>
struct analyze_traits<Name, nft::lines_are_blanks<Braces, Rule>> : analyze_seq_traits<Rule> {};
template <typename Name, bool (*Function)(untrack::parser::nft::Input&, nft::TreeBuilder&)>
struct analyze_traits<Name, nft::elsewhere<Function>> : analyze_any_traits<> {};

}  // namespace tao::pegtl
