// SPDX-License-Identifier: GPL-2.0-or-later
// Which lint rules run, and how seriously what they find is taken.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "analyzer/rule.hpp"

namespace untrack::analyzer {

/// The lint rules that a word means: a code, a name, or a prefix of codes ("UT1"); none when it is
/// none of them.
std::vector<RuleIndex> rules_called(std::string_view word);
/// For a word that means no lint rule: the nearest one as a question ("did you mean UT203 (...)?"),
/// or where to find the list.
std::string nearest_rule(const std::string& word);

/// Which lint rules run, by their place in the registry.
class Selection {
  public:
    /// `select` and `ignore` hold codes, names, or prefixes of codes ("UT1"); an empty `select` is
    /// all. The error names the word that is none of them.
    static tl::expected<Selection, std::string> make(const std::vector<std::string>& select,
                                                     const std::vector<std::string>& ignore);
    [[nodiscard]] bool contains(RuleIndex rule) const { return chosen_[rule]; }

    /// From here on what the word's rules find has this severity.
    void set_severity(std::string_view word, Severity severity);
    /// What the rule's findings have instead of their own severity.
    [[nodiscard]] std::optional<Severity> severity(RuleIndex rule) const {
        return severities_.empty() ? std::nullopt : severities_[rule];
    }
    /// Gives the findings the severities that were set.
    void grade(std::vector<Finding>& findings) const;

  private:
    std::vector<bool> chosen_;
    std::vector<std::optional<Severity>> severities_;  ///< empty when none was set
};

}  // namespace untrack::analyzer
