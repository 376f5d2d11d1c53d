// SPDX-License-Identifier: GPL-2.0-or-later
// What `untrack verify` prints: are two rulesets the same, and if not, the packets that show it.
#pragma once

#include <optional>
#include <string>

#include "packet/flows.hpp"
#include "report/place.hpp"

namespace untrack::report {

struct VerifyReport {
    packet::Sameness result = packet::Sameness::same;
    std::vector<packet::Difference> differences;  ///< of a comparison without services
    bool more = false;
    std::optional<packet::Proof> proof;  ///< of a conversion of services
    std::vector<std::string> undecided;
    std::vector<const model::RulesetText*> texts;  ///< of both rulesets
};

std::string verify_text(const VerifyReport& report);
/// The one JSON object of the contract, with a line end.
std::string verify_json(const VerifyReport& report);

}  // namespace untrack::report
