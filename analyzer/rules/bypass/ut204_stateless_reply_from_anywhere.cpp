// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::Packet;
using packet::Verdict;

/// Ports of services that nobody means to open by an accept of answers.
constexpr std::uint16_t tcp_services[] = {22, 23, 111, 445, 631, 873};
constexpr std::uint16_t udp_services[] = {161, 69, 111, 514, 623, 631};
/// A source port that Linux gives to sockets.
constexpr std::uint16_t any_socket = 40000;
constexpr std::size_t most_rules = 1000;

bool pins_source(const FileContext& file, const RulePath& path) {
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if ((m.kind == model::MatchKind::source || m.kind == model::MatchKind::source_range) &&
                !m.negated)
                return true;
    return false;
}

/// A packet that opens a flow to a service, and passes by its source port alone.
std::optional<Packet> intruder(const FileContext& file, const RulePath& accept) {
    packet::Path way = paths_through(file.ruleset.chain(accept.base).hook).front();
    auto p = packet_for(file, way, {&accept});
    if (!p || packet::is_loopback(*p) || goes_one_way(*p) || p->mark != 0) return std::nullopt;
    if (p->protocol != packet::proto_udp &&
        (p->protocol != packet::proto_tcp || p->tcp_flags != packet::tcp_syn))
        return std::nullopt;
    bool tcp = p->protocol == packet::proto_tcp;
    for (std::uint16_t port : std::span(tcp ? tcp_services : udp_services)) {
        p->destination_port = port;
        packet::Trace open = file.tracer().trace(*p, false);
        if (open.verdict != Verdict::accept || open.nat_applied ||
            open.decision.rule != accept.rules.back())
            continue;
        Packet other = *p;
        other.source_port = any_socket;
        if (is_refused(file.tracer().trace(other, false))) return p;
    }
    return std::nullopt;
}

}  // namespace

void ut204(const FileContext& file, Reporter& report) {
    std::size_t tried = 0;
    for (model::RuleId id : file.rules.accepts_by_source_port) {
        auto accept = path_to(file, id);
        if (!accept || file.role(accept->base) != model::ChainRole::filter ||
            pins_source(file, *accept))
            continue;
        model::Hook hook = file.ruleset.chain(accept->base).hook;
        if (hook != model::Hook::input && hook != model::Hook::forward) continue;
        if (++tried > most_rules) return;
        auto p = intruder(file, *accept);
        if (!p) continue;
        bool tcp = p->protocol == packet::proto_tcp;
        Finding& finding = report.add_text(
            file.range(file.ruleset.rule(id)),
            fmt::format(
                "the sender chooses the source port: from this one anyone reaches ports "
                "that are closed to others, for example {}; name the servers that answer "
                "with `{}', or {}",
                packet::to_words(*p),
                file.words("-s",
                           file.ruleset.family == model::Family::ip6 ? "ip6 saddr" : "ip saddr"),
                tcp ? file.words("accept answers only, with `! --syn'",
                                 "accept answers only, with `tcp flags & (fin|syn|rst|ack) != syn'")
                    : file.words(
                          "the ports that questions are sent from, with `--dport 32768:60999'",
                          "the ports that questions are sent from, with `th dport 32768-60999'")),
            id);
        report.details(finding).witness = *p;
    }
}

}  // namespace untrack::analyzer
