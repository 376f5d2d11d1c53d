// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower_nft(): base chains that not all packets of a host meet. Those at ingress and
// egress see what their devices receive and send, those of a bridge table what goes through a
// bridge's ports. Which packets that are, rules in front of the chain's own say; such a rule is
// Rule::implied.
//
// Below the interface that a packet is for, another device may have had it: a port of the bridge,
// the device that carries a VLAN. No ruleset tells; it is a predicate of the packet.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/nft_rules.hpp"
#include "model/nft_tables.hpp"

namespace untrack::model {

/// The names of a "device eth0" or "devices = { eth0, eth1 }"; nothing when they cannot be read.
std::optional<std::vector<NftDevice>> nft_devices(const NftScope& scope, const nft::Node& node);

/// Where the rules come to stand.
struct NftEntering {
    Ruleset& ruleset;
    const NftScope& scope;
    std::vector<NftRules::Placed>& placed;
    bool target_texts;
    const NftTable& table;
    std::span<const NftChain> chains;  ///< of all tables, by ChainId
};
/// Says in front of the rules of a base chain at ingress or egress whose packets they are.
void enter_by_device(const NftEntering& to, ChainId chain);

}  // namespace untrack::model
