// SPDX-License-Identifier: GPL-2.0-or-later
// Nothing is written that is not proven: a candidate passes when all obligations of a conversion
// are kept for every packet, or is told what it lacks.
#pragma once

#include "model/ruleset_text.hpp"
#include "packet/flows.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

struct Verdict {
    std::vector<Reason> reasons;  ///< why it does not pass; empty: proven
    bool all_work = false;        ///< every port of the services had a flow that worked
    std::vector<Reason> residue;  ///< what stays open by nature, with a packet each
    // What a larger edit may mend.
    bool loopback_lost = false;      ///< flows over lo
    bool opened = false;             ///< ports of one service are admitted from different places
    bool later_met_more = false;     ///< packets after the first meet logs, limits or drops
    bool errors_lost_input = false;  ///< ICMP errors that passed as RELATED
    bool errors_lost_output = false;
    bool errors_lost_forward = false;
};

/// `before` is lowered with target texts, from the text. `served` are the ports of the services to
/// which a flow opens in this family; without services nothing may change.
Verdict judge(const model::RulesetText& text, const model::Ruleset& before,
              const model::Ruleset& after, const Request& request,
              const std::vector<Service>& served);

}  // namespace untrack::rewriter
