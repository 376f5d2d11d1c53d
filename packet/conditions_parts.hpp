// SPDX-License-Identifier: GPL-2.0-or-later
// What the sources of Conditions have in common.
#pragma once

#include "packet/conditions.hpp"

namespace untrack::packet {

/// The protocols whose ports matches look at.
inline const Intervals ported_protocols{{proto_tcp, proto_tcp},
                                        {proto_udp, proto_udp},
                                        {proto_dccp, proto_dccp},
                                        {proto_sctp, proto_sctp},
                                        {proto_udplite, proto_udplite}};

/// Seen from the answer, a field is the other end's.
inline Field turned(Field field, const Sight& sight) {
    if (!sight.answer) return field;
    switch (field) {
        case Field::source:
            return Field::destination;
        case Field::destination:
            return Field::source;
        case Field::source_port:
            return Field::destination_port;
        case Field::destination_port:
            return Field::source_port;
        case Field::in_interface:
            return Field::out_interface;
        case Field::out_interface:
            return Field::in_interface;
        default:
            return field;
    }
}

/// The ports of a match, as they stand.
Intervals port_intervals(const model::Ruleset& ruleset, const model::Match& match);
/// Address number i of a match.
model::MaskedAddress masked_address(const model::Ruleset& ruleset, const model::Match& match,
                                    std::uint32_t i);

}  // namespace untrack::packet
