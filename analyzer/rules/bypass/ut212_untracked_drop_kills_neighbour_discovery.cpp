// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Truth;

bool matches_untracked(const model::Ruleset& r, const model::Rule& rule) {
    for (const model::Match& m : r.matches_of(rule)) {
        model::StateSet states = 0;
        if (m.kind == model::MatchKind::state)
            states = static_cast<model::StateSet>(m.negated ? ~m.payload.state : m.payload.state);
        if ((states & model::state_untracked) != 0) return true;
    }
    return false;
}

/// Names of links that have no neighbours to be discovered.
bool has_neighbours(std::string_view name) {
    static constexpr std::string_view others[] = {
        "lo", "wg", "tun", "ppp", "sit", "gre", "ip6", "vti", "ipsec", "tailscale", "nebula"};
    return std::none_of(std::begin(others), std::end(others),
                        [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// The host's interfaces, as far as its rules name them; one that any rule may meet when none does.
std::vector<std::string> interfaces(const model::Ruleset& r) {
    std::set<std::string> names;
    for (const model::Match& m : r.matches)
        if ((m.kind == model::MatchKind::in_interface ||
             m.kind == model::MatchKind::out_interface) &&
            !m.payload.interface.wildcard && has_neighbours(r.string(m.payload.interface.name)))
            names.emplace(r.string(m.payload.interface.name));
    if (names.empty()) names.emplace("eth0");
    return {names.begin(), names.end()};
}

/// A neighbour solicitation from one host on the link to the group of another.
std::optional<Packet> solicitation(packet::Path path, const std::string& interface) {
    auto p = packet::parse_packet("ipv6-icmp fe80::2 > ff02::1:ff00:1 type 135");
    if (!p) return std::nullopt;
    p->path = path;
    (path == packet::Path::input ? p->in_interface : p->out_interface) = interface;
    return *p;
}
/// The answer to one.
std::optional<Packet> advertisement(packet::Path path, const std::string& interface) {
    auto p = packet::parse_packet("ipv6-icmp fe80::1 > fe80::2 type 136");
    if (!p) return std::nullopt;
    p->path = path;
    (path == packet::Path::input ? p->in_interface : p->out_interface) = interface;
    return *p;
}

/// Whether the packet is dropped by the rule, or in the chain that it leads to, as untracked, and
/// would pass by the rule in another state.
bool is_victim(const FileContext& file, const model::Rule& rule, model::RuleId id,
               const Packet& p) {
    auto by_rule = [&](const packet::Trace& trace) {
        return is_refused(trace) && (trace.decision.rule == id ||
                                     (rule.jump.valid() && trace.decision.chain == rule.jump));
    };
    packet::Trace trace = file.tracer().trace(p, false);
    return trace.untracked == Truth::yes && by_rule(trace) &&
           !by_rule(file.tracer().trace(in_state(p, ConntrackState::established), false));
}

std::optional<Packet> victim(const FileContext& file, model::RuleId id,
                             const std::vector<std::string>& names) {
    auto path = path_to(file, id);
    if (!path) return std::nullopt;
    const model::Rule& rule = file.ruleset.rule(id);
    for (packet::Path way : paths_through(file.ruleset.chain(path->base).hook)) {
        if (way == packet::Path::forward) continue;
        for (const std::string& name : names)
            for (const auto& p : {solicitation(way, name), advertisement(way, name)})
                if (p && is_victim(file, rule, id, *p)) return p;
    }
    return std::nullopt;
}

}  // namespace

void ut212(const FileContext& file, Reporter& report) {
    if (file.ruleset.family != model::Family::ip6) return;
    std::vector<std::string> names;
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        bool drops = rule.target == model::TargetKind::drop ||
                     rule.target == model::TargetKind::reject || rule.jump.valid();
        if (!drops || !matches_untracked(file.ruleset, rule)) continue;
        if (names.empty()) names = interfaces(file.ruleset);
        auto p = victim(file, id, names);
        if (!p) continue;
        Finding& finding = report.add_text(
            file.match_range(rule, {"state", "conntrack"}),
            fmt::format("neighbour discovery is UNTRACKED by nature, and dropped here, for example "
                        "{}: hosts on the link no longer find each other, and IPv6 is dead; put "
                        "`{}' before",
                        packet::to_words(*p),
                        file.text.nft() != nullptr
                            ? "meta l4proto ipv6-icmp accept"
                            : fmt::format("-A {} -p ipv6-icmp -j ACCEPT",
                                          file.ruleset.chain(rule.chain).name)),
            id);
        report.details(finding).witness = *p;
    }
}

}  // namespace untrack::analyzer
