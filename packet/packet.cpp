// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/packet.hpp"

#include <utility>

namespace untrack::packet {

Packet reverse(const Packet& packet) {
    Packet r = packet;
    std::swap(r.source, r.destination);
    std::swap(r.source_port, r.destination_port);
    std::swap(r.in_interface, r.out_interface);
    if (packet.path == Path::input) r.path = Path::output;
    if (packet.path == Path::output) r.path = Path::input;
    // Over lo an answer leaves this host as the question did.
    if (is_loopback(packet)) {
        r.path = Path::output;
        r.in_interface.clear();
        r.out_interface = "lo";
    }
    return r;
}

bool has_ports(std::uint8_t protocol) {
    return protocol == proto_tcp || protocol == proto_udp || protocol == proto_sctp ||
           protocol == proto_dccp || protocol == proto_udplite;
}

bool is_loopback(const Packet& packet) {
    return (packet.path == Path::output && packet.out_interface == "lo") ||
           (packet.path == Path::input && packet.in_interface == "lo");
}

}  // namespace untrack::packet
