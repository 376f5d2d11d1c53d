// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::MatchKind;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// Rules that go by source port alone take answers: the entries are told by the questions.
bool takes_questions(const FileContext& file, const RulePath& path) {
    auto asks = [&](MatchKind kind) {
        return std::any_of(path.rules.begin(), path.rules.end(), [&](model::RuleId id) {
            return has_match(file.ruleset, file.ruleset.rule(id), {kind});
        });
    };
    return !asks(MatchKind::either_port) &&
           (asks(MatchKind::destination_port) || !asks(MatchKind::source_port));
}

/// A packet inside a connection that is untracked both ways, and passes.
std::optional<Packet> session(const FileContext& file, const RulePath& path) {
    for (packet::Path way : paths_through(file.ruleset.chain(path.base).hook)) {
        auto p = packet_for(file, way, {&path});
        if (!p || p->protocol != packet::proto_tcp || packet::is_loopback(*p)) continue;
        p->tcp_flags = packet::tcp_ack;
        // What NAT translates does not go on: UT205 and UT206 speak of it.
        Packet first = in_state(*p, packet::ConntrackState::new_);
        first.tcp_flags = packet::tcp_syn;
        bool goes_on = !file.tracer().trace(first, false).nat_applied;
        for (const Packet& each : {*p, packet::reverse(*p)}) {
            packet::Trace trace = file.tracer().trace(each, false);
            goes_on = goes_on && trace.untracked == Truth::yes && trace.verdict == Verdict::accept;
        }
        if (goes_on) return p;
    }
    return std::nullopt;
}

/// The rule that leaves the packet untracked.
model::RuleId taker(const FileContext& file, const Packet& p) {
    for (const packet::Step& s : file.raw_tracer().trace(p, true).steps)
        if (s.action == model::TargetKind::notrack) return s.rule;
    return {};
}

/// The line that deletes the entries of the rule's connections.
std::string deletion(const FileContext& file, const RulePath& path) {
    std::vector<std::uint16_t> ports;
    bool some = false;  // too many to name, or all but some
    auto add = [&](const model::PortRange& range) {
        some = some || range.first != range.last;
        ports.push_back(range.first);
    };
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id))) {
            if (m.kind != MatchKind::destination_port) continue;
            some = some || m.negated || !ports.empty();
            if (m.count == 0) add(m.payload.ports);
            for (std::uint32_t i = 0; i < m.count; ++i)
                add(file.ruleset.ports[m.payload.pool.first + i]);
        }
    std::string_view family = file.ruleset.family == model::Family::ip6 ? " -f ipv6" : "";
    if (some)
        return fmt::format("`conntrack -D{} -p tcp --dport PORT' for each of its ports", family);
    if (ports.empty()) return fmt::format("`conntrack -D{} -p tcp'", family);
    if (ports.size() == 1)
        return fmt::format("`conntrack -D{} -p tcp --dport {}'", family, ports.front());
    return fmt::format("`for p in {}; do conntrack -D{} -p tcp --dport $p; done'",
                       fmt::join(ports, " "), family);
}

}  // namespace

void ut222(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || !file.tracer().tracks(file.ruleset.family)) return;
    std::vector<bool> told(file.ruleset.rules.size());
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::raw ||
            !takes_questions(file, *path))
            continue;
        auto p = session(file, *path);
        if (!p || !(taker(file, *p) == id)) continue;
        model::RuleId other = taker(file, packet::reverse(*p));
        if (other.valid() && told[other.value]) continue;
        told[id.value] = true;
        Finding& finding = report.add_text(
            file.target_range(rule),
            fmt::format(
                "connections that are tracked when this is loaded go on untracked, for "
                "example with {}, but nothing refreshes or ends their entries any more: "
                "they stay for up to 5 days; on a running host load the accepts of "
                "UNTRACKED packets first, this rule then, and after it run {}, with -s or -d "
                "where other connections like these stay tracked",
                packet::to_words(*p), deletion(file, *path)),
            id);
        report.details(finding).witness = *p;
    }
}

}  // namespace untrack::analyzer
