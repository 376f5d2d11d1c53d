// SPDX-License-Identifier: GPL-2.0-or-later
// Large rulesets that look like real ones, for measurements: the same profile, size and seed give
// the same bytes everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace untrack::bench {

/// What kind of host the ruleset is of.
enum class Profile : std::uint8_t {
    server,     ///< raw, mangle, nat and filter tables by hand, a chain for each service
    kube,       ///< what kube-proxy writes: chains of three rules in nat, by the ten thousand
    blocklist,  ///< addresses to drop, one rule each
};
std::optional<Profile> profile_named(std::string_view name);

/// A file as iptables-save writes it, with `rules` rules (kube: a few more, it finishes its last
/// service). Every profile has about twenty rules at least.
std::string generate(Profile profile, std::size_t rules, std::uint32_t seed);

}  // namespace untrack::bench
