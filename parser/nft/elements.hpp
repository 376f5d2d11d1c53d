// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of set bodies: "{ key options : data options, ... }".
#pragma once

#include "parser/nft/stateful.hpp"

namespace untrack::parser::nft {

/// Where a list of elements can go on after an error.
const char* end_of_wrong_element(const Input& in, TreeBuilder& b, const char* p);
/// One element, and the comma after it; false at the end of the list. What cannot be read is an
/// error node.
bool match_next_element(Input& in, TreeBuilder& b);
/// All elements up to "}".
bool match_element_list(Input& in, TreeBuilder& b);

namespace grammar {

/// Key, options and data; an element node around them unless there is only a key.
template <typename Key, typename Data>
struct element_of {
    using rule_t = element_of;
    using subs_t = type_list<Key, star<element_option>, opt<sign<":">, Data, star<element_option>>>;
    NFT_RULE_MATCH {
        auto m = in.template mark<rewind_mode::required>();
        const char* begin = b.token(in);
        std::size_t at = b.nodes.size();
        if (!Control<Key>::template match<A, M, Action, Control>(in, b)) return m(false);
        bool more = options<A, Action, Control>(in, b);
        bool data = Control<seq<maybe_sign<":">, Data>>::template match<A, rewind_mode::required,
                                                                        Action, Control>(in, b);
        if (data) options<A, Action, Control>(in, b);
        if (more || data) {
            b.wrap(in, at, Kind::element, begin);
            if (data && b.open().kind == Kind::set_body) b.open().flags |= flag::has_data;
        }
        return m(true);
    }

  private:
    template <apply_mode A, template <typename...> class Action,
              template <typename...> class Control>
    static bool options(Input& in, TreeBuilder& b) {
        bool any = false;
        while (Control<silent<element_option>>::template match<A, rewind_mode::required, Action,
                                                               Control>(in, b))
            any = true;
        return any;
    }
};

/// Keys and data of sets that are written down: values only.
struct element_range;
struct element_operand : sor<in_parentheses<element_range>, value> {};
struct element_binary : binary<element_operand, element_operand> {};
struct element_range : postfix<element_binary, tail<Kind::range, maybe_sign<"-">, element_binary>,
                               tail<Kind::prefix, maybe_sign<"/">, number>> {};
struct element_part : sor<plain_value<"&|^<>-/", true>, element_range> {};
struct element_values : joined<Kind::concat, element_part, maybe_sign<".">> {};
struct element_key : called<"an element", sor<set_body, element_values>> {};
struct queue_word : kw_word<K::queue> {};
struct element_data : called<"a verdict or a value", sor<verdict, queue_word, element_values>> {};
struct element : element_of<element_key, element_data> {};

struct set_body_in_braces
    : node<Kind::set_body, sign<"{">,
           nested<lines_are_blanks<true, seq<elsewhere<match_element_list>, sign<"}">>>>> {};

}  // namespace grammar
}  // namespace untrack::parser::nft

namespace tao::pegtl {

template <typename Name, typename Key, typename Data>
struct analyze_traits<Name, untrack::parser::nft::grammar::element_of<Key, Data>>
    : analyze_seq_traits<Key, star<untrack::parser::nft::grammar::element_option>,
                         opt<untrack::parser::nft::sign<":">, Data>> {};
}  // namespace tao::pegtl
