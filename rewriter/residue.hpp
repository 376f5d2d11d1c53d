// SPDX-License-Identifier: GPL-2.0-or-later
// What a conversion leaves open or changes by nature: named, never hidden.
#pragma once

#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

/// `counts_again`: a limit has got a copy for SYNs. `error_from_anyone`: an ICMP error about no
/// flow at all that used to be dropped, and now passes.
std::vector<Reason> residue(const Request& request, model::Family family, bool counts_again,
                            const std::optional<packet::Packet>& error_from_anyone);

}  // namespace untrack::rewriter
