// SPDX-License-Identifier: GPL-2.0-or-later
// Which rules of a long chain a packet may match at all. Blocklists, NAT chains and raw tables have
// thousands of rules that ask for one address or port each; a packet has to meet only its own.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "packet/packet.hpp"

namespace untrack::packet {

/// The rules of one chain by one exact thing that each asks for. It refers to the ruleset only
/// while it is made.
class ChainIndex {
  public:
    /// Chains with fewer rules are walked faster than looked up.
    static constexpr std::uint32_t worth_it = 24;

    ChainIndex(const model::Ruleset& ruleset, const model::Chain& chain);

    /// The rules that a packet may match, in order: every rule left out asks for another address or
    /// port.
    class Candidates {
      public:
        Candidates(const ChainIndex& index, const Packet& packet);
        /// The place in the chain (from 0) of the next one; false when there is none.
        bool next(std::uint32_t& position);

      private:
        std::array<std::span<const std::uint32_t>, 9> lists_;  ///< the first `count_` are in use
        std::size_t count_ = 0;
    };

  private:
    [[nodiscard]] std::span<const std::uint32_t> bucket(std::uint32_t hash) const;

    std::vector<std::uint32_t> starts_;     ///< of each bucket in `positions_`, and the end
    std::vector<std::uint32_t> positions_;  ///< by bucket, ascending in each
    std::vector<std::uint32_t> others_;     ///< rules that ask for nothing exact
};

}  // namespace untrack::packet
