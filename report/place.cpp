// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/place.hpp"

namespace untrack::report {

using packet::Step;

Place place_of(const Step& step, std::span<const RulesetText> texts) {
    Place place;
    for (const RulesetText& t : texts) {
        if (t.ruleset != step.ruleset) continue;
        place.path = t.ruleset->path;
        if (step.rule.valid()) {
            const parser::iptables::Line& line = t.tree->lines[t.ruleset->rule(step.rule).line];
            place.line = t.lines->place(line.begin).line;
            place.rule = t.tree->content(line);
        } else {
            const model::Chain& chain = t.ruleset->chain(step.chain);
            if (!chain.declared.empty()) {
                place.line = t.lines->place(chain.declared.begin).line;
                place.rule = t.tree->text.substr(chain.declared.begin, chain.declared.size());
            }
        }
    }
    return place;
}

}  // namespace untrack::report
