// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::MatchKind;
using packet::ConntrackState;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

constexpr std::uint8_t proto_gre = 47;

/// A protocol whose control connection says where its data connections will be; the kernel's
/// helpers (net/netfilter/nf_conntrack_*.c) read it and make them RELATED.
struct Helper {
    std::string_view name;
    std::uint8_t protocol;
    std::uint16_t port;
    std::uint8_t data_protocol;
    bool to_client;  ///< the server opens the data connection
};
constexpr Helper helpers[] = {
    {"ftp", packet::proto_tcp, 21, packet::proto_tcp, false},
    {"tftp", packet::proto_udp, 69, packet::proto_udp, true},
    {"sip", packet::proto_udp, 5060, packet::proto_udp, false},
    {"sip", packet::proto_tcp, 5060, packet::proto_udp, false},
    {"h323", packet::proto_tcp, 1720, packet::proto_tcp, false},
    {"pptp", packet::proto_tcp, 1723, proto_gre, false},
    {"amanda", packet::proto_udp, 10080, packet::proto_tcp, false},
    {"sane", packet::proto_tcp, 6566, packet::proto_tcp, false},
};

/// Ports of data connections that are tried.
constexpr std::array<std::uint16_t, 6> data_ports{1055, 20001, 30003, 40005, 50007, 62009};

bool accepts_new(const model::Match& state) {
    return ((state.payload.state & model::state_new) != 0) != state.negated;
}

/// Whether some rule accepts a stretch of high ports: the server may be told to use these alone.
bool opens_data_ports(const FileContext& file, std::uint8_t protocol) {
    const model::Ruleset& r = file.ruleset;
    for (const model::Rule& rule : r.rules) {
        if (!rule.live || rule.target != model::TargetKind::accept) continue;
        bool ours = true;
        bool stretch = false;
        for (const model::Match& m : r.matches_of(rule)) {
            if (m.kind == MatchKind::protocol && !m.negated && m.payload.number != protocol)
                ours = false;
            if (m.kind == MatchKind::state && !accepts_new(m)) ours = false;
            if (m.kind != MatchKind::destination_port && m.kind != MatchKind::either_port) continue;
            if (m.negated) stretch = true;
            for (std::size_t i = 0; i < std::max<std::size_t>(m.count, 1); ++i) {
                model::PortRange p =
                    m.count == 0 ? m.payload.ports : r.ports[m.payload.pool.first + i];
                stretch = stretch || (p.last > p.first && p.last >= 1024);
            }
        }
        if (ours && stretch) return true;
    }
    return false;
}

/// A packet that opens a data connection beside the control connection.
Packet data_packet(const Packet& question, const Helper& helper, std::uint16_t port) {
    Packet data = helper.to_client ? packet::reverse(question) : question;
    data.mark = 0;
    data.protocol = helper.data_protocol;
    data.tcp_flags = helper.data_protocol == packet::proto_tcp ? packet::tcp_syn : 0;
    if (helper.data_protocol == proto_gre) {
        data.source_port = data.destination_port = 0;
    } else if (helper.to_client) {
        data.source_port = port;
    } else {
        data.source_port = static_cast<std::uint16_t>(port + 1);
        data.destination_port = port;
    }
    return data;
}

/// A data packet that passes when it is RELATED and else does not, if that is so for all ports.
std::optional<Packet> only_related(const FileContext& file, const Packet& question,
                                   const Helper& helper) {
    std::optional<Packet> shown;
    for (std::uint16_t port : data_ports) {
        Packet data = data_packet(question, helper, port);
        if (file.raw_tracer().trace(data, false).untracked != Truth::no) return std::nullopt;
        packet::Trace related = file.tracer().trace(in_state(data, ConntrackState::related), false);
        // It may hang on `-m helper' alone.
        if (is_refused(related) ||
            !is_refused(file.tracer().trace(in_state(data, ConntrackState::new_), false)))
            return std::nullopt;
        if (!shown) shown = data;
    }
    return shown;
}

/// Whether the rule's tests of ports let this one in as a destination.
bool takes_port(const model::Ruleset& r, const model::Rule& rule, std::uint16_t port) {
    for (const model::Match& m : r.matches_of(rule)) {
        if (m.kind != MatchKind::destination_port) continue;
        bool inside = false;
        for (std::size_t i = 0; i < std::max<std::size_t>(m.count, 1); ++i) {
            model::PortRange p = m.count == 0 ? m.payload.ports : r.ports[m.payload.pool.first + i];
            inside = inside || (p.first <= port && port <= p.last);
        }
        if (inside == m.negated) return false;
    }
    return true;
}

struct Broken {
    const Helper* helper;
    Packet data;
};

/// The first helper that the rule keeps from its work.
std::optional<Broken> broken_by(const FileContext& file, const RulePath& path) {
    const model::Rule& rule = file.ruleset.rule(path.rules.back());
    auto may_take = [&](const Helper& h) { return takes_port(file.ruleset, rule, h.port); };
    if (std::none_of(std::begin(helpers), std::end(helpers), may_take)) return std::nullopt;
    for (packet::Path way : paths_through(file.ruleset.chain(path.base).hook)) {
        auto example = packet_for(file, way, {&path});
        if (!example || packet::is_loopback(*example) || goes_one_way(*example)) continue;
        for (const Helper& helper : helpers) {
            if (example->protocol != helper.protocol || !may_take(helper)) continue;
            Packet question = *example;
            question.destination_port = helper.port;
            if (helper.protocol == packet::proto_tcp) question.tcp_flags = packet::tcp_syn;
            packet::Trace trace = file.tracer().trace(question, true);
            bool by_this =
                std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
                    return s.rule == path.rules.back() && s.matched == Truth::yes;
                });
            if (!by_this || trace.untracked != Truth::yes || trace.verdict != Verdict::accept)
                continue;
            auto data = only_related(file, question, helper);
            if (data && !opens_data_ports(file, helper.data_protocol))
                return Broken{&helper, *data};
        }
    }
    return std::nullopt;
}

}  // namespace

void ut214(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.state_matches.empty()) return;
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (!has_match(file.ruleset, rule, {MatchKind::destination_port, MatchKind::either_port}))
            continue;
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::raw) continue;
        auto broken = broken_by(file, *path);
        if (!broken) continue;
        Finding& finding = report.add_text(
            file.target_range(rule),
            fmt::format("port {} is {}'s: its data connections are let in as RELATED, which "
                        "conntrack's helper says of them after reading this connection, and it "
                        "reads no untracked one: {} is refused; leave the port tracked, or have "
                        "the data connections use few ports and accept these",
                        broken->helper->port, broken->helper->name, packet::to_words(broken->data)),
            id);
        report.details(finding).witness = broken->data;
    }
}

}  // namespace untrack::analyzer
