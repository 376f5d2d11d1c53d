// SPDX-License-Identifier: GPL-2.0-or-later
// Who loads which rules of a host. iptables-legacy, iptables-nft and nft each see their own alone;
// packets meet them all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/ruleset_text.hpp"

namespace untrack::analyzer {

enum class BackEnd : std::uint8_t {
    iptables,  ///< iptables-nft, or iptables of no known back end
    legacy,    ///< iptables-legacy, known to be loaded beside iptables-nft
    nft,
};
/// "iptables", "iptables-legacy", "nftables".
std::string_view name(BackEnd back_end);

/// Whether a table of nftables text is one of those that iptables-nft makes: "ip filter" with
/// chains such as INPUT at their hooks.
bool is_of_iptables(const model::Ruleset& ruleset, model::TableId table);
/// The comment of an iptables file by which iptables-nft-save says that iptables-legacy has tables,
/// too.
std::optional<TextRange> legacy_warning(const model::RulesetText& text);
/// Whether iptables-nft-save says in an iptables file that it wrote it.
bool is_saved_by_iptables_nft(const model::RulesetText& text);

/// Whether two rulesets may be loaded on one host: no table of the same language and family is in
/// both, except in a file of each back end of iptables; and `later`, which is loaded after the
/// other, does not flush it.
bool may_be_one_host(const model::RulesetText& earlier, const model::RulesetText& later);

}  // namespace untrack::analyzer
