// SPDX-License-Identifier: GPL-2.0-or-later
// The PACKET object of the command-line contract, read and written.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "packet/packet.hpp"

namespace untrack::report {

/// Ordered, so that the same answer has the same bytes and a reader finds keys where the contract
/// lists them.
using Json = nlohmann::ordered_json;

/// Only what is not 0 or empty is written; hook, family and proto always are.
Json packet_json(const packet::Packet& packet);
/// What is wrong with a packet's text, and where.
struct PacketError {
    std::size_t offset = 0;  ///< in bytes, from 0
    std::string message;     ///< names the key and what was expected
};
/// Reads one object. A field that the packet's protocol or path has not is an error, as in words.
tl::expected<packet::Packet, PacketError> packet_from_json(std::string_view text);

}  // namespace untrack::report
