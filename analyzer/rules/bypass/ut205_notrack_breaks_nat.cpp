// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/port_index.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Truth;

/// Answers are not looked at by NAT rules: a rule that goes only by source port takes answers.
bool takes_answers(const FileContext& file, const model::Rule& rule) {
    return has_match(file.ruleset, rule, {model::MatchKind::source_port}) &&
           !has_match(file.ruleset, rule, {model::MatchKind::destination_port});
}

/// A packet that the NAT rule translates while it is tracked, and that the NOTRACK rule takes.
std::optional<packet::Packet> untranslated(const FileContext& file, const RulePath& raw,
                                           const RulePath& nat) {
    return witness(file, {&raw, &nat}, [&](const packet::Packet& p) {
        if (file.raw_tracer().trace(p, false).untracked != Truth::yes) return false;
        // Over lo the source is this host's, translated or not, and answers find it.
        if (packet::is_loopback(p) && file.ruleset.chain(nat.base).hook == model::Hook::postrouting)
            return false;
        packet::Trace tracked =
            file.treatment_tracer().trace(in_state(p, ConntrackState::new_), true);
        return std::any_of(tracked.steps.begin(), tracked.steps.end(),
                           [&](const packet::Step& s) { return s.rule == nat.rules.back(); });
    });
}

}  // namespace

void ut205(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty()) return;
    std::vector<RulePath> notrack;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id); path && !takes_answers(file, file.ruleset.rule(id)))
            notrack.push_back(std::move(*path));
    PortIndex nat_rules(file.ruleset, notrack);
    for (model::RuleId id : file.rules.nat)
        if (auto path = path_to(file, id)) nat_rules.add(std::move(*path));
    for (const RulePath& raw : notrack) {
        model::RuleId id = raw.rules.back();
        nat_rules.beside(raw, [&](const RulePath& nat) {
            auto witness = untranslated(file, raw, nat);
            if (!witness) return false;
            const model::Rule& nat_rule = file.ruleset.rule(nat.rules.back());
            Finding& finding = report.add_text(
                file.target_range(file.ruleset.rule(id)),
                fmt::format("line {} ({}) would translate some of these packets, but NAT never "
                            "touches untracked ones: they go out, or come in, with the "
                            "addresses they have; for example {}; leave them tracked",
                            file.line_number(nat_rule), file.ruleset.target_name(nat_rule),
                            packet::to_words(*witness)),
                id);
            report.details(finding).witness = *witness;
            return true;
        });
    }
}

}  // namespace untrack::analyzer
