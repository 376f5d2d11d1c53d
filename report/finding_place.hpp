// SPDX-License-Identifier: GPL-2.0-or-later
// Where a finding stands, as programs that show reports count: in characters, not bytes.
#pragma once

#include <string_view>

#include "report/lint_report.hpp"

namespace untrack::report {

/// A range of one file. Lines and columns count from 1; the end is the column behind the last
/// character. A byte that is no UTF-8 counts as the U+FFFD that a reader makes of it.
struct FilePlace {
    std::string_view path;
    LineColumn begin;
    LineColumn end;
};
FilePlace place_of(const LintedFile& file, TextRange range);

/// The text of the line that the range begins in, without its line end.
std::string_view line_of(const LintedFile& file, TextRange range);

}  // namespace untrack::report
