// SPDX-License-Identifier: GPL-2.0-or-later
// A packet as people write it: 'tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0'.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "packet/packet.hpp"

namespace untrack::packet {

/// Reads PROTO SOURCE[:PORT] > DESTINATION[:PORT] and then, in any order: TCP flags (syn ack fin
/// rst psh urg), "fragment", "type N[/N]" or an ICMP type's name, "in IFACE", "out IFACE", "mark
/// N", a state, and input|output|forward (otherwise from the interfaces: in only = input, out only
/// = output, both = forward; input when neither). IPv6 with a port is written [2001:db8::1]:80. The
/// error is a sentence that says which word is wrong and what was expected.
tl::expected<Packet, std::string> parse_packet(std::string_view text);
/// The same packet in words; parse_packet reads it back.
std::string to_words(const Packet& packet);

/// The contract's names: input, output, forward; auto, new, established, ...; syn, ack, ...
std::string_view name(Path path);
std::string_view name(ConntrackState state);
bool parse_path(std::string_view text, Path& path);
bool parse_state(std::string_view text, ConntrackState& state);
bool parse_tcp_flag(std::string_view text, std::uint8_t& flags);
std::vector<std::string_view> tcp_flag_names(std::uint8_t flags);

std::string address_text(model::Family family, const model::Address& address);
/// Reads an address of either family.
bool parse_address(std::string_view text, model::Family& family, model::Address& address);
/// "tcp", "udp", "icmp", ... or the number.
std::string protocol_name(std::uint8_t protocol);
bool parse_protocol(std::string_view text, std::uint8_t& protocol);

}  // namespace untrack::packet
