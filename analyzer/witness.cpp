// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/witness.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace untrack::analyzer {

using model::ChainId;
using model::RuleId;

std::optional<RulePath> path_to(const FileContext& file, ChainId chain) {
    const model::Ruleset& r = file.ruleset;
    RulePath path{chain, {}};
    if (!file.reachable(path.base)) return std::nullopt;
    while (!r.chain(path.base).base) {
        RuleId jump = file.reached_by(path.base);
        path.rules.push_back(jump);
        path.base = r.rule(jump).chain;
    }
    std::reverse(path.rules.begin(), path.rules.end());
    return path;
}

std::optional<RulePath> path_to(const FileContext& file, RuleId rule) {
    auto path = path_to(file, file.ruleset.rule(rule).chain);
    if (path) path->rules.push_back(rule);
    return path;
}

std::span<const packet::Path> paths_through(model::Hook hook) {
    using packet::Path;
    static constexpr Path coming[] = {Path::input, Path::forward};
    static constexpr Path going[] = {Path::output, Path::forward};
    switch (hook) {
        case model::Hook::ingress:
        case model::Hook::prerouting:
            return coming;
        case model::Hook::input:
            return std::span(coming).first(1);
        case model::Hook::forward:
            return std::span(coming).last(1);
        case model::Hook::output:
            return std::span(going).first(1);
        case model::Hook::postrouting:
        case model::Hook::egress:
            return going;
    }
    return {};
}

std::optional<packet::Packet> packet_for(const FileContext& file, packet::Path path,
                                         const std::vector<const RulePath*>& rules) {
    std::vector<packet::Condition> conditions;
    for (const RulePath* p : rules)
        for (RuleId id : p->rules)
            conditions.push_back({&file.ruleset, file.ruleset.matches_of(file.ruleset.rule(id))});
    return packet::example(file.ruleset.family, path, conditions);
}

std::optional<packet::Packet> witness(const FileContext& file,
                                      const std::vector<const RulePath*>& rules,
                                      const std::function<bool(const packet::Packet&)>& proves) {
    for (packet::Path way : {packet::Path::input, packet::Path::output, packet::Path::forward}) {
        bool passes_all = std::all_of(rules.begin(), rules.end(), [&](const RulePath* rule) {
            auto ways = paths_through(file.ruleset.chain(rule->base).hook);
            return std::find(ways.begin(), ways.end(), way) != ways.end();
        });
        if (!passes_all) continue;
        auto p = packet_for(file, way, rules);
        if (p && proves(*p)) return p;
    }
    return std::nullopt;
}

std::vector<RulePath> accepts_at(const FileContext& file, std::initializer_list<model::Hook> hooks,
                                 std::size_t most) {
    const model::Ruleset& r = file.ruleset;
    std::vector<RulePath> out;
    for (std::size_t i = 0; i < r.chains.size() && out.size() < most; ++i) {
        if (file.role(ChainId(i)) != model::ChainRole::filter) continue;
        auto path = path_to(file, ChainId(i));
        if (!path || std::find(hooks.begin(), hooks.end(), r.chain(path->base).hook) == hooks.end())
            continue;
        for (RuleId id : r.rules_of(r.chains[i])) {
            if (out.size() == most) break;
            if (r.rule(id).target != model::TargetKind::accept) continue;
            out.push_back(*path);
            out.back().rules.push_back(id);
        }
    }
    return out;
}

packet::Packet in_state(packet::Packet packet, packet::ConntrackState state) {
    packet.state = state;
    return packet;
}

packet::Packet answer_to(const packet::Packet& packet) {
    packet::Packet answer = packet::reverse(packet);
    answer.mark = 0;
    if (packet.tcp_flags == packet::tcp_syn) answer.tcp_flags = packet::tcp_syn | packet::tcp_ack;
    return answer;
}

bool goes_one_way(const packet::Packet& packet) {
    const auto& d = packet.destination.bytes;
    return packet.family == model::Family::ip
               ? (d[0] & 0xf0) == 0xe0 || (d[0] == 255 && d[1] == 255 && d[2] == 255 && d[3] == 255)
               : d[0] == 0xff;
}

bool is_refused(const packet::Trace& trace) {
    return trace.verdict == packet::Verdict::drop || trace.verdict == packet::Verdict::reject;
}

bool accepts_only_untracked(const model::Ruleset& ruleset, const model::Rule& rule) {
    if (rule.target != model::TargetKind::accept) return false;
    for (const model::Match& m : ruleset.matches_of(rule)) {
        if (m.kind != model::MatchKind::state) continue;
        auto matched = static_cast<model::StateSet>(m.negated ? ~m.payload.state : m.payload.state);
        return (matched & model::state_untracked) != 0 && (matched & model::state_new) == 0;
    }
    return false;
}

bool has_match(const model::Ruleset& ruleset, const model::Rule& rule,
               std::initializer_list<model::MatchKind> kinds) {
    for (const model::Match& m : ruleset.matches_of(rule))
        if (std::find(kinds.begin(), kinds.end(), m.kind) != kinds.end()) return true;
    return false;
}

bool asks_destination(const FileContext& file, const RulePath& path) {
    for (RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if (m.kind == model::MatchKind::destination ||
                m.kind == model::MatchKind::destination_range ||
                (m.kind == model::MatchKind::address_type &&
                 m.payload.address_type.destination != 0))
                return true;
    return false;
}

std::string describe(const FileContext& file, const packet::Step& step) {
    if (!step.rule.valid())
        return fmt::format("the policy of {}", file.ruleset.chain(step.chain).name);
    const model::Rule& rule = file.ruleset.rule(step.rule);
    return fmt::format("line {} ({})", file.line_number(rule), file.text.at(file.range(rule)));
}

}  // namespace untrack::analyzer
