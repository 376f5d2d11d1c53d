// SPDX-License-Identifier: GPL-2.0-or-later
// What became of each file of a rewrite, for people (on stderr) and programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rewriter/rewrite.hpp"

namespace untrack::report {

struct RewrittenFile {
    std::string path;
    rewriter::Outcome outcome;
    std::string failure;  ///< the file could not be read or written: why
};

/// Reasons and, when wanted, residue, a line each.
std::string rewrite_text(const RewrittenFile& file, bool residue, bool color);
/// The diff with the colours of a terminal.
std::string colored_diff(std::string_view diff);
/// The one JSON object of the contract, with a line end.
std::string rewrite_json(const std::vector<RewrittenFile>& files);

}  // namespace untrack::report
