// SPDX-License-Identifier: GPL-2.0-or-later
// Fixes that remove a rule's line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

/// Whether the ruleset is the same, by packet sets and with its effects, without all these rules;
/// false where that is not decided within the limits.
bool same_without(const FileContext& file, const std::vector<model::RuleId>& rules);

/// The removals of one file: what no line may be taken out for, found once.
class Removals {
  public:
    explicit Removals(const FileContext& file);

    /// The fix that removes the rule, with the comments before its line that suppress findings of
    /// it (they would be about the next rule). Safe when the ruleset without all the lines that
    /// UT302 and UT308 would remove is, by packet sets and with its effects, the same. None where a
    /// later command names rules of the chain by their place, or by what is in them.
    [[nodiscard]] std::optional<Fix> of(model::RuleId rule) const;
    /// The same where it is known whether it is safe.
    [[nodiscard]] std::optional<Fix> of(model::RuleId rule, bool safe) const;

  private:
    [[nodiscard]] bool is_named_later(const model::Rule& rule) const;
    [[nodiscard]] TextRange range(const model::Rule& rule) const;

    const FileContext& file_;
    bool none_ = false;  ///< chains are renamed, or rules named by place, in nftables text
    /// By table and chain of an iptables file: the last line that names a rule that is there.
    std::map<std::pair<std::string, std::string>, std::uint32_t> last_naming_;
};

}  // namespace untrack::analyzer
