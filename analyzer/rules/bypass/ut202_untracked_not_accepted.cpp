// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Trace;
using packet::Truth;
using packet::Verdict;

constexpr std::size_t most_tries = 200;

bool passes(const FileContext& file, const Packet& p, ConntrackState state) {
    return file.tracer().trace(in_state(p, state), false).verdict == Verdict::accept;
}

/// The packet belongs to a flow that works while it is tracked: it, or what it answers, opens it.
bool worked(const FileContext& file, const model::Rule& notrack, const Packet& p) {
    if (passes(file, p, ConntrackState::new_)) return true;
    // Only a rule that goes by source port alone is about answers.
    if (!has_match(file.ruleset, notrack, {model::MatchKind::source_port}) ||
        has_match(file.ruleset, notrack, {model::MatchKind::destination_port}))
        return false;
    Packet opener = packet::reverse(p);
    if (opener.protocol == packet::proto_tcp) opener.tcp_flags = packet::tcp_syn;
    Packet answer = p;
    if (answer.protocol == packet::proto_tcp) answer.tcp_flags = packet::tcp_ack;
    return passes(file, opener, ConntrackState::new_) &&
           passes(file, answer, ConntrackState::reply);
}

/// Accept rules, whose conditions make packets that the ruleset lets through.
std::vector<RulePath> accepts(const FileContext& file) {
    std::vector<RulePath> list;
    for (std::size_t i = 0; i < file.ruleset.rules.size() && list.size() < most_tries; ++i) {
        const model::Rule& rule = file.ruleset.rules[i];
        if (!rule.live || rule.target != model::TargetKind::accept ||
            file.table_name(rule) != "filter")
            continue;
        if (auto path = path_to(file, model::RuleId(i))) list.push_back(std::move(*path));
    }
    return list;
}

}  // namespace

void ut202(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty()) return;
    std::vector<RulePath> accepting = accepts(file);
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto path = path_to(file, id);
        if (!path) continue;
        std::vector<std::vector<const RulePath*>> tries{{&*path}};
        for (const RulePath& a : accepting) tries.push_back({&*path, &a});
        bool found = false;
        for (packet::Path way : paths_through(file.ruleset.chain(path->base).hook)) {
            for (const auto& conditions : tries) {
                if (found) break;
                auto p = packet_for(file, way, conditions);
                if (!p) continue;
                Trace trace = file.tracer().trace(*p, false);
                bool lost = trace.untracked == Truth::yes &&
                            (trace.verdict == Verdict::drop || trace.verdict == Verdict::reject);
                if (!lost || !worked(file, rule, *p)) continue;
                found = true;
                Finding& finding = report.add_text(
                    file.target_range(rule),
                    fmt::format(
                        "packets that this rule takes out of tracking are dropped by {}, though "
                        "tracked they would pass: accept them there with "
                        "`-m conntrack --ctstate UNTRACKED' and the service's port; for example {}",
                        describe(file, trace.decision), packet::to_words(*p)),
                    id);
                report.details(finding).witness = *p;
            }
        }
    }
}

}  // namespace untrack::analyzer
