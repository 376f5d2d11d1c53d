// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of commands: "add rule ip t c ...", and what a file may say without a verb.
#pragma once

#include "parser/nft/blocks.hpp"

namespace untrack::parser::nft {

/// The statements of a rule that has no keyword before it: at least the first must be known.
/// Compiled in commands.cpp.
bool match_known_statements(Input& in, TreeBuilder& b);
/// The rest of a command as opaque text; braces are whole.
bool match_rest(Input& in, TreeBuilder& b);

namespace grammar {

/// A keyword as a leaf with a detail.
template <Keyword Key, Kind LeafKind, auto Value>
struct kw_leaf : node<LeafKind, kw_detail<Key, Value>> {};

struct family : by_keyword<on<K::ip, kw_leaf<K::ip, Kind::family, Family::ip>>,
                           on<K::ip6, kw_leaf<K::ip6, Kind::family, Family::ip6>>,
                           on<K::inet, kw_leaf<K::inet, Kind::family, Family::inet>>,
                           on<K::arp, kw_leaf<K::arp, Kind::family, Family::arp>>,
                           on<K::bridge, kw_leaf<K::bridge, Kind::family, Family::bridge>>,
                           on<K::netdev, kw_leaf<K::netdev, Kind::family, Family::netdev>>> {};

struct handle : node<Kind::handle, kw<K::handle>, number> {};
struct handle_or_name : sor<handle, name_of<Kind::name>> {};
using table_name = name_of<Kind::table_name>;
using chain_name = name_of<Kind::chain_name>;
struct reference : seq<opt<family>, table_name, handle_or_name> {};
struct position
    : node<Kind::position,
           sor<kw_detail<K::handle, Position::handle>, kw_detail<K::position, Position::position>,
               kw_detail<K::index, Position::index>>,
           sor<number, variable>> {};

struct table_command
    : node<Kind::table, kw<K::table>, opt<family>, handle_or_name, opt<block<Items::table>>> {};
struct new_name : seq<not_at<sign<"{">>, name_of<Kind::name>> {};
struct chain_command
    : node<Kind::chain, kw<K::chain>, reference, opt<sor<block<Items::chain>, new_name>>> {};
struct rule_command : node<Kind::rule, kw<K::rule>, opt<family>, table_name, chain_name,
                           star<silent<position>>, opt<elsewhere<match_rule_statements>>> {};
template <Keyword Key, SetKind What>
struct set_command : node<Kind::set, kw_detail<Key, What>, reference, opt<block<Items::set>>> {};
struct added_elements : node<Kind::elements, sor<empty_set, set_body, variable>> {};
struct element_command : node<Kind::elements_command, kw<K::element>, reference, added_elements> {};
struct flowtable_command
    : node<Kind::flowtable, kw<K::flowtable>, reference, opt<block<Items::flowtable>>> {};
struct object_values : opt<sor<block<Items::object>, property>> {};
template <Keyword Key, ObjectKind Object>
struct object_command : node<Kind::object, kw_detail<Key, Object>, reference, object_values> {};
struct ct_command : node<Kind::object, kw<K::ct>, ct_object_kind, reference, object_values> {};
struct ruleset_command : node<Kind::ruleset, kw<K::ruleset>, opt<family>> {};

template <Keyword... Keys>
struct many_command
    : node<Kind::many, sor<kw_word<Keys>...>, opt<family>, star<name_of<Kind::name>>> {};
using many = many_command<K::tables, K::chains, K::rules, K::sets, K::maps, K::meters,
                          K::flowtables, K::counters, K::quotas, K::limits, K::secmarks,
                          K::synproxys, K::tunnels, K::hooks>;

struct object : by_keyword<on<K::table, table_command>, on<K::chain, chain_command>,
                           on<K::rule, rule_command>, on<K::set, set_command<K::set, SetKind::set>>,
                           on<K::map, set_command<K::map, SetKind::map>>,
                           on<K::meter, set_command<K::meter, SetKind::meter>>,
                           on<K::element, element_command>, on<K::flowtable, flowtable_command>,
                           on<K::counter, object_command<K::counter, ObjectKind::counter>>,
                           on<K::quota, object_command<K::quota, ObjectKind::quota>>,
                           on<K::limit, object_command<K::limit, ObjectKind::limit>>,
                           on<K::secmark, object_command<K::secmark, ObjectKind::secmark>>,
                           on<K::synproxy, object_command<K::synproxy, ObjectKind::synproxy>>,
                           on<K::tunnel, object_command<K::tunnel, ObjectKind::tunnel>>,
                           on<K::ct, ct_command>, on<K::ruleset, ruleset_command>> {};

/// Not the keyword of an object: what follows then must be one.
struct no_object {
    using rule_t = no_object;
    using subs_t = empty_list;
    NFT_RULE_MATCH { return !object::knows(b.keyword(in, b.token(in))); }
};
/// "t c ip saddr ...": names here are plain words, or anything would be a rule.
struct bare_rule : node<Kind::rule, no_object, opt<family>, leaf<Kind::table_name, ScanWord>,
                        leaf<Kind::chain_name, ScanWord>, star<silent<position>>,
                        elsewhere<match_known_statements>> {};

struct rule_verb : by_keyword<on<K::add, kw_detail<K::add, Verb::add>>,
                              on<K::insert, kw_detail<K::insert, Verb::insert>>> {};
struct change_verb : by_keyword<on<K::create, kw_detail<K::create, Verb::create>>,
                                on<K::replace, kw_detail<K::replace, Verb::replace>>,
                                on<K::delete_, kw_detail<K::delete_, Verb::delete_>>,
                                on<K::destroy, kw_detail<K::destroy, Verb::destroy>>,
                                on<K::rename, kw_detail<K::rename, Verb::rename>>,
                                on<K::flush, kw_detail<K::flush, Verb::flush>>> {};
struct question_verb : by_keyword<on<K::list, kw_detail<K::list, Verb::list>>,
                                  on<K::reset, kw_detail<K::reset, Verb::reset>>,
                                  on<K::get, kw_detail<K::get, Verb::get>>,
                                  on<K::monitor, kw_detail<K::monitor, Verb::monitor>>,
                                  on<K::describe, kw_detail<K::describe, Verb::describe>>,
                                  on<K::export_, kw_detail<K::export_, Verb::export_>>,
                                  on<K::import, kw_detail<K::import, Verb::import>>> {};
struct command_end {
    using rule_t = command_end;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (at_rule_end(in, p)) return true;
        b.miss(in, p, "the end of the command");
        return false;
    }
};
/// What asks and changes nothing is kept as text where the grammar does not know it.
struct command
    : node<Kind::command,
           sor<seq<rule_verb, sor<object, bare_rule>>, seq<change_verb, sor<object, many>>,
               seq<question_verb, sor<seq<sor<object, many>, command_end>, elsewhere<match_rest>>>,
               object, bare_rule>> {};

}  // namespace grammar
}  // namespace untrack::parser::nft

namespace tao::pegtl {

template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::command_end> : analyze_opt_traits<> {};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::no_object> : analyze_opt_traits<> {};

}  // namespace tao::pegtl
