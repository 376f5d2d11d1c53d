// SPDX-License-Identifier: GPL-2.0-or-later
// Which rules may speak of packets that another rule speaks of, by port: so that thousands of NAT
// rules or accepts are not tried against thousands of NOTRACK rules.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "analyzer/witness.hpp"

namespace untrack::analyzer {

/// Ways to rules, by the ports that they ask for.
class PortIndex {
  public:
    /// For questions about these ways; others are not kept.
    PortIndex(const model::Ruleset& ruleset, std::span<const RulePath> asked);

    void add(RulePath path);
    /// Whether anybody asks for ways that begin with this one.
    [[nodiscard]] bool asked(const RulePath& path) const;
    /// Calls `enough` with those that ask for a port of this one, or for none, or either for too
    /// many to tell, in the order in which they were added, until it returns true.
    void beside(const RulePath& path, const std::function<bool(const RulePath&)>& enough) const;

  private:
    using Ports = model::FewPorts;
    /// The few ports that packets of that way can have; empty: too many to name.
    [[nodiscard]] Ports ports_of(const RulePath& path, model::MatchKind kind) const;

    struct Side {
        std::unordered_map<std::uint16_t, std::vector<std::uint32_t>>
            by_port;  ///< asked ports only
        std::vector<std::uint32_t> any;
    };
    static bool asked(const Side& side, const Ports& ports);
    void add_to(Side& side, const Ports& ports) const;

    const model::Ruleset& ruleset_;
    std::vector<RulePath> paths_;
    Side destination_;
    Side source_;
    bool all_asked_ = false;  ///< by a way that names no port
};

}  // namespace untrack::analyzer
