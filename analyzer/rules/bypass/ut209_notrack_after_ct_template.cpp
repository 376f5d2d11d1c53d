// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/related.hpp"
#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {

void ut209(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto notrack = path_to(file, id);
        if (!notrack) continue;
        for (model::RuleId first_id : file.rules.ct_templates) {
            auto first = path_to(file, first_id);
            if (!first ||
                file.ruleset.chain(first->base).hook != file.ruleset.chain(notrack->base).hook)
                continue;
            packet::Path way = paths_through(file.ruleset.chain(notrack->base).hook).front();
            auto p = packet_for(file, way, {&*notrack, &*first});
            if (!p) continue;
            packet::Trace trace = file.treatment_tracer().trace(*p, true);
            bool both = trace.untracked == packet::Truth::no &&
                        std::any_of(trace.steps.begin(), trace.steps.end(),
                                    [&](const packet::Step& s) { return s.rule == id; });
            if (!both) continue;
            const model::Rule& first_rule = file.ruleset.rule(first_id);
            std::size_t line = file.line_number(first_rule);
            Finding& finding = report.add_text(
                file.target_range(rule),
                file.ruleset.language == model::Language::nft
                    ? fmt::format("line {} gives these packets a zone, which wins over notrack "
                                  "before and behind it: they stay tracked; take their packets out "
                                  "of that rule",
                                  line)
                    : fmt::format("the CT rule in line {} matches these packets first, and the "
                                  "first CT target wins: they stay tracked; put this rule before "
                                  "it, or take their packets out of that one",
                                  line),
                id);
            relate(report.details(finding), file, first_id, "matches the packets, too");
            report.details(finding).witness = *p;
            break;
        }
    }
}

}  // namespace untrack::analyzer
