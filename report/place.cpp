// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/place.hpp"

namespace untrack::report {

using model::TextPlace;
using packet::Step;

Place place_of(const Step& step, RulesetTexts texts) {
    Place place;
    for (const model::RulesetText* text : texts) {
        if (&text->ruleset != step.ruleset) continue;
        place.path = step.ruleset->path;
        TextRange range = step.rule.valid() ? text->range(step.ruleset->rule(step.rule))
                                            : step.ruleset->chain(step.chain).declared;
        if (!step.rule.valid() && range.empty()) continue;
        TextPlace where = text->place(range.begin);
        place.path = where.path;
        place.line = where.at.line;
        place.rule = text->at(range);
    }
    return place;
}

}  // namespace untrack::report
