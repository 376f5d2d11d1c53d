// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/coverage_text.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut309(const FileContext& file, Reporter& report) {
    for (const packet::BrokenFlow& flow : file.coverage().broken_flows) {
        const model::Rule& accept = file.ruleset.rule(flow.accept);
        Finding& finding = report.add_text(
            file.range(accept),
            fmt::format(
                "{} {} packets of established connections before this rule can accept them: "
                "{} is let through to open one, and then {} is not. Move this rule above it",
                place(file, flow.refusal, accept.chain), deed(file, flow.refusal),
                packet::to_words(flow.first), packet::to_words(flow.later)),
            flow.accept);
        report.details(finding).witness = flow.later;
    }
}

}  // namespace untrack::analyzer
