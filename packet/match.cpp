// SPDX-License-Identifier: GPL-2.0-or-later
// Whether one match holds for one packet. What it says about untracked and invalid packets is
// measured (docs/semantics.md).
#include <algorithm>

#include "model/iptables_values.hpp"
#include "packet/trace.hpp"

namespace untrack::packet {
namespace {

using model::ConntrackMatch;
using model::Match;
using model::MatchKind;
using model::Ruleset;

constexpr Truth truth(bool b) {
    return b ? Truth::yes : Truth::no;
}
constexpr Truth invert(Truth t, bool negated) {
    if (!negated || t == Truth::unknown) return t;
    return t == Truth::yes ? Truth::no : Truth::yes;
}

model::StateSet bit_of(ConntrackState state) {
    switch (state) {
        case ConntrackState::new_:
            return model::state_new;
        case ConntrackState::established:
        case ConntrackState::reply:
            return model::state_established;
        case ConntrackState::related:
            return model::state_related;
        case ConntrackState::invalid:
            return model::state_invalid;
        case ConntrackState::untracked:
            return model::state_untracked;
        case ConntrackState::automatic:
            break;
    }
    return 0;
}

bool has_no_entry(ConntrackState state) {
    return state == ConntrackState::untracked || state == ConntrackState::invalid;
}

bool in_masked(const model::MaskedAddress& m, const model::Address& a) {
    for (std::size_t i = 0; i < a.bytes.size(); ++i)
        if ((a.bytes[i] & m.mask.bytes[i]) != m.value.bytes[i]) return false;
    return true;
}

bool address_matches(const Ruleset& r, const Match& m, const model::Address& a) {
    if (m.count == 0)
        return (model::v4_number(a) & m.payload.masked_v4.mask) == m.payload.masked_v4.value;
    for (std::uint32_t i = 0; i < m.count; ++i)
        if (in_masked(r.addresses[m.payload.pool.first + i], a)) return true;
    return false;
}

bool port_in(const Ruleset& r, const Match& m, std::uint16_t port) {
    if (m.count == 0) return m.payload.ports.first <= port && port <= m.payload.ports.last;
    for (std::uint32_t i = 0; i < m.count; ++i) {
        const model::PortRange& p = r.ports[m.payload.pool.first + i];
        if (p.first <= port && port <= p.last) return true;
    }
    return false;
}

bool interface_matches(const Ruleset& r, const Match& m, std::string_view name) {
    std::string_view wanted = r.string(m.payload.interface.name);
    return m.payload.interface.wildcard ? name.starts_with(wanted) : name == wanted;
}

bool is_multicast(model::Family family, const model::Address& a) {
    return family == model::Family::ip ? (a.bytes[0] & 0xf0) == 0xe0 : a.bytes[0] == 0xff;
}

/// Whether the address is of one of the types, as far as the path tells. `own`: it is one of this
/// host's, or a broadcast address of its networks; `foreign`: it is not this host's.
Truth type_matches(const Packet& p, const model::Address& a, std::uint16_t types, bool own,
                   bool foreign, bool forwarded) {
    if (is_multicast(p.family, a)) return truth((types & model::type_multicast) != 0);
    bool all_ones = p.family == model::Family::ip && model::v4_number(a) == 0xffffffffU;
    if (all_ones) return truth((types & model::type_broadcast) != 0);
    if (p.family == model::Family::ip && a.bytes[0] == 127)
        return truth((types & model::type_local) != 0);
    constexpr std::uint16_t odd = model::type_anycast | model::type_blackhole |
                                  model::type_unreachable | model::type_prohibit |
                                  model::type_throw | model::type_nat | model::type_xresolve |
                                  model::type_unspec;
    if ((types & odd) != 0) return Truth::unknown;
    if (own) {
        bool local = (types & model::type_local) != 0;
        bool broadcast = (types & model::type_broadcast) != 0;
        if (local && broadcast) return Truth::yes;
        // A host part of all ones may be a broadcast address of a network of this host.
        bool may_broadcast = p.family == model::Family::ip && (a.bytes[3] & 3U) == 3U;
        if (may_broadcast && (local || broadcast)) return Truth::unknown;
        return truth(local);
    }
    // What is sent on is neither a broadcast nor this host's own.
    if (forwarded && p.family == model::Family::ip)
        return truth((types & model::type_unicast) != 0);
    if (foreign && (types & model::type_unicast) == 0 && (types & model::type_broadcast) == 0)
        return Truth::no;
    return Truth::unknown;
}

Truth address_type(const Match& m, const Packet& p, const View& view) {
    const auto& t = m.payload.address_type;
    if (t.limit_in || t.limit_out) return Truth::unknown;
    Truth result = Truth::yes;
    if (t.source != 0) {
        bool own = p.path == Path::output && view.hook != model::Hook::prerouting &&
                   view.hook != model::Hook::ingress;
        bool foreign = p.path != Path::output;
        result = invert(type_matches(p, p.source, t.source, own, foreign, false), t.source_negated);
    }
    if (result != Truth::no && t.destination != 0) {
        bool own = p.path == Path::input || is_loopback(p);
        bool foreign = !own;
        bool forwarded = p.path == Path::forward;
        Truth d = invert(type_matches(p, p.destination, t.destination, own, foreign, forwarded),
                         t.destination_negated);
        if (d != Truth::yes) result = d;
    }
    return result;
}

/// -m conntrack with more than --ctstate (xt_conntrack.c).
Truth conntrack(const ConntrackMatch& c, const Packet& p, const View& view) {
    auto negated = [&](std::uint16_t field) { return (c.negated & field) != 0; };
    bool no_entry = has_no_entry(view.state);
    if ((c.has & ConntrackMatch::ctstate) != 0) {
        bool nat_state = (c.states & (model::state_snat | model::state_dnat)) != 0;
        bool hit = (c.states & bit_of(view.state)) != 0;
        if (!hit && nat_state && !no_entry && view.host_has_nat) return Truth::unknown;
        if (hit == negated(ConntrackMatch::ctstate)) return Truth::no;
        // The kernel looks no further when there is no entry (measured).
        if (no_entry) return Truth::yes;
    } else if (no_entry) {
        return Truth::no;
    }
    Truth result = Truth::yes;
    auto also = [&](std::uint16_t field, Truth t) {
        if ((c.has & field) == 0 || result == Truth::no) return;
        t = invert(t, negated(field));
        if (t == Truth::no || result == Truth::yes) result = t;
    };
    bool same_tuple = view.state != ConntrackState::related;
    also(ConntrackMatch::ctproto, same_tuple ? truth(p.protocol == c.protocol) : Truth::unknown);
    also(ConntrackMatch::direction,
         same_tuple ? truth((view.state == ConntrackState::reply) == c.reply_direction)
                    : Truth::unknown);
    bool reply = view.state == ConntrackState::reply;
    bool known = same_tuple && !view.host_has_nat;
    const model::Address& orig_src = reply ? p.destination : p.source;
    const model::Address& orig_dst = reply ? p.source : p.destination;
    std::uint16_t orig_sport = reply ? p.destination_port : p.source_port;
    std::uint16_t orig_dport = reply ? p.source_port : p.destination_port;
    auto address = [&](std::uint16_t field, std::size_t i, const model::Address& a) {
        also(field, known ? truth(in_masked(c.addresses[i], a)) : Truth::unknown);
    };
    auto port = [&](std::uint16_t field, std::size_t i, std::uint16_t n) {
        also(field, known ? truth(c.ports[i].first <= n && n <= c.ports[i].last) : Truth::unknown);
    };
    address(ConntrackMatch::orig_src, 0, orig_src);
    address(ConntrackMatch::orig_dst, 1, orig_dst);
    address(ConntrackMatch::repl_src, 2, orig_dst);
    address(ConntrackMatch::repl_dst, 3, orig_src);
    port(ConntrackMatch::orig_src_port, 0, orig_sport);
    port(ConntrackMatch::orig_dst_port, 1, orig_dport);
    port(ConntrackMatch::repl_src_port, 2, orig_dport);
    port(ConntrackMatch::repl_dst_port, 3, orig_sport);
    if ((c.has & ConntrackMatch::status) != 0) {
        constexpr std::uint8_t seen_reply = 2;
        constexpr std::uint8_t confirmed = 8;
        constexpr std::uint8_t none = 0x80;
        bool fresh = view.state == ConntrackState::new_;
        Truth t = Truth::unknown;
        if ((c.status_bits & 0x7f & ~(fresh ? seen_reply | confirmed : 0)) == 0 &&
            (fresh || c.status_bits == none))
            t = Truth::no;  // a first packet has neither; NONE alone is no bit at all
        else if (!fresh && same_tuple && (c.status_bits & (seen_reply | confirmed)) != 0)
            t = Truth::yes;
        also(ConntrackMatch::status, t);
    }
    also(ConntrackMatch::expire, Truth::unknown);
    return result;
}

/// Predicates on an entry's keys: on a packet without one they are false in both polarities, but
/// for helper and connlabel.
Truth opaque(const Match& m, const View& view) {
    const auto& o = m.payload.opaque;
    if (o.nature == model::OpaqueNature::always) return invert(Truth::yes, m.negated);
    if (has_no_entry(view.state)) {
        switch (o.key) {
            case model::ConntrackKey::connmark:
            case model::ConntrackKey::connbytes:
            case model::ConntrackKey::cluster:
                return Truth::no;
            case model::ConntrackKey::helper:
            case model::ConntrackKey::connlabel:
                return truth(m.negated);
            default:
                break;
        }
    }
    return Truth::unknown;
}

}  // namespace

Truth matches(const Ruleset& r, const Match& m, const Packet& p, const View& view) {
    auto is = [&](bool b) { return truth(b != m.negated); };
    // The ports of a later fragment are not there: no port match holds, whatever its polarity.
    bool ported = has_ports(p.protocol) && !p.fragment;
    switch (m.kind) {
        case MatchKind::protocol:
            return is(p.protocol == m.payload.number);
        case MatchKind::source:
            return is(address_matches(r, m, p.source));
        case MatchKind::destination:
            return is(address_matches(r, m, p.destination));
        case MatchKind::source_range:
            return is(r.ranges_of(m).contain(p.source));
        case MatchKind::destination_range:
            return is(r.ranges_of(m).contain(p.destination));
        case MatchKind::in_interface:
            return is(interface_matches(r, m, view.in_interface));
        case MatchKind::out_interface:
            return is(interface_matches(r, m, view.out_interface));
        case MatchKind::source_port:
            return ported ? is(port_in(r, m, p.source_port)) : Truth::no;
        case MatchKind::destination_port:
            return ported ? is(port_in(r, m, p.destination_port)) : Truth::no;
        case MatchKind::either_port:
            return ported ? is(port_in(r, m, p.source_port) || port_in(r, m, p.destination_port))
                          : Truth::no;
        case MatchKind::tcp_flags:
            if (p.protocol != proto_tcp || p.fragment) return Truth::no;
            return is((p.tcp_flags & m.payload.tcp_flags.mask) == m.payload.tcp_flags.value);
        case MatchKind::icmp: {
            const auto& i = m.payload.icmp;
            if ((p.protocol != proto_icmp && p.protocol != proto_icmpv6) || p.fragment)
                return Truth::no;
            return is(i.any || (p.icmp_type == i.type && i.code_first <= p.icmp_code &&
                                p.icmp_code <= i.code_last));
        }
        case MatchKind::fragment:
            return is(p.fragment);
        case MatchKind::state:
            return is((m.payload.state & bit_of(view.state)) != 0);
        case MatchKind::conntrack:
            return conntrack(r.conntrack[m.payload.pool.first], p, view);
        case MatchKind::mark:
            return is((view.mark & m.payload.mark.mask) == m.payload.mark.value);
        case MatchKind::address_type:
            return address_type(m, p, view);
        case MatchKind::comment:
            return is(true);
        case MatchKind::opaque:
            return opaque(m, view);
    }
    return Truth::unknown;
}

}  // namespace untrack::packet
