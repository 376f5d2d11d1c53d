// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {
namespace {

/// No packet of this family matches.
bool is_for_others(const model::Ruleset& ruleset, const model::Rule& rule) {
    for (const model::Match& m : ruleset.matches_of(rule))
        if (m.kind == model::MatchKind::comment && m.negated) return true;
    return false;
}

}  // namespace

void ut107(const FileContext& file, const parser::nft::SyntaxTree& /*tree*/, Reporter& report) {
    const model::Ruleset& r = file.ruleset;
    for (const model::ConntrackUse& use : file.rules.uses) {
        // Where something else tracks the family, this rule adds nothing.
        if (!use.rule.valid() || !is_for_others(r, r.rule(use.rule))) return;
    }
    for (const model::ConntrackUse& use : file.rules.uses) {
        // A bridge has no table of a family.
        if (r.table_of(r.rule(use.rule)).other_frames) continue;
        const char* digit = r.family == model::Family::ip ? "4" : "6";
        report.add_text(
            file.range(r.rule(use.rule)),
            fmt::format("no IPv{} packet matches this rule, and still it turns connection tracking "
                        "on for IPv{}, because its table is inet: move it to a table of its family",
                        digit, digit),
            use.rule);
    }
}

}  // namespace untrack::analyzer
