// SPDX-License-Identifier: GPL-2.0-or-later
// One concrete packet, as the command line's PACKET describes it.
#pragma once

#include <cstdint>
#include <string>

#include "model/ruleset.hpp"

namespace untrack::packet {

/// Where the packet goes: to this host, from it, or through it.
enum class Path : std::uint8_t { input, output, forward };

/// What conntrack says of the packet. `automatic`: untracked when the raw hooks say so, else new.
enum class ConntrackState : std::uint8_t {
    automatic,
    new_,
    established,
    reply,
    related,
    invalid,
    untracked,
};

enum TcpFlag : std::uint8_t {
    tcp_fin = 1,
    tcp_syn = 2,
    tcp_rst = 4,
    tcp_psh = 8,
    tcp_ack = 16,
    tcp_urg = 32
};

inline constexpr std::uint8_t proto_icmp = 1, proto_tcp = 6, proto_udp = 17, proto_dccp = 33,
                              proto_icmpv6 = 58, proto_sctp = 132, proto_udplite = 136;

/// A packet with every field given; fields that its protocol has not are 0. Interfaces that do not
/// apply are empty.
struct Packet {
    Path path = Path::input;
    model::Family family = model::Family::ip;
    std::uint8_t protocol = proto_tcp;
    model::Address source;
    model::Address destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t tcp_flags = 0;
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    bool fragment = false;  ///< a second or later fragment, which has no ports, flags or type
    std::string in_interface;
    std::string out_interface;
    std::uint32_t mark = 0;
    ConntrackState state = ConntrackState::automatic;

    friend bool operator==(const Packet&, const Packet&) = default;
};

/// The answer's packet: addresses, ports and interfaces swapped, the path turned round. Flags, mark
/// and state are left alone.
Packet reverse(const Packet& packet);
/// True when the protocol has ports (tcp, udp, udplite, sctp, dccp).
bool has_ports(std::uint8_t protocol);
/// Over the loopback device: sent and received by this host.
bool is_loopback(const Packet& packet);

}  // namespace untrack::packet
