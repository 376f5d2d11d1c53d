// SPDX-License-Identifier: GPL-2.0-or-later
// What lint says of a text, for tests.
#pragma once

#include <string>
#include <vector>

#include "analyzer/driver.hpp"
#include "base/line_index.hpp"
#include "tests/unit/ruleset_text.hpp"

namespace untrack::test {

/// "CODE:LINE" of every finding of the rules that begin with the prefixes.
inline std::string lint(std::string_view text, const std::vector<std::string>& select,
                        model::Family family = model::Family::ip) {
    Loaded l(text, family);
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    analyzer::Findings findings =
        analyzer::lint(file, analyzer::Selection::make(select, {}).value());
    LineIndex lines(l.file.text());
    std::string out;
    for (const analyzer::Finding& f : findings.list)
        out += std::string(analyzer::rules()[f.code].code) + ":" +
               std::to_string(lines.place(f.range.begin).line) + " ";
    return out;
}

}  // namespace untrack::test
