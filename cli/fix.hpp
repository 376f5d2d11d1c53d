// SPDX-License-Identifier: GPL-2.0-or-later
// lint --fix and --diff: the fixes of one file, applied and written.
#pragma once

#include <string>

#include "cli/checked.hpp"
#include "cli/interruption.hpp"

namespace untrack::cli {

struct FixArguments {
    bool fix = false;     ///< apply the fixes
    bool unsafe = false;  ///< also those that change what the ruleset does
    bool diff = false;    ///< show what would be done, and write nothing

    [[nodiscard]] bool any() const { return fix || diff; }
};

/// What became of a file.
struct FixedFile {
    std::size_t findings = 0;  ///< that were fixed
    std::string text;          ///< for standard output: the fixed text of standard input, or a diff
    std::string messages;      ///< for standard error, in lines
    bool failed = false;       ///< it could not be replaced
};

/// Applies what can be to a file that was checked, which becomes what it is afterwards. A file is
/// replaced while `interruption` is held; with --diff there is none.
FixedFile fix_file(Checked& checked, const FixArguments& arguments, const Checks& checks,
                   const Context& context, std::size_t threads, Interruption* interruption);

}  // namespace untrack::cli
