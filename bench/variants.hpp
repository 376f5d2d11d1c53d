// SPDX-License-Identifier: GPL-2.0-or-later
// Variants of the generator's rulesets, for questions about two rulesets at once: the same rules
// written otherwise, one verdict changed, IPv6 in the place of IPv4, and rules that no engine
// likes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace untrack::bench {

/// The same meaning, of a ruleset of IPv4: neighbours that commute have changed places, networks
/// are split into halves, rules stand there twice.
std::string written_otherwise(std::string_view ruleset, std::uint32_t seed);

/// One verdict of a rule two thirds down is another: what the rule decides is decided otherwise.
std::string one_verdict_changed(std::string_view ruleset);

/// Each IPv4 address as one of IPv6, with prefixes as much longer.
std::string as_ip6(std::string_view ruleset);

/// Rules with a random range of their own for each of source, destination and both ports.
std::string wild_rules(std::size_t rules, std::uint32_t seed);

}  // namespace untrack::bench
