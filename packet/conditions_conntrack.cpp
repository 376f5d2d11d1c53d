// SPDX-License-Identifier: GPL-2.0-or-later
// -m conntrack as packet sets, state by state.
#include <algorithm>

#include "packet/conditions_parts.hpp"

namespace untrack::packet {

using model::ConntrackMatch;
using model::Ruleset;

namespace {

bool no_entry(std::uint32_t state) {
    return state == value_invalid || state == value_untracked;
}

}  // namespace

/// A port of a tuple: 0 for protocols that have none.
Diagram Conditions::port_set(Field field, const Intervals& values, const Sight& sight) {
    Diagram ported = pool_.values(level(Field::protocol), ported_protocols);
    bool zero = !values.empty() && values.front().first == 0;
    Diagram in = pool_.values(level(turned(field, sight)), values);
    return pool_.over(pool_.inside(ported, in), zero ? pool_.complement_of(ported) : nothing);
}

Diagram Conditions::conntrack_set(const Ruleset& r, const ConntrackMatch& c, const Sight& sight) {
    Diagram d = nothing;
    for (std::uint32_t s = 0; s < state_values; ++s) {
        Interval one{s, s};
        d = pool_.over(
            d, pool_.branch(level(Field::state), {&one, 1},
                            conntrack_in(r, c, static_cast<StateValue>(s), sight), nothing));
    }
    return d;
}

Diagram Conditions::conntrack_in(const Ruleset& r, const ConntrackMatch& c, StateValue state,
                                 const Sight& sight) {
    using C = ConntrackMatch;
    auto negated = [&](std::uint16_t field) { return (c.negated & field) != 0; };
    auto unknown = [&] {
        std::string text(r.string(c.text));
        return predicate(text, text, sight);
    };
    if ((c.has & C::ctstate) != 0) {
        bool hit = (c.states & state_bit(state)) != 0;
        bool nat_state = (c.states & (model::state_snat | model::state_dnat)) != 0;
        if (!hit && nat_state && !no_entry(state) && nat_) return unknown();
        if (hit == negated(C::ctstate)) return nothing;
        // The kernel looks no further when there is no entry (measured).
        if (no_entry(state)) return everything;
    } else if (no_entry(state)) {
        return nothing;
    }
    Diagram d = everything;
    bool hangs = false;
    auto also = [&](std::uint16_t field, bool known, auto set) {
        if ((c.has & field) == 0) return;
        if (known)
            d = pool_.inside(negate(set(), negated(field)), d);
        else
            hangs = true;
    };
    auto constant = [](bool b) { return [b] { return b ? everything : nothing; }; };
    bool same_tuple = state != value_related;
    bool reply = state == value_reply;
    bool known = same_tuple && !nat_;
    also(C::ctproto, same_tuple, [&] { return space_.value(Field::protocol, c.protocol); });
    also(C::direction, same_tuple, constant(reply == c.reply_direction));
    constexpr std::uint16_t addresses[] = {C::orig_src, C::orig_dst, C::repl_src, C::repl_dst};
    constexpr std::uint16_t ports[] = {C::orig_src_port, C::orig_dst_port, C::repl_src_port,
                                       C::repl_dst_port};
    for (std::size_t i = 0; i < 4; ++i) {
        // Where the original source stands: at the packet's source, unless it is a reply.
        bool source = (i == 0 || i == 3) != reply;
        also(addresses[i], known, [&] {
            return masked_set(c.addresses[i],
                              turned(source ? Field::source : Field::destination, sight), sight);
        });
        also(ports[i], known, [&] {
            return port_set(source ? Field::source_port : Field::destination_port,
                            normalized({{c.ports[i].first, c.ports[i].last}}), sight);
        });
    }
    if ((c.has & C::status) != 0) {
        constexpr std::uint8_t seen_reply = 2;
        constexpr std::uint8_t confirmed = 8;
        constexpr std::uint8_t none = 0x80;
        bool fresh = state == value_new;
        // A first packet has neither of the two; NONE alone is no bit at all.
        bool no = (c.status_bits & 0x7f & ~(fresh ? seen_reply | confirmed : 0)) == 0 &&
                  (fresh || c.status_bits == none);
        bool yes = !fresh && same_tuple && (c.status_bits & (seen_reply | confirmed)) != 0;
        also(C::status, no || yes, constant(yes));
    }
    also(C::expire, false, constant(false));
    return hangs && !(d == nothing) ? pool_.inside(d, unknown()) : d;
}

}  // namespace untrack::packet
