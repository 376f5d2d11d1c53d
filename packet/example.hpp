// SPDX-License-Identifier: GPL-2.0-or-later
// Concrete packets for rules: the smallest friendly packet that satisfies given matches. The lint
// rules' witnesses are made of them.
#pragma once

#include <optional>
#include <span>

#include "packet/packet.hpp"

namespace untrack::packet {

/// Matches of one ruleset to be satisfied together.
struct Condition {
    const model::Ruleset* ruleset;
    std::span<const model::Match> matches;
};

/// A packet on `path` for which every match of every condition holds, as far as a packet tells
/// (opaque matches and state tests are taken to hold). Documentation addresses, ports above 1024
/// and the names eth0/eth1 where nothing else is asked for. None when they contradict each other.
std::optional<Packet> example(model::Family family, Path path,
                              std::span<const Condition> conditions);

}  // namespace untrack::packet
