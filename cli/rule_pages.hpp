// SPDX-License-Identifier: GPL-2.0-or-later
// The pages of docs/rules, which the build puts into the program.
#pragma once

#include <span>
#include <string_view>

namespace untrack::cli {

struct RulePage {
    std::string_view code;  ///< "UT201"
    std::string_view text;  ///< Markdown
};
/// By code. The build writes this function from docs/rules/*.md.
std::span<const RulePage> rule_pages();

}  // namespace untrack::cli
