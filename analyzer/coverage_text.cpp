// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/coverage_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace untrack::analyzer {

using model::RuleId;
using model::TargetKind;

namespace {

constexpr std::size_t longest_rule = 100;
constexpr std::size_t most_lines = 8;

/// What takes packets that no rule of a chain decides.
std::string end_of(const FileContext& file, model::ChainId id) {
    const model::Chain& chain = file.ruleset.chain(id);
    return fmt::format("the {} of {}", chain.base ? "policy" : "end", chain.name);
}

}  // namespace

std::string place(const FileContext& file, RuleId rule, model::ChainId chain) {
    if (!rule.valid()) return end_of(file, chain);
    const model::Rule& r = file.ruleset.rule(rule);
    std::string text(file.text.at(file.range(r)));
    if (text.size() > longest_rule) text = text.substr(0, longest_rule) + "...";
    return fmt::format("line {} ({})", file.line_number(r), text);
}

std::string lines(const FileContext& file, const std::vector<RuleId>& rules) {
    std::vector<std::uint32_t> numbers;
    numbers.reserve(rules.size());
    for (RuleId id : rules) numbers.push_back(file.line_number(file.ruleset.rule(id)));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    std::string out = numbers.size() == 1 ? "line" : "lines";
    std::size_t shown = std::min(numbers.size(), most_lines);
    for (std::size_t i = 0; i < shown; ++i) {
        bool last = i + 1 == shown && shown == numbers.size() && shown > 1;
        out += fmt::format("{}{}", i == 0 ? " " : last ? " and " : ", ", numbers[i]);
    }
    if (shown < numbers.size()) out += fmt::format(" and {} more", numbers.size() - shown);
    return out;
}

std::string takers(const FileContext& file, const packet::IdleRule& idle) {
    model::ChainId chain = file.ruleset.rule(idle.rule).chain;
    if (idle.blockers.size() == 1) return place(file, idle.blockers[0].rule, chain) + " takes";
    std::vector<RuleId> rules;
    bool policy = false;
    for (const packet::Blocker& b : idle.blockers) {
        if (b.rule.valid())
            rules.push_back(b.rule);
        else
            policy = true;
    }
    std::string out = lines(file, rules);
    if (policy) out += " and " + end_of(file, chain);
    return out + " take";
}

std::string deed(const FileContext& file, RuleId id) {
    const model::Rule& rule = file.ruleset.rule(id);
    switch (rule.target) {
        case TargetKind::accept:
            return "accepts";
        case TargetKind::drop:
            return "drops";
        case TargetKind::reject:
            return "rejects";
        case TargetKind::return_:
            return "returns";
        case TargetKind::jump:
        case TargetKind::goto_:
            return fmt::format("hands to {}, which decides about", file.ruleset.target_name(rule));
        default:
            return fmt::format("gives {} to", file.ruleset.target_name(rule));
    }
}

// -- twins
// -----------------------------------------------------------------------------------------

namespace {

bool has_memory(const model::Ruleset& r, const model::Rule& rule) {
    auto matches = r.matches_of(rule);
    return std::any_of(matches.begin(), matches.end(), [](const model::Match& m) {
        return m.kind == model::MatchKind::opaque &&
               m.payload.opaque.nature != model::OpaqueNature::packet;
    });
}

packet::ChainFacts all_facts(const FileContext& file, const model::Rule& rule) {
    packet::ChainFacts f = packet::facts_of(file.ruleset, rule);
    if (rule.jump.valid()) f.add(file.graph().facts(rule.jump));
    return f;
}

}  // namespace

Twins::Twins(const FileContext& file) : first_(file.ruleset.rules.size()) {
    const model::Ruleset& r = file.ruleset;
    std::unordered_map<std::string, RuleId> seen;
    for (const model::Chain& chain : r.chains) {
        if (chain.rule_count < 2) continue;
        seen.clear();
        const model::Rule* before = nullptr;
        for (RuleId id : r.rules_of(chain)) {
            const model::Rule& rule = r.rule(id);
            // Rules that stand together in the text are one there, and no twins of each other.
            bool goes_on = before != nullptr && before->line == rule.line;
            before = &rule;
            if (goes_on) continue;
            auto [it, added] = seen.try_emplace(file.text.plain_text(rule), id);
            if (!added) first_[id.value] = it->second;
        }
    }
}

bool repeats(const FileContext& file, RuleId first, RuleId second) {
    const model::Ruleset& r = file.ruleset;
    const model::Rule& rule = r.rule(second);
    switch (rule.target) {
        case TargetKind::none:
        case TargetKind::jump:
        case TargetKind::log:
        case TargetKind::mark:
            break;
        default:
            return false;
    }
    if (has_memory(r, rule) || !file.reachable(rule.chain)) return false;
    bool idempotent = rule.target == TargetKind::mark;
    if (idempotent && r.marks[rule.data].toggle != 0 &&
        (r.marks[rule.data].keep & r.marks[rule.data].toggle) != 0)
        return false;
    bool own = true;
    bool inside = false;
    for (RuleId id : r.rules_of(r.chain(rule.chain))) {
        if (id == second) break;
        if (id == first) inside = true;
        if (!inside || (id == first && idempotent)) continue;
        packet::ChainFacts f = all_facts(file, r.rule(id));
        own = own && !f.changes_marks && !f.changes_state && !f.changes_predicates;
    }
    if (!rule.jump.valid()) return own;
    const packet::ChainFacts& f = file.graph().facts(rule.jump);
    // What remembers packets, or what programs will put there, may do something new.
    return own && !f.effects && r.chain(rule.jump).rule_count != 0;
}

}  // namespace untrack::analyzer
