// SPDX-License-Identifier: GPL-2.0-or-later
// Does a conversion keep what it must? The obligations of docs/semantics.md, each decided for all
// packets of all flows of the services, with a packet for each that is broken.
#pragma once

#include <string>
#include <vector>

#include "packet/compare.hpp"
#include "packet/service.hpp"

namespace untrack::packet {

enum class Obligation : std::uint8_t {
    coverage,        ///< every packet of a flow that worked is untracked, in both directions
    nothing_lost,    ///< flows that worked still do
    nothing_opened,  ///< no flow is admitted that was not
    frame,           ///< everything else is decided as before, with the same effects
    nat,             ///< no NAT rule applies to the services
    errors,          ///< ICMP errors about the flows pass where they passed
    per_connection,  ///< what was done once for each connection is not done for each packet
    helpers,         ///< no service needs a conntrack helper
};
inline constexpr Obligation all_obligations[] = {
    Obligation::coverage,       Obligation::nothing_lost, Obligation::nothing_opened,
    Obligation::frame,          Obligation::nat,          Obligation::errors,
    Obligation::per_connection, Obligation::helpers};
std::string_view name(Obligation obligation);

/// An obligation broken, by one packet among others.
struct Violation {
    Obligation obligation = Obligation::coverage;
    std::string code;     ///< the lint rule that names the danger
    std::string message;  ///< what happens to the packet: a sentence without it
    Difference shown;     ///< the packet, and where it is decided before and after; of helpers none
    Step by{};            ///< whose fault it is, where it is not the rule that decides
};

/// What an untracked service leaves open by nature.
struct Residue {
    std::string what;
    Packet witness;
};

/// Why something is not certain.
struct Doubt {
    std::string code;     ///< the lint rule that names what may be; UT903 where nothing is known
    std::string message;  ///< a sentence
    Step by{};            ///< what it hangs on
};

struct Proof {
    Sameness result = Sameness::same;  ///< same: sound; different: some obligation is broken
    std::vector<Violation> violations;
    std::vector<Residue> residue;
    std::vector<Service> working;  ///< ports to which some flow worked before
    std::vector<Doubt> undecided;
};

/// The services' ports to which some flow opens at all; all of them when that is undecided.
std::vector<Service> served(model::Family family, Host host, const Services& services,
                            const CompareOptions& options);

/// Rulesets lowered with target texts, of one family.
Proof prove(model::Family family, Host before, Host after, const Services& services,
            const CompareOptions& options);

}  // namespace untrack::packet
