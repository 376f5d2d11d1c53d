// SPDX-License-Identifier: GPL-2.0-or-later
// The grammar of expressions: what rules look at (selectors), and what they compare it with.
#pragma once

#include "parser/nft/values.hpp"

namespace untrack::parser::nft {

/// For other parts of the grammar; compiled in expressions.cpp.
bool match_left_side(Input& in, TreeBuilder& b);
bool match_right_side(Input& in, TreeBuilder& b);
bool match_statement_expression(Input& in, TreeBuilder& b);
bool match_selector(Input& in, TreeBuilder& b);

namespace grammar {

// --- Selectors -----------------------------------------------------------------------------------

/// "ip saddr": a header and one of its fields that need nothing more.
struct field_selector {
    using rule_t = field_selector;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        Keyword k = b.keyword(in, p);
        if (!is_header(k)) {
            b.miss(in, p, "a header");
            return false;
        }
        const char* field = skip_blanks(b.word_end, in.end());
        const char* end = scan_word(field, in.end());
        auto found = find_selector(header_of(k), {field, static_cast<std::size_t>(end - field)});
        if (!found) {
            b.miss(in, field, "a field");
            return false;
        }
        b.push(in, Kind::selector, p, end, static_cast<std::uint16_t>(*found));
        TreeBuilder::go_to(in, end);
        return true;
    }
};
/// "iifname" without "meta" before it.
struct bare_meta {
    using rule_t = bare_meta;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        b.keyword(in, p);
        const char* end = b.word_end;
        auto found = find_selector(Header::meta, {p, static_cast<std::size_t>(end - p)});
        if (!found) return false;
        b.push(in, Kind::selector, p, end, static_cast<std::uint16_t>(*found));
        TreeBuilder::go_to(in, end);
        return true;
    }
};
/// A field that nothing carries on, as plain_value.
struct plain_selector {
    using rule_t = plain_selector;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        Keyword k = b.keyword(in, p);
        const char* end = b.word_end;
        Header header = Header::meta;
        const char* field = p;
        if (is_header(k)) {
            header = header_of(k);
            field = skip_blanks(end, in.end());
            end = scan_word(field, in.end());
        } else if (k == Keyword::none) {
            return false;
        }
        auto found = find_selector(header, {field, static_cast<std::size_t>(end - field)});
        if (!found || (field == p && !bare_meta_keywords[static_cast<std::size_t>(k)]))
            return false;
        const char* q = skip_blanks(end, in.end());
        if (!ends_before<"&|^<>.">(in, b, q)) return false;
        b.push(in, Kind::selector, p, end, static_cast<std::uint16_t>(*found));
        TreeBuilder::go_to(in, end);
        return true;
    }
};
/// The field of a selector whose header is read: sets the detail.
template <Header H>
struct field_of {
    using rule_t = field_of;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        const char* end = scan_word(p, in.end());
        auto found = find_selector(H, {p, static_cast<std::size_t>(end - p)});
        if (!found) {
            b.miss(in, p, "a field");
            return false;
        }
        b.open().detail = static_cast<std::uint16_t>(*found);
        TreeBuilder::go_to(in, end);
        return true;
    }
};
/// A word that follows an option's name, when it is one of these; else the name stands alone.
template <Text... Words>
struct field_word {
    using rule_t = field_word;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        const char* end = scan_word(p, in.end());
        std::string_view text(p, static_cast<std::size_t>(end - p));
        if (!((text == Words.view()) || ...)) return false;
        b.push(in, Kind::word, p, end);
        TreeBuilder::go_to(in, end);
        return true;
    }
};

/// A word that is no keyword elsewhere.
template <Text Word>
struct plain_word {
    using rule_t = plain_word;
    using subs_t = empty_list;
    NFT_RULE_MATCH {
        const char* p = b.token(in);
        const char* end = scan_word(p, in.end());
        if (std::string_view(p, static_cast<std::size_t>(end - p)) != Word.view()) {
            b.miss(in, p, Word.view());
            return false;
        }
        TreeBuilder::go_to(in, end);
        return true;
    }
};

using K = Keyword;
using S = Selector;

struct selector;
struct left_operand;
struct any_operand;
struct any_concat;

struct raw_payload : node<Kind::raw_payload, sign<"@">,
                          by_keyword<on<K::ll, kw_detail<K::ll, PayloadBase::ll>>,
                                     on<K::nh, kw_detail<K::nh, PayloadBase::nh>>,
                                     on<K::th, kw_detail<K::th, PayloadBase::th>>,
                                     on<K::ih, kw_detail<K::ih, PayloadBase::ih>>>,
                          sign<",">, number, sign<",">, number> {};

struct tcp_option
    : node<Kind::selector, kw<K::tcp>, kw_detail<K::option, S::tcp_option>,
           sor<seq<sign<"@">, set_flag<flag::raw_option>, number, sign<",">, number, sign<",">,
                   number>,
               seq<sor<number, word>, opt<field_word<"length", "size", "count", "left", "right",
                                                     "tsval", "tsecr", "subtype", "kind">>>>> {};
struct tcp_selector : sor<tcp_option, field_selector> {};

struct ip_option : node<Kind::selector, kw<K::ip>, kw_detail<K::option, S::ip_option>, word,
                        opt<field_word<"type", "length", "value", "ptr", "addr">>> {};
struct ip_selector : sor<ip_option, field_selector> {};

struct sctp_chunk
    : node<Kind::selector, kw<K::sctp>, kw_detail<K::chunk, S::sctp_chunk>, word,
           opt<field_word<"type", "flags", "length", "tsn", "stream", "ssn", "ppid", "init-tag",
                          "a-rwnd", "num-outbound-streams", "num-inbound-streams", "initial-tsn",
                          "cum-tsn-ack", "num-gap-ack-blocks", "num-dup-tsns", "lowest-tsn",
                          "seqno", "new-cum-tsn">>> {};
struct sctp_selector : sor<sctp_chunk, field_selector> {};

struct dccp_option
    : node<Kind::selector, kw<K::dccp>, kw_detail<K::option, S::dccp_option>, number> {};
struct dccp_selector : sor<dccp_option, field_selector> {};

struct arp_address
    : node<Kind::selector, kw<K::arp>,
           sor<seq<kw<K::saddr>,
                   sor<kw_detail<K::ip, S::arp_saddr_ip>, kw_detail<K::ether, S::arp_saddr_ether>>>,
               seq<kw<K::daddr>, sor<kw_detail<K::ip, S::arp_daddr_ip>,
                                     kw_detail<K::ether, S::arp_daddr_ether>>>>> {};
struct arp_selector : sor<arp_address, field_selector> {};

struct ct_address
    : sor<seq<kw<K::ip>,
              sor<kw_detail<K::saddr, S::ct_ip_saddr>, kw_detail<K::daddr, S::ct_ip_daddr>>>,
          seq<kw<K::ip6>,
              sor<kw_detail<K::saddr, S::ct_ip6_saddr>, kw_detail<K::daddr, S::ct_ip6_daddr>>>> {};
struct ct_direction
    : node<Kind::selector, kw<K::ct>,
           opt<sor<kw_flag<K::original, flag::original>, kw_flag<K::reply, flag::reply>>>,
           sor<ct_address, field_of<Header::ct>>> {};
struct ct_selector : sor<field_selector, ct_direction> {};

struct rt_family : node<Kind::selector, kw<K::rt>,
                        sor<kw_flag<K::ip, flag::route_ip>, kw_flag<K::ip6, flag::route_ip6>>,
                        field_of<Header::rt>> {};
struct rt_selector : sor<field_selector, rt_family> {};

struct segment : opt<maybe_sign<"[">, number, sign<"]">> {};
struct rt0_address : node<Kind::selector, kw<K::rt0>, kw_detail<K::addr, S::rt0_addr>, segment> {};
struct srh_segment
    : node<Kind::selector, kw<K::srh>, plain_word<"sid">, detail<S::srh_sid>, segment> {};
struct srh_selector : sor<srh_segment, field_selector> {};

struct fib_flag : sor<kw_flag<K::saddr, flag::fib_saddr>, kw_flag<K::daddr, flag::fib_daddr>,
                      kw_flag<K::mark, flag::fib_mark>, kw_flag<K::iif, flag::fib_iif>,
                      kw_flag<K::oif, flag::fib_oif>> {};
struct fib_selector
    : node<Kind::selector, kw<K::fib>, list<fib_flag, sign<".">>,
           sor<kw_detail<K::oif, S::fib_oif>, kw_detail<K::oifname, S::fib_oifname>,
               kw_detail<K::type, S::fib_type>, seq<plain_word<"check">, detail<S::fib_check>>>> {};

struct socket_level : node<Kind::selector, kw<K::socket>,
                           kw_detail<K::cgroupv2, S::socket_cgroupv2>, kw<K::level>, number> {};
struct socket_selector : sor<field_selector, socket_level> {};

struct osf_selector : node<Kind::selector, kw<K::osf>, opt<kw<K::ttl>, word>,
                           sor<kw_detail<K::name, S::osf_name>,
                               seq<plain_word<"version">, detail<S::osf_version>>>> {};

struct ipsec_address
    : sor<seq<kw<K::ip>,
              sor<kw_detail<K::saddr, S::ipsec_ip_saddr>, kw_detail<K::daddr, S::ipsec_ip_daddr>>>,
          seq<kw<K::ip6>, sor<kw_detail<K::saddr, S::ipsec_ip6_saddr>,
                              kw_detail<K::daddr, S::ipsec_ip6_daddr>>>> {};
struct ipsec_selector
    : sor<node<Kind::selector, kw<K::ipsec>,
               sor<kw_flag<K::in, flag::original>, kw_flag<K::out, flag::reply>>,
               opt<kw<K::spnum>, number>,
               sor<ipsec_address, seq<plain_word<"reqid">, detail<S::ipsec_reqid>>,
                   seq<plain_word<"spi">, detail<S::ipsec_spi>>>>,
          bare_meta> {};

struct modulus : seq<kw<K::mod>, number> {};
struct hash_offset : opt<kw<K::offset>, set_flag<flag::has_offset>, number> {};
struct numgen_selector : node<Kind::selector, kw<K::numgen>,
                              sor<kw_detail<K::random, S::numgen_random>,
                                  seq<plain_word<"inc">, detail<S::numgen_inc>>>,
                              modulus, hash_offset> {};
struct jhash_selector
    : node<Kind::selector, kw_detail<K::jhash, S::jhash_value>, nested<any_concat>, modulus,
           opt<kw<K::seed>, set_flag<flag::has_seed>, number>, hash_offset> {};
struct symhash_selector
    : node<Kind::selector, kw_detail<K::symhash, S::symhash_value>, modulus, hash_offset> {};

struct exthdr_selector : node<Kind::selector, kw_detail<K::exthdr, S::exthdr_header>, word> {};

template <Keyword Tunnel>
struct tunnelled : sor<field_selector,
                       node<Kind::inner, kw_detail<Tunnel, header_of(Tunnel)>, nested<selector>>> {
};

struct selector
    : sor<by_keyword<
              on<K::meta, field_selector>, on<K::ct, ct_selector>, on<K::ether, field_selector>,
              on<K::vlan, field_selector>, on<K::arp, arp_selector>, on<K::ip, ip_selector>,
              on<K::icmp, field_selector>, on<K::igmp, field_selector>, on<K::ip6, field_selector>,
              on<K::icmpv6, field_selector>, on<K::ah, field_selector>, on<K::esp, field_selector>,
              on<K::comp, field_selector>, on<K::udp, field_selector>,
              on<K::udplite, field_selector>, on<K::tcp, tcp_selector>, on<K::dccp, dccp_selector>,
              on<K::sctp, sctp_selector>, on<K::th, field_selector>, on<K::gre, tunnelled<K::gre>>,
              on<K::geneve, tunnelled<K::geneve>>, on<K::vxlan, tunnelled<K::vxlan>>,
              on<K::gretap, tunnelled<K::gretap>>, on<K::hbh, field_selector>,
              on<K::rt0, rt0_address>, on<K::rt2, field_selector>, on<K::srh, srh_selector>,
              on<K::frag, field_selector>, on<K::dst, field_selector>, on<K::mh, field_selector>,
              on<K::rt, rt_selector>, on<K::fib, fib_selector>, on<K::socket, socket_selector>,
              on<K::osf, osf_selector>, on<K::ipsec, ipsec_selector>, on<K::tunnel, field_selector>,
              on<K::exthdr, exthdr_selector>, on<K::numgen, numgen_selector>,
              on<K::jhash, jhash_selector>, on<K::symhash, symhash_selector>,
              on<K::mark, bare_meta>, on<K::iif, bare_meta>, on<K::iifname, bare_meta>,
              on<K::iiftype, bare_meta>, on<K::iifgroup, bare_meta>, on<K::oif, bare_meta>,
              on<K::oifname, bare_meta>, on<K::oiftype, bare_meta>, on<K::oifgroup, bare_meta>,
              on<K::skuid, bare_meta>, on<K::skgid, bare_meta>, on<K::nftrace, bare_meta>,
              on<K::rtclassid, bare_meta>, on<K::ibriport, bare_meta>, on<K::ibrname, bare_meta>,
              on<K::obriport, bare_meta>, on<K::obrname, bare_meta>, on<K::pkttype, bare_meta>,
              on<K::cpu, bare_meta>, on<K::cgroup, bare_meta>, on<K::time, bare_meta>,
              on<K::day, bare_meta>, on<K::hour, bare_meta>>,
          seq<at_sign<"@">, raw_payload>> {};

// --- Left side: begins with a selector
// ------------------------------------------------------------

struct left_binary : binary<left_operand, any_operand> {};
struct left_operand : sor<in_parentheses<left_binary>, selector> {};
struct any_binary;
struct left_concat : joined<Kind::concat, left_binary, maybe_sign<".">, any_binary> {};
struct left_side : postfix<left_concat, tail<Kind::map_lookup, maybe_kw<K::map>, map_target>> {};

// --- Right side: header names are plain words
// ------------------------------------------------------

struct right_binary;
struct right_operand : sor<in_parentheses<right_binary>, value> {};
struct right_binary : binary<right_operand, right_operand> {};
struct right_range : postfix<right_binary, tail<Kind::range, maybe_sign<"-">, right_binary>,
                             tail<Kind::prefix, maybe_sign<"/">, number>> {};
struct right_concat : joined<Kind::concat, right_range, maybe_sign<".">> {};
struct right_list : joined<Kind::list, right_concat, maybe_sign<",">> {};
struct right_masked : postfix<right_list, tail<Kind::masked, maybe_sign<"/">, right_list>> {};
struct right_side : called<"a value, a range, a set in braces or `@set'",
                           sor<plain_value<"&|^<>-/.,", true>, set_body, right_masked>> {};

// --- Anything: what is set, translated to, or added
// ---------------------------------------------------

struct any_operand : sor<in_parentheses<any_binary>, selector, value> {};
struct any_binary : binary<any_operand, any_operand> {};
struct any_range : postfix<any_binary, tail<Kind::range, maybe_sign<"-">, any_binary>,
                           tail<Kind::prefix, maybe_sign<"/">, number>> {};
struct any_concat : joined<Kind::concat, any_range, maybe_sign<".">> {};
struct any_mapped : postfix<any_concat, tail<Kind::map_lookup, maybe_kw<K::map>, map_target>> {};
struct any_list : joined<Kind::list, any_mapped, maybe_sign<",">> {};
struct statement_expression
    : called<"an expression", sor<plain_value<"&|^<>-/.,", false>, any_list>> {};

}  // namespace grammar
}  // namespace untrack::parser::nft

namespace tao::pegtl {

template <typename Name, untrack::parser::nft::Text Joiners, bool Words>
struct analyze_traits<Name, untrack::parser::nft::grammar::plain_value<Joiners, Words>>
    : analyze_any_traits<> {};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::plain_selector> : analyze_any_traits<> {
};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::value> : analyze_any_traits<> {};
template <typename Name, typename First, typename Operand>
struct analyze_traits<Name, untrack::parser::nft::grammar::binary<First, Operand>>
    : analyze_seq_traits<First, star<untrack::parser::nft::sign<"&">, Operand>> {};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::field_selector> : analyze_any_traits<> {
};
template <typename Name>
struct analyze_traits<Name, untrack::parser::nft::grammar::bare_meta> : analyze_any_traits<> {};
template <typename Name, untrack::parser::nft::Header H>
struct analyze_traits<Name, untrack::parser::nft::grammar::field_of<H>> : analyze_any_traits<> {};
template <typename Name, untrack::parser::nft::Text Word>
struct analyze_traits<Name, untrack::parser::nft::grammar::plain_word<Word>>
    : analyze_any_traits<> {};
template <typename Name, untrack::parser::nft::Text... Words>
struct analyze_traits<Name, untrack::parser::nft::grammar::field_word<Words...>>
    : analyze_any_traits<> {};

}  // namespace tao::pegtl
