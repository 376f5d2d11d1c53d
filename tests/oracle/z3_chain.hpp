// SPDX-License-Identifier: GPL-2.0-or-later
// What a base chain accepts as a formula for z3, written apart from packet/: a judge of the packet
// sets, and what they are timed beside.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <z3++.h>

#include "model/ruleset.hpp"

namespace untrack::oracle {

/// The packets of IPv4, each field a bit vector. Interfaces are numbers of names; what the fields
/// do not settle is a constant by its text.
class Z3Packets {
  public:
    explicit Z3Packets(z3::context& context);

    /// Tells the names of interfaces apart: of all rulesets, before any formula is made.
    void name_interfaces(const model::Ruleset& ruleset);
    /// Packets that the base chain lets pass. Throws std::runtime_error for what it cannot say.
    z3::expr accepted(const model::Ruleset& ruleset, model::ChainId chain);

    z3::context& context;
    z3::expr state, fragment, protocol, flags, source_port, destination_port, source, destination;
    z3::expr in_interface;
    /// The number of a name; of a prefix, that of all other names that begin with it ("tun+").
    std::map<std::string, unsigned> interfaces;
    std::map<std::string, z3::expr> predicates;

  private:
    /// Accepted and dropped; the rest goes on behind the chain.
    using Verdicts = std::pair<z3::expr, z3::expr>;
    using Chains = std::map<std::uint32_t, Verdicts>;
    Verdicts chain(const model::Ruleset& r, model::ChainId id, Chains& known);
    z3::expr condition(const model::Ruleset& r, model::RuleId id);
    z3::expr match(const model::Ruleset& r, const model::Match& m);
    z3::expr ports(const model::Ruleset& r, const model::Match& m, const z3::expr& field);
    z3::expr states(model::StateSet set);
    z3::expr interface(const std::string& name, bool wildcard);
    z3::expr predicate(const std::string& text);
};

}  // namespace untrack::oracle
