// SPDX-License-Identifier: GPL-2.0-or-later
// Findings in the formats that other programs define: docs/formats.md says how each one uses them.
// All are UTF-8, whatever bytes the files have.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "report/lint_report.hpp"

namespace untrack::report {

/// The page of a lint rule by its code, in Markdown; empty when there is none.
using RulePages = std::function<std::string_view(std::string_view)>;

/// One log of SARIF 2.1.0 (OASIS) with one run.
/// `complete`: every file could be read.
void lint_sarif(const std::vector<LintedFile>& files, const RulePages& pages, bool complete,
                const Sink& sink);
/// Workflow commands of GitHub Actions, a line each.
void lint_github(const std::vector<LintedFile>& files, const Sink& sink);
/// The array of GitLab's code quality report.
void lint_gitlab(const std::vector<LintedFile>& files, const Sink& sink);
/// JUnit's XML as CI servers read it: a suite for each file, a failure for each finding, and a test
/// that passed for a file without any.
void lint_junit(const std::vector<LintedFile>& files, const Sink& sink);
/// Checkstyle's XML.
void lint_checkstyle(const std::vector<LintedFile>& files, const Sink& sink);

}  // namespace untrack::report
