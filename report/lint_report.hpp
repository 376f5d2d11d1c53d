// SPDX-License-Identifier: GPL-2.0-or-later
// Findings as people and programs read them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "analyzer/context.hpp"
#include "model/conntrack_facts.hpp"
#include "model/ruleset_text.hpp"

namespace untrack::report {

/// The summary of connection tracking names so many lines.
inline constexpr std::size_t most_lines_named = 10;

/// One linted file, as the reports see it.
struct LintedFile {
    /// The file as the packets of one family meet it.
    struct View {
        const model::Ruleset* ruleset;
        std::vector<model::ConntrackUse> uses;
        std::vector<model::TextPlace> places;  ///< of the uses; for text the first few do
    };
    std::string_view path;
    const model::RulesetText* text;
    const analyzer::Findings* findings;
    std::size_t syntax_errors;
    std::vector<View> views;

    [[nodiscard]] const model::Ruleset& ruleset_of(const analyzer::Finding& finding) const {
        return *views[finding.view].ruleset;
    }
};

/// A finding with its place, an excerpt and a caret, appended to `out`.
void append_finding(std::string& out, const LintedFile& file, const analyzer::Finding& finding,
                    bool color);
/// How many findings there are, and how many were suppressed or known.
std::string lint_summary(const std::vector<LintedFile>& files);
/// One sentence per family: whether conntrack is needed, and by which lines.
std::string conntrack_summary(const std::vector<LintedFile>& files);
/// Takes the pieces of a report in order.
using Sink = std::function<void(std::string_view)>;
/// The one JSON object of the contract, a line for each file, finding and use of conntrack.
void lint_json(const std::vector<LintedFile>& files, const Sink& sink);

}  // namespace untrack::report
