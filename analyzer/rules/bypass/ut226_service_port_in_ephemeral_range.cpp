// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::MatchKind;
using model::PortRange;
using packet::ConntrackState;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// The kernel's default ip_local_port_range.
constexpr PortRange ephemeral{32768, 60999};
/// Of so many ports some are free of listeners, and are picked.
constexpr unsigned many_ports = 100;
/// Accepts of connections that are tried beside one NOTRACK rule.
constexpr std::size_t most_accepts = 16;
/// Services that hosts ask.
constexpr std::array<std::uint16_t, 4> tcp_ports{443, 80, 22, 25};
constexpr std::array<std::uint16_t, 3> udp_ports{53, 123, 443};

/// The largest part of what the rule takes that lies among the ephemeral ports; none when it asks
/// for the source port, too, or for no port.
std::optional<PortRange> picked_by(const FileContext& file, const model::Rule& rule) {
    const model::Ruleset& r = file.ruleset;
    std::optional<PortRange> most;
    for (const model::Match& m : r.matches_of(rule)) {
        if (m.kind == MatchKind::source_port || m.kind == MatchKind::either_port)
            return std::nullopt;
        if (m.kind != MatchKind::destination_port || m.negated) continue;
        for (std::size_t i = 0; i < std::max<std::size_t>(m.count, 1); ++i) {
            PortRange p = m.count == 0 ? m.payload.ports : r.ports[m.payload.pool.first + i];
            PortRange common{std::max(p.first, ephemeral.first), std::min(p.last, ephemeral.last)};
            if (common.first > common.last) continue;
            if (!most || common.last - common.first > most->last - most->first) most = common;
        }
    }
    return most;
}

bool asks_port(const FileContext& file, const RulePath& path) {
    return std::any_of(path.rules.begin(), path.rules.end(), [&](model::RuleId id) {
        return has_match(
            file.ruleset, file.ruleset.rule(id),
            {MatchKind::source_port, MatchKind::destination_port, MatchKind::either_port});
    });
}

/// A packet of a connection from such a port, and what drops it, if anything does.
struct Own {
    Packet packet;
    std::optional<packet::Step> dropped;
};

Packet opening(const Packet& answer) {
    Packet question = packet::reverse(answer);
    question.tcp_flags = question.protocol == packet::proto_tcp ? packet::tcp_syn : 0;
    question.mark = 0;
    return question;
}

/// Connections that may be opened from the port: whose answers the NOTRACK rule takes as it stands,
/// and those that accepts of new connections speak of.
std::vector<Packet> questions(const FileContext& file, const Packet& example,
                              const std::vector<RulePath>& accepts, std::uint16_t from) {
    std::span<const std::uint16_t> asked = udp_ports;
    if (example.protocol == packet::proto_tcp) asked = tcp_ports;
    std::vector<Packet> found;
    auto add = [&](Packet question, bool any_port) {
        question.source_port = from;
        for (std::uint16_t port : asked) {
            if (any_port) question.destination_port = port;
            found.push_back(question);
            if (!any_port) break;
        }
    };
    Packet question = opening(example);
    add(question, true);
    packet::Path way = question.path;
    for (const RulePath& accept : accepts) {
        auto p = packet_for(file, way, {&accept});
        if (!p || packet::is_loopback(*p) || goes_one_way(*p) ||
            (p->protocol != example.protocol && asks_port(file, accept)))
            continue;
        p->protocol = example.protocol;
        p->tcp_flags = question.tcp_flags;
        bool any_port = !asks_port(file, accept);
        add(*p, any_port);
        p->source = question.source;
        add(*p, any_port);
    }
    return found;
}

/// A connection from the port that passes while it is tracked and that is untracked, in the
/// direction of the answers at least; one of which something is dropped, if there is one.
std::optional<Own> taken_from(const FileContext& file, const RulePath& path, PortRange ports,
                              packet::Path way) {
    auto example = packet_for(file, way, {&path});
    if (!example || packet::is_loopback(*example) || goes_one_way(*example)) return std::nullopt;
    example->destination_port = ports.first;
    model::Hook hook = way == packet::Path::forward ? model::Hook::forward : model::Hook::output;
    const packet::Tracer& tracer = file.tracer();
    std::optional<Own> unharmed;
    for (const Packet& question :
         questions(file, *example, accepts_at(file, {hook}, most_accepts), ports.first)) {
        Packet answer = answer_to(question);
        packet::Trace now = tracer.trace(answer, true);
        bool by_this = std::any_of(now.steps.begin(), now.steps.end(), [&](const packet::Step& s) {
            return s.rule == path.rules.back() && s.matched == Truth::yes;
        });
        if (now.untracked != Truth::yes || !by_this) continue;
        packet::Trace first = tracer.trace(in_state(question, ConntrackState::new_), false);
        if (first.verdict != Verdict::accept || first.nat_applied ||
            tracer.trace(in_state(answer, ConntrackState::reply), false).verdict != Verdict::accept)
            continue;
        packet::Trace asking = tracer.trace(question, false);
        if (asking.untracked == Truth::yes && is_refused(asking))
            return Own{question, asking.decision};
        if (is_refused(now)) return Own{answer, now.decision};
        if (!unharmed && asking.untracked == Truth::yes && now.verdict == Verdict::accept)
            unharmed = Own{question, std::nullopt};
    }
    return unharmed;
}

std::string name_of(PortRange ports, char between) {
    return ports.first == ports.last ? fmt::to_string(ports.first)
                                     : fmt::format("{}{}{}", ports.first, between, ports.last);
}

void tell(const FileContext& file, Reporter& report, model::RuleId id, PortRange ports,
          bool forwarded, const Own& own) {
    std::string whose =
        forwarded ? "connections through this host whose client picked such a port as its own are "
                    "taken, too"
                  : fmt::format(
                        "connections that this host opens{} may pick such a port as their "
                        "own, and are taken, too",
                        ports.first == ports.last ? " while nothing listens there" : "");
    std::string what =
        own.dropped ? fmt::format("{} refuses {}, which would pass if it were tracked",
                                  describe(file, *own.dropped), packet::to_words(own.packet))
                    : fmt::format("{} leaves untracked, and its answer is let in like a question",
                                  packet::to_words(own.packet));
    std::string instead =
        forwarded ? fmt::format("bind the rule to the service's address with {}",
                                file.words("`-d'", file.ruleset.family == model::Family::ip6
                                                       ? "`ip6 daddr'"
                                                       : "`ip daddr'"))
                  : fmt::format(
                        "keep them off with the sysctl `net.ipv4.ip_local_reserved_ports = "
                        "{}', or move the service below {}",
                        name_of(ports, '-'), ephemeral.first);
    Finding& finding = report.add_text(
        file.target_range(file.ruleset.rule(id)),
        fmt::format("port{} {} {} among those from which clients choose their own: {}; {}; {}",
                    ports.first == ports.last ? "" : "s", name_of(ports, '-'),
                    ports.first == ports.last ? "is" : "are", whose, what, instead),
        id);
    report.details(finding).witness = own.packet;
}

}  // namespace

void ut226(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.uses.empty()) return;
    for (model::RuleId id : file.rules.notrack) {
        auto ports = picked_by(file, file.ruleset.rule(id));
        if (!ports) continue;
        auto path = path_to(file, id);
        if (!path || file.ruleset.chain(path->base).hook != model::Hook::prerouting ||
            file.role(path->base) != model::ChainRole::raw)
            continue;
        for (packet::Path way : {packet::Path::input, packet::Path::forward}) {
            bool forwarded = way == packet::Path::forward;
            // The host with that address is the one on which the service listens.
            if (forwarded && asks_destination(file, *path)) continue;
            auto own = taken_from(file, *path, *ports, way);
            if (!own) continue;
            bool many = static_cast<unsigned>(ports->last - ports->first) + 1 >= many_ports;
            if (!own->dropped && (forwarded || !many)) continue;
            tell(file, report, id, *ports, forwarded, *own);
            break;
        }
    }
}

}  // namespace untrack::analyzer
