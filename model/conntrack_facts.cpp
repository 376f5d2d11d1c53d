// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/conntrack_facts.hpp"

#include <algorithm>

namespace untrack::model {
namespace {

/// Before Linux 4.9 a nat table made the modules load and track, whatever it held.
std::vector<TableId> tables_that_track(const Ruleset& ruleset, KernelProfile profile) {
    std::vector<TableId> out;
    if (profile == KernelProfile::modern) return out;
    for (const Chain& chain : ruleset.chains)
        if (chain.base && chain.role == ChainRole::nat &&
            std::find(out.begin(), out.end(), chain.table) == out.end())
            out.push_back(chain.table);
    return out;
}

ConntrackNeed need_of(const Ruleset& ruleset, const Rule& rule) {
    for (const Match& m : ruleset.matches_of(rule))
        if (ConntrackNeed need = conntrack_need(m); need != ConntrackNeed::none) return need;
    return conntrack_need(rule.target);
}

}  // namespace

ConntrackNeed conntrack_need(const Match& match) {
    switch (match.kind) {
        case MatchKind::state:
        case MatchKind::conntrack:
            return ConntrackNeed::state_match;
        case MatchKind::opaque:
            return match.payload.opaque.key == ConntrackKey::none ? ConntrackNeed::none
                                                                  : ConntrackNeed::key_match;
        default:
            return ConntrackNeed::none;
    }
}

const Match* entry_key(const Ruleset& ruleset, const Rule& rule) {
    for (const Match& m : ruleset.matches_of(rule))
        if (conntrack_need(m) == ConntrackNeed::key_match) return &m;
    return nullptr;
}

ConntrackNeed conntrack_need(TargetKind target) {
    switch (target) {
        case TargetKind::dnat:
        case TargetKind::snat:
        case TargetKind::masquerade:
        case TargetKind::redirect:
        case TargetKind::netmap:
            return ConntrackNeed::nat;
        case TargetKind::connmark:
        case TargetKind::connsecmark:
        case TargetKind::synproxy:
        case TargetKind::ct_template:
        case TargetKind::flow_offload:
            return ConntrackNeed::target;
        default:
            return ConntrackNeed::none;
    }
}

std::vector<ConntrackUse> conntrack_uses(const Ruleset& ruleset, KernelProfile profile) {
    std::vector<ConntrackUse> uses;
    for (TableId table : tables_that_track(ruleset, profile))
        uses.push_back({RuleId(), table, ConntrackNeed::nat, ruleset.table(table).declared});
    for (const ConntrackObject& o : ruleset.conntrack_objects)
        uses.push_back({RuleId(), o.table, ConntrackNeed::target, o.range});
    std::uint32_t last = 0xffffffffU;
    for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
        const Rule& rule = ruleset.rules[i];
        if (!rule.live) continue;
        if (rule.line == last) continue;
        ConntrackNeed need = need_of(ruleset, rule);
        if (need == ConntrackNeed::none) continue;
        last = rule.line;
        uses.push_back({RuleId(i), ruleset.chain(rule.chain).table, need});
    }
    auto line = [&](const ConntrackUse& use) {
        return use.rule.valid() ? ruleset.rule(use.rule).line : 0;
    };
    auto stands_before = [&](const ConntrackUse& a, const ConntrackUse& b) {
        return line(a) < line(b);
    };
    if (!std::is_sorted(uses.begin(), uses.end(), stands_before))
        std::stable_sort(uses.begin(), uses.end(), stands_before);
    return uses;
}

bool needs_conntrack(const Ruleset& ruleset, KernelProfile profile) {
    if (!tables_that_track(ruleset, profile).empty() || !ruleset.conntrack_objects.empty())
        return true;
    for (const Rule& rule : ruleset.rules)
        if (rule.live && need_of(ruleset, rule) != ConntrackNeed::none) return true;
    return false;
}

std::string_view name(KernelProfile profile) {
    switch (profile) {
        case KernelProfile::modern:
            return "modern";
        case KernelProfile::rhel7_3_10:
            return "3.10";
        case KernelProfile::rhel6_2_6:
            return "2.6";
    }
    return {};
}

}  // namespace untrack::model
