// SPDX-License-Identifier: GPL-2.0-or-later
// The values of iptables' options: numbers, addresses, ports, marks, lists. Text in, value or
// nothing out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/ruleset.hpp"

namespace untrack::model {

/// Decimal, 0x hexadecimal or 0 octal, as strtoul reads them with base 0; nothing when anything
/// else follows.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// A numeric address. IPv4 may be short: "10" is 10.0.0.0, as iptables pads it.
std::optional<Address> parse_numeric_address(Family family, std::string_view text);

enum class AddressParse : std::uint8_t { ok, name, bad };
/// "10.0.0.0/8", "10/8", "192.0.2.0/255.255.255.0", "2001:db8::/32". Bits outside the mask are
/// cleared. `name` when the address is a host's or network's name; `bad` when it can be neither.
AddressParse parse_masked_address(Family family, std::string_view text, MaskedAddress& result);

enum class PortParse : std::uint8_t { ok, name, bad };
/// "80", "http", "0x50", "1024:", ":1023", "1:5". A reversed range ("5:1") is returned
/// as it stands: tcp and multiport refuse it, udp and dccp load it and it matches nothing
/// (measured). `name` when a service's name is not known.
PortParse parse_ports(std::string_view text, PortRange& result);

/// "0x1/0xff" or "1": value and mask (all ones when left out).
bool parse_mark(std::string_view text, std::uint32_t& value, std::uint32_t& mask);

/// Whether the text is a beginning of the word, in any case: how iptables compares many names
/// (measured). An empty text is none.
bool begins_word(std::string_view word, std::string_view text);

/// The states of a list such as "RELATED,ESTABLISHED", in any case, each as short as one likes;
/// nothing when a word is none.
std::optional<StateSet> parse_states(std::string_view text);

/// "SYN,ACK", "ALL", "NONE".
std::optional<std::uint8_t> parse_tcp_flags(std::string_view text);

/// The next piece of a comma list; false when there is none left. An empty list has no piece.
bool next_piece(std::string_view& list, std::string_view& piece);

}  // namespace untrack::model
