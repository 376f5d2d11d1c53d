// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of statements and rules.
#pragma once

#include "parser/nft/elements.hpp"

namespace untrack::parser::nft {

/// Compiled in statements.cpp: the statements of a rule up to its end, into the open node, which
/// is the rule's. What cannot be read is an error node up to the rule's end.
/// Rules until "}", each a node of the open one.
bool match_rule_list(Input& in, TreeBuilder& b);
bool match_rule_statements(Input& in, TreeBuilder& b);
/// True at what ends a rule: the line's end, ";", "}", or a comment.
bool at_rule_end(const Input& in, const char* p);
/// The end of a rule that cannot be read: braces are balanced, unless that would swallow the next
/// block.
const char* end_of_wrong_rule(const Input& in, TreeBuilder& b, const char* p);

namespace grammar {

// --- Statements with operands of their own -------------------------------------------------------

struct log_flags
    : node<Kind::property, kw_word<K::flags>,
           sor<seq<kw_word<K::tcp>, list<word, sign<",">>>, seq<kw_word<K::ip>, word>, word>> {};
struct log_prefix : node<Kind::property, kw_word<K::prefix>, sor<string, variable, word>> {};
struct log_level : node<Kind::property, kw_word<K::level>, sor<string, variable, word>> {};
template <Keyword Key>
struct number_property : node<Kind::property, kw_word<Key>, sor<number, variable>> {};
struct log_property : by_keyword<on<K::prefix, log_prefix>, on<K::group, number_property<K::group>>,
                                 on<K::snaplen, number_property<K::snaplen>>,
                                 on<K::queue_threshold, number_property<K::queue_threshold>>,
                                 on<K::level, log_level>, on<K::flags, log_flags>> {};
struct log : node<Kind::log, kw<K::log>, star<log_property>> {};

struct reject_type : seq<opt<kw<K::type>>, sor<number, variable, string, word>> {};
struct reject_with
    : seq<kw<K::with>, sor<seq<kw_detail<K::tcp, RejectWith::tcp_reset>, kw<K::reset>>,
                           seq<kw_detail<K::icmp, RejectWith::icmp>, reject_type>,
                           seq<kw_detail<K::icmpv6, RejectWith::icmpv6>, reject_type>,
                           seq<kw_detail<K::icmpx, RejectWith::icmpx>, reject_type>>> {};
struct reject : node<Kind::reject, kw<K::reject>, opt<reject_with>> {};

struct nat_flag
    : sor<kw_flag<K::random, flag::random>, kw_flag<K::fully_random, flag::fully_random>,
          kw_flag<K::persistent, flag::persistent>> {};
struct nat_flags : opt<list<silent<nat_flag>, opt<maybe_sign<",">>>> {};
struct family_detail : sor<kw_detail<K::ip, Family::ip>, kw_detail<K::ip6, Family::ip6>> {};
struct nat_form
    : sor<seq<kw<K::addr>, sign<".">, kw<K::port>, set_flag<flag::addr_port>>,
          kw_flag<K::interval, flag::nat_interval>, kw_flag<K::prefix, flag::nat_prefix>> {};
struct port : node<Kind::port, sign<":">, expression> {};
struct where_to
    : called<"an address, or `:' and a port", sor<port, seq<expression, opt<silent<port>>>>> {};
/// "ip" begins a selector as well: "snat ip saddr map ..." has no family.
struct nat_family : seq<family_detail, at<sor<nat_form, kw<K::to>>>> {};
template <Keyword Key, Kind Nat>
struct nat : node<Nat, kw<Key>, opt<silent<nat_family>>, opt<silent<nat_form>>,
                  opt<maybe_kw<K::to>>, where_to, nat_flags> {};
struct masquerade : node<Kind::masquerade, kw<K::masquerade>, opt<kw<K::to>, port>, nat_flags> {};
struct redirect_port : sor<port, node<Kind::port, expression>> {};
struct redirect : node<Kind::redirect, kw<K::redirect>, opt<kw<K::to>, redirect_port>, nat_flags> {
};

struct tproxy : node<Kind::tproxy, kw<K::tproxy>, opt<family_detail>, kw<K::to>, where_to> {};
struct device_expression : node<Kind::device, kw<K::device>, expression> {};
struct dup : node<Kind::dup, kw<K::dup>, kw<K::to>, expression, opt<device_expression>> {};
struct fwd : node<Kind::fwd, kw<K::fwd>, opt<family_detail>, kw<K::to>, expression,
                  opt<device_expression>> {};

struct queue_flag : sor<kw_flag<K::bypass, flag::bypass>, kw_flag<K::fanout, flag::fanout>> {};
struct queue_flags : list<queue_flag, sign<",">> {};
struct queue_to : seq<sor<kw<K::num>, kw<K::to>>, expression> {};
struct queue : node<Kind::queue, kw<K::queue>, opt<kw<K::flags>, queue_flags>,
                    star<sor<queue_to, queue_flags>>> {};

struct notrack : node<Kind::notrack, kw<K::notrack>> {};

struct synproxy_word : seq<sor<kw_word<K::timestamp>, kw_word<K::sack_perm>>> {};
struct synproxy_property : sor<number_property<K::mss>, number_property<K::wscale>,
                               node<Kind::property, synproxy_word>> {};
struct synproxy : node<Kind::synproxy, kw<K::synproxy>, sor<object_name, star<synproxy_property>>> {
};

// --- Sets that packets change
// ----------------------------------------------------------------------

struct any_values : expression {};
struct update_data : sor<verdict, expression> {};
struct update_element : element_of<any_values, update_data> {};
struct set_operation : sor<kw_detail<K::add, SetOp::add>, kw_detail<K::update, SetOp::update>,
                           kw_detail<K::delete_, SetOp::delete_>> {};
struct set_update : node<Kind::set_update, set_operation, sor<set_ref, variable>, sign<"{">,
                         nested<lines_are_blanks<true, seq<update_element, sign<"}">>>>> {};
/// "set add ip saddr @s", as nft wrote before 0.8.
struct old_set_update : node<Kind::set_update, kw<K::set>, set_operation, update_element, set_ref> {
};

struct meter_size : node<Kind::size, kw<K::size>, number> {};
struct meter_in_braces
    : seq<sign<"{">, nested<lines_are_blanks<true, seq<update_element, sign<"}">>>>> {};
struct meter
    : node<Kind::meter, kw<K::meter>, name_of<Kind::name>, opt<meter_size>, meter_in_braces> {};
struct flow_add : node<Kind::flow_add, kw<K::flow>, sor<kw<K::add>, kw<K::offload>>, set_ref> {};
struct flow_table : node<Kind::meter, kw<K::flow>, kw<K::table>,
                         opt<not_at<sign<"{">>, name_of<Kind::name>>, meter_in_braces> {};
struct flow : sor<flow_add, flow_table> {};

// --- Others
// ------------------------------------------------------------------------------------------

struct option_reset
    : node<Kind::option_reset, kw<K::reset>, kw<K::tcp>, kw<K::option>, sor<number, word>> {};

struct object_set : node<Kind::object_set, kw<K::ct>,
                         sor<kw_detail<K::helper, ObjectKind::ct_helper>,
                             kw_detail<K::timeout, ObjectKind::ct_timeout>,
                             kw_detail<K::expectation, ObjectKind::ct_expectation>>,
                         kw<K::set>, expression> {};
struct tunnel_name : node<Kind::tunnel_name, kw<K::tunnel>, kw<K::name>, expression> {};

struct xt : node<Kind::xt, kw<K::xt>, sor<kw<K::match>, kw_flag<K::target, flag::xt_target>>,
                 opt<sor<string, word>>> {};

/// The "}" of a block; at the end of the file an error instead.
struct block_end {
    using rule_t = block_end;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        if (p != in.end() && *p == '}') {
            TreeBuilder::go_to(in, p + 1);
            return true;
        }
        b.miss(in, p, "}");
        if (p != in.end()) return false;
        if (!b.tracking) b.error(in, p, p, "expected `}' before the end of the file");
        return true;
    }
};
template <Keyword Key, auto Jump>
struct subchain
    : node<Kind::subchain, kw_detail<Key, Jump>, maybe_sign<"{">,
           nested<lines_are_blanks<false, seq<elsewhere<match_rule_list>, block_end>>>> {};
template <Keyword Key, auto Jump>
struct jump_statement : sor<subchain<Key, Jump>, verdict> {};

/// ==, !=, ...; nothing means that the value decides.
struct word_relation
    : by_keyword<on<K::eq, kw_detail<K::eq, Op::eq>>, on<K::ne, kw_detail<K::ne, Op::ne>>,
                 on<K::le, kw_detail<K::le, Op::le>>, on<K::ge, kw_detail<K::ge, Op::ge>>,
                 on<K::lt, kw_detail<K::lt, Op::lt>>, on<K::gt, kw_detail<K::gt, Op::gt>>,
                 on<K::not_, kw_detail<K::not_, Op::negated>>> {};
struct sign_relation
    : sor<seq<maybe_sign<"==">, detail<Op::eq>>, seq<maybe_sign<"!=">, detail<Op::ne>>,
          seq<maybe_sign<"<=">, detail<Op::le>>, seq<maybe_sign<">=">, detail<Op::ge>>,
          seq<maybe_sign<"<">, detail<Op::lt>>, seq<maybe_sign<">">, detail<Op::gt>>,
          seq<maybe_sign<"!">, detail<Op::negated>>> {};
struct at_relation {
    using rule_t = at_relation;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        return p != in.end() && (*p == '=' || *p == '!' || *p == '<' || *p == '>');
    }
};
struct relation : sor<seq<at_relation, sign_relation>, word_relation> {};
struct vmap_or_assign : by_keyword<on<K::vmap, seq<kw<K::vmap>, become<Kind::vmap>, map_target>>,
                                   on<K::set, seq<kw<K::set>, become<Kind::assign>, expression>>> {
};
/// What begins with a selector: match, verdict map or assignment.
struct selector_statement
    : node<Kind::match, called<"a statement", left_expression>,
           sor<silent<vmap_or_assign>, seq<opt<silent<relation>>, right_expression>>> {};

struct ct_statement : sor<connlimit, object_set, selector_statement> {};
struct tunnel_statement : sor<tunnel_name, selector_statement> {};
struct parenthesis : at<sign<"(">> {};
struct raw : at<sign<"@">> {};
/// Statements that begin with a keyword of their own; all others begin with a selector.
struct keyword_statement
    : by_keyword<on<K::accept, verdict>, on<K::drop, verdict>, on<K::continue_, verdict>,
                 on<K::return_, verdict>, on<K::jump, jump_statement<K::jump, Verdict::jump>>,
                 on<K::goto_, jump_statement<K::goto_, Verdict::goto_>>, on<K::counter, counter>,
                 on<K::limit, limit>, on<K::quota, quota>, on<K::last, last>, on<K::log, log>,
                 on<K::reject, reject>, on<K::snat, nat<K::snat, Kind::snat>>,
                 on<K::dnat, nat<K::dnat, Kind::dnat>>, on<K::masquerade, masquerade>,
                 on<K::redirect, redirect>, on<K::tproxy, tproxy>, on<K::dup, dup>, on<K::fwd, fwd>,
                 on<K::queue, queue>, on<K::notrack, notrack>, on<K::flow, flow>,
                 on<K::synproxy, synproxy>, on<K::add, set_update>, on<K::update, set_update>,
                 on<K::delete_, set_update>, on<K::set, old_set_update>, on<K::meter, meter>,
                 on<K::reset, option_reset>, on<K::xt, xt>, on<K::ct, ct_statement>,
                 on<K::tunnel, tunnel_statement>> {};

}  // namespace grammar
}  // namespace untrack::parser::nft

namespace tao::pegtl {

template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::block_end> : analyze_any_traits<> {};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::at_relation> : analyze_opt_traits<> {};

}  // namespace tao::pegtl
