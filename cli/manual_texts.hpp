// SPDX-License-Identifier: GPL-2.0-or-later
// What manual pages say beyond the list of options.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace untrack::cli {

struct ManualText {
    struct Row {
        std::string_view left;  ///< an exit code, or a command line
        std::string_view right;
    };
    std::string_view subcommand;  ///< empty: of the program itself
    std::vector<std::string_view> paragraphs;
    std::vector<Row> exit_codes;
    std::vector<Row> examples;
};

/// One for each subcommand that the manual has more to say of.
std::span<const ManualText> manual_texts();

}  // namespace untrack::cli
