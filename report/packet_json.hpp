// SPDX-License-Identifier: GPL-2.0-or-later
// The PACKET object of the command-line contract, read and written.
#pragma once

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
/// Reads one object. The error names the key and what was expected.
tl::expected<packet::Packet, std::string> packet_from_json(std::string_view text);

}  // namespace untrack::report
