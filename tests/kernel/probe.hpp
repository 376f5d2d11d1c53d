// SPDX-License-Identifier: GPL-2.0-or-later
// Crafted IPv4 packets: sent on one host, seen or not on another.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace untrack::test {

struct Probe {
    std::string source, destination;
    std::uint8_t protocol = 6;  ///< 6, 17, or 1
    std::uint16_t source_port = 0, destination_port = 0;
    bool syn = true;                                       ///< of TCP: else ACK
    std::optional<std::uint8_t> tcp_flags = std::nullopt;  ///< as in the header; instead of `syn`
    /// Of ICMP: 8 is an echo request, 3 an error about a datagram that nobody sent.
    std::uint8_t icmp_type = 8, icmp_code = 0;
};

/// Sends all packets from one namespace and returns the numbers of those that a raw socket in
/// another received: such sockets get what passed INPUT there.
std::set<std::size_t> deliver(const std::string& from, const std::string& to,
                              const std::vector<Probe>& probes);

}  // namespace untrack::test
