// SPDX-License-Identifier: GPL-2.0-or-later
// Thousands of concrete flows through the ruleset before and after: what worked must work, nothing
// else may open, everything outside the services stays as it was. It finds errors; it does not
// prove their absence.
#pragma once

#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

struct RehearsalResult {
    std::vector<Reason> failures;    ///< empty: nothing was found
    bool loopback_lost = false;      ///< what failed are only flows over lo that worked before
    bool errors_lost_input = false;  ///< ICMP errors that passed as RELATED no longer do
    bool errors_lost_output = false;
    bool errors_lost_forward = false;
    /// An ICMP error about no flow at all that used to be dropped, and now passes.
    std::optional<packet::Packet> error_from_anyone;
    std::size_t flows = 0;
};

RehearsalResult rehearse(const model::Ruleset& before, const model::Ruleset& after,
                         const Request& request);

}  // namespace untrack::rewriter
