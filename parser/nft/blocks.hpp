// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of blocks: tables, chains, sets, objects, and what they are made of.
#pragma once

#include "parser/nft/statements.hpp"

namespace untrack::parser::nft {

/// Items until "}" (which stays) or, of a file, until its end, into the open node. Compiled in
/// blocks.cpp.
template <Items What>
bool match_items(Input& in, TreeBuilder& b);
/// A command, or an object without a verb, as it stands in a file. Compiled in commands.cpp.
bool match_command(Input& in, TreeBuilder& b);

namespace grammar {

// --- What may stand in any block -----------------------------------------------------------------

struct include_path : called<"a file's name in quotation marks", string> {};
struct include : node<Kind::include, kw<K::include>, include_path> {};
struct empty_set : node<Kind::set_body, sign<"{">, lines_are_blanks<true, sign<"}">>> {};
struct negative : node<Kind::minus, sign<"-">, number> {};
struct defined_value
    : called<"a value or a set in braces", sor<negative, empty_set, right_expression>> {};
struct define : node<Kind::define, sor<kw<K::define>, kw_flag<K::redefine, flag::redefined>>,
                     leaf<Kind::name, ScanWord>, sign<"=">, defined_value> {};
struct undefine : node<Kind::undefine, kw<K::undefine>, leaf<Kind::name, ScanWord>> {};

/// The items of a block in braces; the flag says that there was one.
template <Items What>
struct block : seq<sign<"{">, set_flag<flag::braces>,
                   nested<lines_are_blanks<false, seq<elsewhere<match_items<What>>, block_end>>>> {
};

struct word_list : list<word, sign<",">> {};
struct flags : node<Kind::table_flags, kw<K::flags>, word_list> {};

// --- Chains
// ----------------------------------------------------------------------------------------

struct device_name : sor<string, variable, value> {};
struct device : node<Kind::device, kw<K::device>, device_name> {};
struct devices : node<Kind::devices, kw<K::devices>, sign<"=">, sor<set_body, variable>> {};
struct offset_sign
    : sor<seq<maybe_sign<"+">, detail<Sign::plus>>, seq<maybe_sign<"-">, detail<Sign::minus>>> {};
/// A priority's name: "filter-5" without blanks is the name and an offset here, though flex sees a
/// word.
struct priority_name : sor<variable, string, unit> {};
struct priority_value
    : sor<seq<opt<offset_sign>, number>, seq<priority_name, opt<offset_sign, number>>> {};
struct priority : node<Kind::priority, kw<K::priority>,
                       called<"a priority: a number, or a name such as filter", priority_value>> {};
struct hook_of_chain : node<Kind::hook, kw<K::type>, set_flag<flag::has_type>, word, kw<K::hook>,
                            word, star<sor<device, devices>>, opt<priority>> {};
struct policy : node<Kind::policy, kw<K::policy>,
                     called<"accept, drop or a variable", sor<variable, string, word>>> {};

// --- Sets
// ----------------------------------------------------------------------------------------------

struct type_key : joined<Kind::concat, word, maybe_sign<".">> {};
struct interval_data : opt<kw_flag<K::interval, flag::interval_data>> {};
struct set_type : node<Kind::type, kw<K::type>, called<"a type such as ipv4_addr", type_key>,
                       opt<sign<":">, interval_data, type_key>> {};
/// "ct timeout", "ct expectation": objects, not what a packet has.
struct object_type : seq<kw<K::ct>, sor<kw_word<K::timeout>, kw_word<K::expectation>>> {};
struct type_of : node<Kind::type_of, kw<K::type_of>, expression,
                      opt<sign<":">, interval_data, sor<object_type, expression>>> {};
struct set_flags : node<Kind::set_flags, kw<K::flags>, word_list> {};
struct gc_interval : node<Kind::gc_interval, kw<K::gc_interval>, time_value> {};
struct size : node<Kind::size, kw<K::size>, sor<number, variable>> {};
struct set_policy : node<Kind::set_policy, kw<K::policy>, word> {};
struct auto_merge : node<Kind::auto_merge, kw<K::auto_merge>> {};
struct elements
    : node<Kind::elements, kw<K::elements>, sign<"=">,
           called<"elements in braces or a variable", sor<empty_set, set_body, variable>>> {};

// --- Objects
// -------------------------------------------------------------------------------------------

/// "packets 1 bytes 2", "over 25 mbytes", "type \"ftp\" protocol tcp": words and values up to the
/// end of the line, braces whole.
struct braces_as_text {
    using rule_t = braces_as_text;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (p == in.end() || *p != '{' || !b.may_search(in)) return false;
        unsigned depth = 0;
        for (const char* q = p; q != in.end(); ++q) {
            if (*q == '"') {
                q = scan_string(q, in.end()).end - 1;
            } else if (*q == '{') {
                ++depth;
            } else if (*q == '}' && --depth == 0) {
                b.push(in, Kind::opaque, p, q + 1);
                TreeBuilder::go_to(in, q + 1);
                return true;
            }
        }
        b.searched_in_vain(static_cast<std::size_t>(in.end() - p));
        return false;
    }
};
struct any_value {
    using rule_t = any_value;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        ScannedValue v = scan_value(p, in.end());
        if (v.end == p) return false;
        b.push(in, v.kind, p, v.end, v.split);
        TreeBuilder::go_to(in, v.end);
        return true;
    }
};
struct property_value
    : sor<any_value, set_body, braces_as_text, sign<"=">, sign<"/">, sign<",">, sign<":">> {};
struct property : node<Kind::property, any_value, star<property_value>> {};

template <Keyword Key, ObjectKind Object>
struct object_of_table
    : node<Kind::object, kw_detail<Key, Object>, name_of<Kind::name>, block<Items::object>> {};
struct ct_object_kind : sor<kw_detail<K::helper, ObjectKind::ct_helper>,
                            kw_detail<K::timeout, ObjectKind::ct_timeout>,
                            kw_detail<K::expectation, ObjectKind::ct_expectation>> {};
struct ct_object
    : node<Kind::object, kw<K::ct>, ct_object_kind, name_of<Kind::name>, block<Items::object>> {};

// --- Items of the blocks
// ---------------------------------------------------------------------------------

template <typename... More>
using items = by_keyword<on<K::include, include>, on<K::define, define>, on<K::redefine, define>,
                         on<K::undefine, undefine>, on<K::comment, comment>, More...>;

struct chain_of_table : node<Kind::chain, kw<K::chain>, name_of<Kind::name>, block<Items::chain>> {
};
template <Keyword Key, SetKind What>
struct set_of_table
    : node<Kind::set, kw_detail<Key, What>, name_of<Kind::name>, block<Items::set>> {};
struct flowtable_of_table
    : node<Kind::flowtable, kw<K::flowtable>, name_of<Kind::name>, block<Items::flowtable>> {};
struct table_item
    : items<on<K::flags, flags>, on<K::chain, chain_of_table>,
            on<K::set, set_of_table<K::set, SetKind::set>>,
            on<K::map, set_of_table<K::map, SetKind::map>>,
            on<K::meter, set_of_table<K::meter, SetKind::meter>>,
            on<K::flowtable, flowtable_of_table>,
            on<K::counter, object_of_table<K::counter, ObjectKind::counter>>,
            on<K::quota, object_of_table<K::quota, ObjectKind::quota>>,
            on<K::limit, object_of_table<K::limit, ObjectKind::limit>>,
            on<K::secmark, object_of_table<K::secmark, ObjectKind::secmark>>,
            on<K::synproxy, object_of_table<K::synproxy, ObjectKind::synproxy>>,
            on<K::tunnel, object_of_table<K::tunnel, ObjectKind::tunnel>>, on<K::ct, ct_object>> {};

/// "type filter hook ..." begins a hook, "policy drop" a policy; all else is a rule.
struct chain_item : items<on<K::type, hook_of_chain>, on<K::policy, policy>, on<K::flags, flags>,
                          on<K::device, device>, on<K::devices, devices>> {};

struct set_item : items<on<K::type, set_type>, on<K::type_of, type_of>, on<K::flags, set_flags>,
                        on<K::timeout, timeout>, on<K::gc_interval, gc_interval>, on<K::size, size>,
                        on<K::policy, set_policy>, on<K::auto_merge, auto_merge>,
                        on<K::elements, elements>, on<K::counter, counter>, on<K::limit, limit>,
                        on<K::quota, quota>, on<K::ct, connlimit>, on<K::last, last>> {};

struct hook_of_flowtable : node<Kind::hook, kw<K::hook>, word, opt<priority>> {};
struct flowtable_item : items<on<K::hook, hook_of_flowtable>, on<K::devices, devices>,
                              on<K::flags, flags>, on<K::counter, counter>> {};

struct object_item : sor<comment, property> {};

}  // namespace grammar
}  // namespace untrack::parser::nft

namespace tao::pegtl {

template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::braces_as_text> : analyze_any_traits<> {
};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::any_value> : analyze_any_traits<> {};

}  // namespace tao::pegtl
