// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// Whether the way to the rule asks where answers go: whether a client on this host is meant hangs
/// on which addresses the host has.
bool names_other_ends(const FileContext& file, const RulePath& path) {
    for (model::RuleId id : path.rules)
        for (const model::Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if (m.kind == model::MatchKind::destination ||
                m.kind == model::MatchKind::destination_range ||
                m.kind == model::MatchKind::address_type)
                return true;
    return false;
}

bool passes(const FileContext& file, const Packet& p, ConntrackState state) {
    packet::Trace trace = file.tracer().trace(in_state(p, state), false);
    return trace.verdict == Verdict::accept && !trace.nat_applied;
}

/// What a client on this host sends to the service, whose answers the NOTRACK rule takes; none when
/// it is not such a rule, or the service is not for local clients.
std::optional<Packet> local_question(const FileContext& file, const RulePath& answers) {
    const model::Rule& rule = file.ruleset.rule(answers.rules.back());
    if (!has_match(file.ruleset, rule, {model::MatchKind::source_port}) ||
        has_match(file.ruleset, rule, {model::MatchKind::destination_port}) ||
        names_other_ends(file, answers))
        return std::nullopt;
    auto p = packet_for(file, packet::Path::output, {&answers});
    if (!p || goes_one_way(packet::reverse(*p))) return std::nullopt;
    // The service is out of tracking for everybody else.
    Packet outside = packet::reverse(*p);
    if (packet::is_loopback(*p)) return std::nullopt;
    if (outside.protocol == packet::proto_tcp) outside.tcp_flags = packet::tcp_syn;
    if (file.raw_tracer().trace(outside, false).untracked != Truth::yes) return std::nullopt;
    Packet question = outside;
    question.path = packet::Path::output;
    question.source = question.destination;
    question.in_interface.clear();
    question.out_interface = "lo";
    return question;
}

struct Answer {
    Packet packet;
    packet::Trace trace;
};

/// The answer over lo, when this rule leaves it untracked while its question is tracked.
std::optional<Answer> half_tracked(const FileContext& file, const RulePath& answers,
                                   const Packet& question) {
    Packet answer = answer_to(question);
    if (file.tracer().trace(question, false).untracked != Truth::no) return std::nullopt;
    if (!passes(file, question, ConntrackState::new_) ||
        !passes(file, question, ConntrackState::established) ||
        !passes(file, answer, ConntrackState::reply))
        return std::nullopt;
    packet::Trace trace = file.tracer().trace(answer, true);
    bool by_this = std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
        return s.rule == answers.rules.back() && s.matched == Truth::yes;
    });
    if (trace.untracked != Truth::yes || !by_this || trace.nat_applied) return std::nullopt;
    return Answer{answer, std::move(trace)};
}

/// A packet of the local connection that is dropped, and by what.
struct Loss {
    Packet packet;
    packet::Step dropped;
};

std::optional<Loss> lost(const FileContext& file, const Packet& question, const Answer& answer) {
    if (is_refused(answer.trace)) return Loss{answer.packet, answer.trace.decision};
    if (question.protocol != packet::proto_tcp) return std::nullopt;
    // After an untracked answer the client's packets are INVALID when they leave, and without an
    // entry, so that PREROUTING takes them out of tracking, when they come in (measured).
    Packet later = question;
    later.tcp_flags = packet::tcp_ack;
    for (auto [state, hook] : {std::pair(ConntrackState::invalid, model::Hook::output),
                               std::pair(ConntrackState::untracked, model::Hook::input)}) {
        packet::Trace trace = file.tracer().trace(in_state(later, state), false);
        if (is_refused(trace) && trace.decision.hook == hook)
            return Loss{in_state(later, state), trace.decision};
    }
    return std::nullopt;
}

}  // namespace

void ut207(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.uses.empty()) return;
    for (model::RuleId id : file.rules.notrack) {
        auto answers = path_to(file, id);
        if (!answers || file.ruleset.chain(answers->base).hook != model::Hook::output) continue;
        auto question = local_question(file, *answers);
        if (!question) continue;
        auto answer = half_tracked(file, *answers, *question);
        if (!answer) continue;
        auto loss = lost(file, *question, *answer);
        std::string what =
            loss ? fmt::format("{} then drops {}: clients on this host lose their connections",
                               describe(file, loss->dropped), packet::to_words(loss->packet))
                 : "each flow leaves an entry behind that waits for its answer";
        Finding& finding = report.add_text(
            file.target_range(file.ruleset.rule(id)),
            fmt::format(
                "over lo the question {} is tracked before {} sees it, and its "
                "answer is not: {}; add {} `{}'{}",
                packet::to_words(*question), file.words("PREROUTING", "prerouting"), what,
                file.words("to the raw table", "at priority raw"),
                file.text.answering_rule(file.ruleset.rule(id), model::Hook::output, "lo"),
                loss && loss->dropped.hook == model::Hook::input
                    ? fmt::format(", and {} before that",
                                  file.words("to the filter table `-A INPUT -i lo -j ACCEPT'",
                                             "at priority filter `chain input { iif lo accept }'"))
                    : ""),
            id);
        report.details(finding).witness = loss ? loss->packet : answer->packet;
    }
}

}  // namespace untrack::analyzer
