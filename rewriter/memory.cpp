// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/memory.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace untrack::rewriter {

using model::Match;
using model::MatchKind;
using model::TargetKind;

bool remembers_who(const model::Ruleset& r, const model::Rule& rule) {
    auto matches = r.matches_of(rule);
    return std::any_of(matches.begin(), matches.end(), [&](const Match& m) {
        if (m.kind != MatchKind::opaque ||
            m.payload.opaque.nature != model::OpaqueNature::occurrence)
            return false;
        std::string_view text = r.string(m.payload.opaque.text);
        return !text.starts_with("limit ") && !text.starts_with("hashlimit ");
    });
}

bool refuses_strangers(const model::Ruleset& r, const model::Rule& rule) {
    if (rule.target != TargetKind::drop && rule.target != TargetKind::reject && !rule.jump.valid())
        return false;
    auto matches = r.matches_of(rule);
    return std::any_of(matches.begin(), matches.end(), [&](const Match& m) {
        if (m.kind != MatchKind::opaque) return false;
        std::string_view text = r.string(m.payload.opaque.text);
        return text.starts_with("recent ") &&
               (m.negated || text.find("! --") != std::string_view::npos);
    });
}

bool may_accept(const model::Ruleset& r, const model::Chain& chain) {
    std::set<const model::Chain*> seen;
    std::vector<const model::Chain*> todo{&chain};
    while (!todo.empty()) {
        const model::Chain* next = todo.back();
        todo.pop_back();
        if (!seen.insert(next).second) continue;
        for (model::RuleId id : r.rules_of(*next)) {
            const model::Rule& rule = r.rule(id);
            switch (rule.target) {
                case TargetKind::drop:
                case TargetKind::reject:
                case TargetKind::log:
                case TargetKind::none:
                case TargetKind::mark:
                case TargetKind::side_effect:
                case TargetKind::return_:
                    break;
                case TargetKind::jump:
                case TargetKind::goto_:
                    todo.push_back(&r.chain(rule.jump));
                    break;
                default:
                    return true;
            }
        }
    }
    return false;
}

}  // namespace untrack::rewriter
