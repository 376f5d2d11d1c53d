// SPDX-License-Identifier: GPL-2.0-or-later
// What makes the kernel track connections: one table, measured on Linux 6.18 (docs/semantics.md),
// with the older kernels beside it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/ruleset.hpp"

namespace untrack::model {

/// How the kernel decides to track. `modern` (Linux 4.9 and later): a loaded rule that needs it
/// registers the hooks of its family. Older ones also track because a nat table or the module is
/// there.
enum class KernelProfile : std::uint8_t { modern, rhel7_3_10, rhel6_2_6 };

/// Why something needs connection tracking.
enum class ConntrackNeed : std::uint8_t {
    none,
    state_match,  ///< -m state, -m conntrack (UT101)
    key_match,    ///< connmark, connbytes, connlabel, connlimit, helper, cluster (UT102)
    nat,          ///< a NAT target (UT103)
    target,       ///< CONNMARK, CONNSECMARK, SYNPROXY, CT with more than --notrack (UT104)
};

ConntrackNeed conntrack_need(const Match& match);
ConntrackNeed conntrack_need(TargetKind target);
/// The rule's first match on a key of the connection's entry (key_match), which untracked packets
/// have not; nullptr when there is none.
const Match* entry_key(const Ruleset& ruleset, const Rule& rule);

/// A reason in a ruleset: a rule, an object of nftables that is declared, or (old kernels) a nat
/// table as such.
struct ConntrackUse {
    RuleId rule;  ///< none for a table, and for what needs tracking by being declared
    TableId table;
    ConntrackNeed need = ConntrackNeed::none;
    TextRange declared{};  ///< where there is no rule
};

/// Every use of the ruleset, in file order; a rule that needs tracking for several reasons comes
/// once, with the first, and so does one that is several of the model. Rules in chains that nothing
/// reaches count (measured); rules that the file itself removes again do not.
std::vector<ConntrackUse> conntrack_uses(const Ruleset& ruleset, KernelProfile profile);
/// Whether there is any: the same question, answered at the first hit.
bool needs_conntrack(const Ruleset& ruleset, KernelProfile profile);

/// What a kernel profile is called on the command line: modern, 3.10, 2.6.
std::string_view name(KernelProfile profile);

}  // namespace untrack::model
