// SPDX-License-Identifier: GPL-2.0-or-later
// The same finding in a later version of a file is told by its fingerprint: baselines and the
// programs that show reports know by it what they have seen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "analyzer/finding.hpp"
#include "model/ruleset_text.hpp"

namespace untrack::analyzer {

/// Sixteen hexadecimal digits, as reports and baselines write it.
std::string fingerprint_text(std::uint64_t fingerprint);
/// Of a text by itself, a path for instance.
std::uint64_t fingerprint_of(std::string_view text);

/// Numbers the findings of one file. A fingerprint is made of the lint rule's code, the table, the
/// chain and the rule's text without counters and comments that the language sets apart, or of the
/// line where there is no rule. It does not depend on the path, on other lines, or on what the
/// message says; equal ones are told apart by how many came before. The same on every host and in
/// every release. Costs about as much as printing the finding: only who wants it asks.
class Fingerprints {
  public:
    /// The text must outlive it.
    explicit Fingerprints(const model::RulesetText& text) : text_(text) {}

    /// Of the file's next finding, each being asked for once and in order; `ruleset` is that of its
    /// view.
    std::uint64_t next(const Finding& finding, const model::Ruleset& ruleset);

  private:
    [[nodiscard]] std::uint64_t place(const Finding& finding, const model::Ruleset& ruleset);

    const model::RulesetText& text_;
    std::unordered_map<std::uint64_t, std::uint32_t> seen_;
    // Findings of one rule stand together: what the last one was about.
    const model::Ruleset* last_ruleset_ = nullptr;
    model::RuleId last_rule_;
    std::uint64_t last_place_ = 0;
};

}  // namespace untrack::analyzer
