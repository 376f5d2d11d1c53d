// SPDX-License-Identifier: GPL-2.0-or-later
// --baseline and --write-baseline: which findings are known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/selection.hpp"
#include "cli/common.hpp"
#include "report/baseline.hpp"
#include "report/lint_report.hpp"

namespace untrack::cli {

class KnownFindings {
  public:
    /// --baseline, --write-baseline.
    void add_options(CLI::App& app);
    /// Throws Fatal when the baseline cannot be read, or would replace one of the inputs.
    void read(const std::vector<std::string>& inputs);
    /// Moves the findings of a file that are known to Findings::known. When a baseline is to be
    /// written, all are. Returns what a reader may want to know: entries that nothing was found
    /// for.
    std::string filter(const report::LintedFile& file, analyzer::Findings& findings,
                       const analyzer::Selection& selection);
    /// Throws Fatal when it cannot be written. `complete`: every file was read.
    void write(bool complete) const;

  private:
    [[nodiscard]] std::string name(std::string_view path) const;

    std::string from_;
    std::string to_;
    std::optional<report::Baseline> known_;
};

}  // namespace untrack::cli
