// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <map>
#include <set>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

constexpr std::size_t most_named = 8;

/// Whether later packets of what the way opens hang on another accept: it asks for NEW packets and
/// takes no ESTABLISHED ones.
bool opens_only(const FileContext& file, const RulePath& path) {
    model::StateSet states = 0xff;
    bool asked = false;
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if (m.kind == model::MatchKind::state) {
                asked = true;
                states &=
                    static_cast<model::StateSet>(m.negated ? ~m.payload.state : m.payload.state);
            }
    return asked && (states & model::state_new) != 0 && (states & model::state_established) == 0;
}

/// Whether raw takes such packets out of tracking.
bool is_untracked(const FileContext& file, const RulePath& path) {
    if (file.rules.notrack.empty()) return false;
    auto p = packet_for(file, paths_through(file.ruleset.chain(path.base).hook).front(), {&path});
    return p && file.raw_tracer().trace(*p, false).untracked == packet::Truth::yes;
}

/// The service that a way to an accept opens, in words: "22/tcp"; empty when it opens none that
/// has a name, or none whose later packets need another accept.
void add_services(const FileContext& file, const RulePath& path, std::set<std::string>& seen,
                  std::string& out) {
    if (!opens_only(file, path) || is_untracked(file, path)) return;
    std::uint8_t protocol = 0;
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if (m.kind == model::MatchKind::protocol && !m.negated) protocol = m.payload.number;
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id))) {
            if (m.kind != model::MatchKind::destination_port || m.negated) continue;
            std::span<const model::PortRange> ranges(&m.payload.ports, 1);
            if (m.count > 0)
                ranges = std::span(file.ruleset.ports).subspan(m.payload.pool.first, m.count);
            for (const model::PortRange& range : ranges) {
                std::string port =
                    range.first == range.last
                        ? fmt::format("{}/{}", range.first, packet::protocol_name(protocol))
                        : fmt::format("{}-{}/{}", range.first, range.last,
                                      packet::protocol_name(protocol));
                if (seen.size() < most_named && seen.insert(port).second)
                    out += fmt::format("{}{}", out.empty() ? "" : ", ", port);
            }
        }
}

/// The ports that rules of the table accept for new connections at a hook, in words.
std::string services(const FileContext& file, model::TableId table, model::Hook hook) {
    std::string out;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < file.ruleset.rules.size() && seen.size() < most_named; ++i) {
        const model::Rule& rule = file.ruleset.rules[i];
        if (!rule.live || rule.target != model::TargetKind::accept ||
            file.ruleset.chain(rule.chain).table != table)
            continue;
        auto path = path_to(file, model::RuleId(i));
        if (path && file.ruleset.chain(path->base).hook == hook)
            add_services(file, *path, seen, out);
    }
    return seen.size() < most_named ? out : out + " and perhaps more";
}

bool accepts_established(const model::Ruleset& ruleset, const model::Rule& rule) {
    if (rule.target != model::TargetKind::accept) return false;
    for (const model::Match& m : ruleset.matches_of(rule))
        if (m.kind == model::MatchKind::state)
            return !m.negated && (m.payload.state & model::state_established) != 0;
    return false;
}

/// Whether the way asks for more than interfaces and states.
bool is_narrow(const FileContext& file, const RulePath& path) {
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if (m.kind != model::MatchKind::state && m.kind != model::MatchKind::comment &&
                m.kind != model::MatchKind::in_interface &&
                m.kind != model::MatchKind::out_interface)
                return true;
    return false;
}

}  // namespace

void ut109(const FileContext& file, Reporter& report) {
    std::map<std::pair<std::uint32_t, model::Hook>, std::string> known;
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (!accepts_established(file.ruleset, rule)) continue;
        auto path = path_to(file, id);
        if (!path) continue;
        if (is_narrow(file, *path)) {
            report.add(file.range(rule),
                       "packets of established connections that this rule speaks of pass here; "
                       "whatever is to leave conntrack needs an accept of its own",
                       id);
            continue;
        }
        model::TableId table = file.ruleset.chain(rule.chain).table;
        model::Hook hook = file.ruleset.chain(path->base).hook;
        auto [it, fresh] = known.try_emplace({table.value, hook});
        if (fresh) it->second = services(file, table, hook);
        const std::string& text = it->second;
        std::string_view answers = hook == model::Hook::input
                                       ? "answers to this host's own connections"
                                   : hook == model::Hook::output ? "this host's answers"
                                                                 : "answers from behind this host";
        report.add_text(
            file.range(rule),
            fmt::format("all packets but the first of each connection pass here: {}{}{}; whatever "
                        "is to leave conntrack needs an accept of its own",
                        answers,
                        text.empty() ? "" : ", and the services that other rules open: ", text),
            id);
    }
}

}  // namespace untrack::analyzer
