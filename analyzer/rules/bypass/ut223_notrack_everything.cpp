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

/// Where hosts call: HTTPS, HTTP, SSH, SMTP of TCP, DNS and NTP of UDP.
constexpr std::array<std::uint16_t, 4> tcp_ports{443, 80, 22, 25};
constexpr std::array<std::uint16_t, 2> udp_ports{53, 123};

bool asks_ports(const FileContext& file, const RulePath& path) {
    return std::any_of(path.rules.begin(), path.rules.end(), [&](model::RuleId id) {
        return has_match(
            file.ruleset, file.ruleset.rule(id),
            {MatchKind::source_port, MatchKind::destination_port, MatchKind::either_port});
    });
}

/// A packet of a connection that this host opens, as the rule takes it.
struct Own {
    Packet question;
    Packet answer;
};

Own with_port(const Packet& example, std::uint16_t port, bool is_answer) {
    Own own;
    Packet& it = is_answer ? own.answer : own.question;
    it = example;
    (is_answer ? it.source_port : it.destination_port) = port;
    (is_answer ? it.destination_port : it.source_port) = 40000;
    bool tcp = example.protocol == packet::proto_tcp;
    if (is_answer) {
        if (tcp) it.tcp_flags = packet::tcp_syn | packet::tcp_ack;
        own.question = packet::reverse(it);
        if (tcp) own.question.tcp_flags = packet::tcp_syn;
        own.question.mark = 0;
    } else {
        if (tcp) it.tcp_flags = packet::tcp_syn;
        own.answer = answer_to(it);
    }
    return own;
}

bool takes(const FileContext& file, model::RuleId id, const Packet& p) {
    packet::Trace trace = file.raw_tracer().trace(p, true);
    return trace.untracked == Truth::yes &&
           std::any_of(trace.steps.begin(), trace.steps.end(),
                       [&](const packet::Step& s) { return s.rule == id; });
}

struct Loss {
    Packet packet;
    packet::Step by;
};

/// A packet of a connection which works while it is tracked, and which the rule breaks.
std::optional<Loss> loss_of(const FileContext& file, const RulePath& path) {
    bool is_answer = file.ruleset.chain(path.base).hook == model::Hook::prerouting;
    auto example =
        packet_for(file, is_answer ? packet::Path::input : packet::Path::output, {&path});
    if (!example || packet::is_loopback(*example)) return std::nullopt;
    std::span<const std::uint16_t> ports;
    if (example->protocol == packet::proto_tcp) ports = tcp_ports;
    if (example->protocol == packet::proto_udp) ports = udp_ports;
    for (std::uint16_t port : ports) {
        Own own = with_port(*example, port, is_answer);
        const Packet& taken = is_answer ? own.answer : own.question;
        if (!takes(file, path.rules.back(), taken)) continue;
        auto passes = [&](const Packet& p, ConntrackState state) {
            return file.tracer().trace(in_state(p, state), false).verdict == Verdict::accept;
        };
        if (!passes(own.question, ConntrackState::new_) ||
            !passes(own.answer, ConntrackState::reply))
            continue;
        packet::Trace now = file.tracer().trace(taken, false);
        if (now.verdict == Verdict::drop || now.verdict == Verdict::reject)
            return Loss{taken, now.decision};
    }
    return std::nullopt;
}

}  // namespace

void ut223(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::raw || asks_ports(file, *path))
            continue;
        auto loss = loss_of(file, *path);
        if (!loss) continue;
        Finding& finding = report.add_text(
            file.target_range(rule),
            fmt::format("this rule asks for no port, so it takes the packets of connections that "
                        "this host opens itself, too: {} drops them, though tracked they would "
                        "pass; for example {}; ask for the ports of the services that are meant",
                        describe(file, loss->by), packet::to_words(loss->packet)),
            id);
        report.details(finding).witness = loss->packet;
    }
}

}  // namespace untrack::analyzer
