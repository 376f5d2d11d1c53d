// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

void ut903(const FileContext& file, Reporter& report) {
    // Only what a rule has asked for can be left undecided.
    const packet::Coverage* coverage = file.coverage_if_made();
    if (coverage == nullptr || coverage->undecided.empty()) return;
    constexpr std::size_t most_names = 8;
    std::string names;
    for (std::size_t i = 0; i < coverage->undecided.size() && i < most_names; ++i)
        names += fmt::format("{}{}", i == 0 ? "" : ", ",
                             file.ruleset.chain(coverage->undecided[i]).name);
    if (coverage->undecided.size() > most_names)
        names += fmt::format(" and {} more", coverage->undecided.size() - most_names);
    const model::Chain& first = file.ruleset.chain(coverage->undecided.front());
    TextRange range = first.declared;
    if (range.empty()) range = file.range(file.ruleset.rule(file.ruleset.rules_of(first).front()));
    report.add_text(range, fmt::format("too complex to decide within the limits: chains {}. UT301, "
                                       "UT302, UT304, UT307 and UT309 say nothing about them",
                                       names));
}

}  // namespace untrack::analyzer
