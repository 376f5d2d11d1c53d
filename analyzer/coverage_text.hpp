// SPDX-License-Identifier: GPL-2.0-or-later
// What the findings about idle rules have in common: their words.
#pragma once

#include <string>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

/// "line 12 (-A INPUT -j DROP)"; "the policy of INPUT" for no rule.
std::string place(const FileContext& file, model::RuleId rule, model::ChainId chain);
/// "lines 3, 5, 7 and 4 more".
std::string lines(const FileContext& file, const std::vector<model::RuleId>& rules);
/// "line 3 (...) takes", "lines 3 and 5 take": the subject of a sentence about what comes first.
std::string takers(const FileContext& file, const packet::IdleRule& idle);
/// "drops", "lets CHAIN decide about": what a rule does with packets.
std::string deed(const FileContext& file, model::RuleId rule);

/// The rule of the same chain before this one that is written just like it; none when there is
/// none.
class Twins {
  public:
    explicit Twins(const FileContext& file);
    [[nodiscard]] model::RuleId of(model::RuleId rule) const { return first_[rule.value]; }

  private:
    std::vector<model::RuleId> first_;
};

/// A second jump, mark or log just like the first, with nothing between that changes what it reads:
/// it does nothing new, except that it logs or counts again.
bool repeats(const FileContext& file, model::RuleId first, model::RuleId second);

}  // namespace untrack::analyzer
