// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::Packet;
using packet::Truth;

/// SYNPROXY wants the SYN untracked and everything else tracked.
bool is_synproxy_idiom(const FileContext& file, const model::Rule& rule) {
    return file.rules.synproxy && has_match(file.ruleset, rule, {model::MatchKind::tcp_flags});
}

}  // namespace

void ut201(const FileContext& file, Reporter& report) {
    for (model::RuleId id : file.rules.notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (is_synproxy_idiom(file, rule)) continue;
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::raw) continue;
        bool covered = false;
        std::optional<Packet> witness;
        model::Hook hook = file.ruleset.chain(path->base).hook;
        for (packet::Path way : paths_through(hook)) {
            auto p = packet_for(file, way, {&*path});
            if (!p || goes_one_way(*p) ||
                file.raw_tracer().trace(*p, false).untracked != Truth::yes)
                continue;
            bool answered = file.raw_tracer().trace(answer_to(*p), false).untracked != Truth::no;
            covered = covered || answered;
            if (!answered && !witness) witness = p;
        }
        if (covered || !witness) continue;
        model::Hook other =
            hook == model::Hook::output ? model::Hook::prerouting : model::Hook::output;
        Finding& finding = report.add_text(
            file.target_range(rule),
            fmt::format(
                "the answers to these packets stay tracked: they are INVALID, or make "
                "entries the wrong way round, and under an INVALID drop "
                "connections hang; add {} `{}'{}",
                file.words("to the raw table", "at priority raw"),
                file.text.answering_rule(rule, other, ""),
                hook == model::Hook::prerouting
                    ? fmt::format(", or for forwarded traffic `{}'",
                                  file.text.answering_rule(rule, model::Hook::prerouting, ""))
                    : ""),
            id);
        report.details(finding).witness = *witness;
    }
}

}  // namespace untrack::analyzer
