// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower_nft(): what a rule looks at, and single values of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/ruleset.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::model {

namespace nft = parser::nft;

/// What the model knows of a selector.
enum class NftField : std::uint8_t {
    source,
    destination,
    source_port,
    destination_port,
    protocol,
    in_interface,
    out_interface,
    mark,
    tcp_flags,
    icmp_type,
    state,
    source_type,
    destination_type,
    family,  ///< meta nfproto, meta protocol, ether type: settled by the family that is looked at
    other,   ///< opaque
};

struct NftSelector {
    static constexpr std::uint8_t any_protocol = 255;

    NftField field = NftField::other;
    std::uint8_t protocol = 0;  ///< packets of others do not match; any_protocol: th
    /// Packets of the other family do not match.
    std::optional<Family> family;
    /// fib daddr . iif type
    bool by_in_interface = false, by_out_interface = false;
    /// Which of an entry's facts is read, where one is.
    ConntrackKey key = ConntrackKey::none;
    bool random = false;  ///< another answer for every packet
};
NftSelector nft_selector(const nft::Node& selector);

/// One value of a field, or those between two.
struct NftValue {
    std::uint32_t first = 0, last = 0;  ///< numbers: ports, protocols, marks, types, bits
    AddressRange addresses;
    std::string_view name;  ///< interfaces
    bool wildcard = false;  ///< the name is a prefix
};

/// The value of a leaf, a range or a prefix; nothing when it is none of the field's.
std::optional<NftValue> nft_value(const nft::SyntaxTree& tree, const nft::Node& node,
                                  const NftSelector& selector);

std::optional<StateSet> nft_state(std::string_view word);
/// "established" as in nft, bits of TCP flags: "syn".
std::optional<std::uint8_t> nft_tcp_flag(std::string_view word);
std::optional<std::int32_t> nft_priority(std::string_view word);
/// Bridges have other places for the same names (linux/netfilter_bridge.h).
std::optional<std::int32_t> nft_bridge_priority(std::string_view word);
/// Of any family.
std::optional<Hook> nft_hook(std::string_view word);

/// Sorted, without overlaps, neighbours put together.
void merge(std::vector<PortRange>& ranges);
/// The first and last address of a prefix.
AddressRange range_of(Family family, const Address& address, unsigned length);
/// The prefix that is exactly the range; nothing when none is.
std::optional<MaskedAddress> prefix_of(Family family, const AddressRange& range);

}  // namespace untrack::model
