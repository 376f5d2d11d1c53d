// SPDX-License-Identifier: GPL-2.0-or-later
// What a NAT rule writes into packets: the arguments of DNAT, SNAT, REDIRECT, MASQUERADE and
// NETMAP.
#pragma once

#include <optional>

#include "model/ruleset.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

/// New addresses and ports; of which side the target says.
struct Translation {
    /// None: this host's own (REDIRECT, MASQUERADE), or the packet's (DNAT with a port alone).
    std::optional<AddressRange> addresses;
    /// NETMAP: the network's bits are written, the host's are kept.
    std::optional<MaskedAddress> network;
    /// None: the packet's port, which a source keeps where no other flow has it.
    std::optional<PortRange> ports;
    /// False when an argument could not be read: then any address and port may come.
    bool known = true;

    /// Whether a packet may get one of these ports, or keep it.
    [[nodiscard]] bool may_give(std::span<const PortRange> asked) const;
};

/// Of a rule of the tree's file that has a NAT target.
Translation translation(const parser::iptables::SyntaxTree& tree, Family family, const Rule& rule);

}  // namespace untrack::model
