// SPDX-License-Identifier: GPL-2.0-or-later
// The services that are to leave conntrack, and where they stand.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "packet/packet.hpp"

namespace untrack::packet {

/// Ports of one protocol.
struct Service {
    std::uint8_t protocol = proto_tcp;
    std::vector<model::PortRange> ports;
};

enum class Role : std::uint8_t {
    server,  ///< this host is the destination
    router,  ///< the service's packets pass through
};

struct Services {
    std::vector<Service> list;
    Role role = Role::server;
    std::optional<model::MaskedAddress> address;  ///< the service's own
    std::string interface;                        ///< where its questions come in; empty: anywhere
};

/// Control ports whose data connections a conntrack helper must announce (ftp, tftp, netbios-ns,
/// snmp, h323, pptp, sip, sane, irc, amanda).
inline constexpr std::uint16_t helper_ports[] = {21,   69,   137,  161,  1719, 1720,
                                                 1723, 5060, 6566, 6667, 10080};

}  // namespace untrack::packet
