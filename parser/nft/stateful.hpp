// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of what counts and limits. It may stand in rules, in elements, and in sets for all
// their elements.
#pragma once

#include "parser/nft/expressions.hpp"

namespace untrack::parser::nft::grammar {

using left_expression = elsewhere<match_left_side>;
using right_expression = elsewhere<match_right_side>;
using expression = elsewhere<match_statement_expression>;

/// "name X": an object, or a map that gives one.
struct object_name : seq<kw<K::name>, set_flag<flag::named>, expression> {};

struct time_value : sor<time, variable, number, string, word> {};

struct counter_values : star<sor<seq<kw<K::packets>, number>, seq<kw<K::bytes>, number>>> {};
struct counter : node<Kind::counter, kw<K::counter>, sor<object_name, counter_values>> {};

/// "10/second", "10 mbytes/second"
struct burst : node<Kind::burst, kw<K::burst>, number, opt<sor<kw_word<K::packets>, unit>>> {};
struct not_burst : not_at<kw<K::burst>> {};
struct rate
    : seq<kw<K::rate>, opt<sor<kw_flag<K::over, flag::over>, kw<K::until>>>, sor<number, variable>,
          sor<seq<sign<"/">, unit>, seq<unit, sign<"/">, unit>>, opt<burst>> {};
struct limit : node<Kind::limit, kw<K::limit>, sor<object_name, rate>> {};

struct used_bytes : node<Kind::used, kw<K::used>, number, unit> {};
struct quota_values
    : seq<opt<sor<kw_flag<K::over, flag::over>, kw<K::until>>>, number, unit, opt<used_bytes>> {};
struct quota : node<Kind::quota, kw<K::quota>, sor<object_name, quota_values>> {};

struct connlimit : node<Kind::connlimit, kw<K::ct>, kw<K::count>, opt<kw_flag<K::over, flag::over>>,
                        sor<number, variable>> {};

struct used_ago : node<Kind::used, kw<K::used>, sor<kw_word<K::never>, time, number>> {};
struct last : node<Kind::last, kw<K::last>, opt<used_ago>> {};

struct timeout : node<Kind::timeout, kw<K::timeout>, time_value> {};
struct expires : node<Kind::expires, kw<K::expires>, time_value> {};
struct comment : node<Kind::comment, kw<K::comment>, sor<string, variable, word>> {};

/// What an element may have beside its key and data.
struct element_option
    : by_keyword<on<K::timeout, timeout>, on<K::expires, expires>, on<K::comment, comment>,
                 on<K::counter, counter>, on<K::limit, limit>, on<K::quota, quota>,
                 on<K::ct, connlimit>, on<K::last, last>> {};

/// Where a jump goes.
struct jump_target : sor<variable, name_of<Kind::name>> {};
struct verdict
    : by_keyword<
          on<K::accept, node<Kind::verdict, kw_detail<K::accept, Verdict::accept>>>,
          on<K::drop, node<Kind::verdict, kw_detail<K::drop, Verdict::drop>>>,
          on<K::continue_, node<Kind::verdict, kw_detail<K::continue_, Verdict::continue_>>>,
          on<K::return_, node<Kind::verdict, kw_detail<K::return_, Verdict::return_>>>,
          on<K::jump, node<Kind::verdict, kw_detail<K::jump, Verdict::jump>, jump_target>>,
          on<K::goto_, node<Kind::verdict, kw_detail<K::goto_, Verdict::goto_>, jump_target>>> {};

}  // namespace untrack::parser::nft::grammar
