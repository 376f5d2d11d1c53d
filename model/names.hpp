// SPDX-License-Identifier: GPL-2.0-or-later
// Names that rules use for numbers. They are built in, so that the same file means the same on
// every host.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/ruleset.hpp"

namespace untrack::model {

/// "tcp", "TCP", "6"; "all", "ip" and "0" are 0, which iptables takes for any protocol.
std::optional<std::uint8_t> protocol_number(std::string_view name);
/// The usual name; empty when there is none.
std::string_view protocol_name(std::uint8_t number);

/// The port of a service's name; none for names that are not built in.
std::optional<std::uint16_t> service_port(std::string_view name);

struct IcmpType {
    std::uint8_t type = 0;
    std::uint8_t code_first = 0;
    std::uint8_t code_last = 0xff;
    bool any = false;
};
/// "echo-request", "network-unreachable", an unambiguous prefix of a name as iptables takes it,
/// "8", "3/4", "any" (IPv4).
std::optional<IcmpType> icmp_type(Family family, std::string_view text);

}  // namespace untrack::model
