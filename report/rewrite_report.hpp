// SPDX-License-Identifier: GPL-2.0-or-later
// What became of each file of a rewrite, for people (on stderr) and programs.
#pragma once

#include <string>
#include <vector>

#include "base/line_index.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::report {

struct RewrittenFile {
    std::string path;
    rewriter::Outcome outcome;
    const LineIndex* lines;
    std::string failure;  ///< the file could not be read or written: why
};

/// Reasons and residue, a line each.
std::string rewrite_text(const RewrittenFile& file);
/// The one JSON object of the contract, with a line end.
std::string rewrite_json(const std::vector<RewrittenFile>& files);

}  // namespace untrack::report
