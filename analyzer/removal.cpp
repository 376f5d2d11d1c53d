// SPDX-License-Identifier: GPL-2.0-or-later
// Whether lines may go: shown by packet sets, with effects, on the whole ruleset.
#include <algorithm>

#include "analyzer/coverage_text.hpp"

namespace untrack::analyzer {

using model::RuleId;

namespace {

constexpr std::size_t most_words = std::size_t{100} << 20U;

bool goes(const packet::IdleRule& idle) {
    return idle.why == packet::Idleness::repeated || idle.why == packet::Idleness::followed;
}

/// The rules that UT302 and UT308 would remove.
std::vector<RuleId> removable(const FileContext& file) {
    std::vector<RuleId> out;
    for (const packet::IdleRule& idle : file.coverage().idle)
        if (goes(idle)) out.push_back(idle.rule);
    return out;
}

}  // namespace

bool same_without(const FileContext& file, const std::vector<RuleId>& rules) {
    std::vector<TextEdit> edits;
    edits.reserve(rules.size());
    for (RuleId id : rules) edits.push_back({file.text.removal_range(file.ruleset.rule(id)), ""});
    sort_edits(edits);
    std::string text = apply_edits(file.ruleset.text, edits);
    const model::Ruleset& before = file.with_texts();
    model::Ruleset after = file.text.reread(text);
    const model::Ruleset* both[] = {&before, &after};
    try {
        packet::PacketSpace space(before.family, both, packet::FieldOrder::small_first, most_words);
        packet::Outcomes outcomes;
        packet::EvaluateOptions options;
        options.effects = true;
        packet::Evaluator old_one(space, outcomes, {both, 1}, options);
        packet::Evaluator new_one(space, outcomes, {both + 1, 1}, options);
        packet::DiagramPool& pool = space.pool();
        for (packet::Way way : packet::all_ways) {
            packet::Diagram there = pool.inside(space.possible(), space.on_way(way));
            if (!(pool.inside(there, old_one.way(way)) == pool.inside(there, new_one.way(way))))
                return false;
        }
        return old_one.tracks() == new_one.tracks();
    } catch (const packet::PoolExhausted&) {
        return false;
    }
}

Fix removal(const FileContext& file, RuleId rule, bool safe) {
    Fix fix{"remove the rule", safe ? Applicability::safe : Applicability::unsafe, {}};
    fix.edits.push_back({file.text.removal_range(file.ruleset.rule(rule)), ""});
    return fix;
}

Fix removal(const FileContext& file, RuleId rule) {
    const auto& idle = file.coverage().idle;
    auto it = std::lower_bound(
        idle.begin(), idle.end(), rule,
        [](const packet::IdleRule& a, RuleId b) { return a.rule.value < b.value; });
    bool safe = it != idle.end() && it->rule == rule && goes(*it) && file.removal_is_safe();
    return removal(file, rule, safe);
}

bool FileContext::removal_is_safe() const {
    return removal_is_safe_.get([&] { return same_without(*this, removable(*this)); });
}

}  // namespace untrack::analyzer
