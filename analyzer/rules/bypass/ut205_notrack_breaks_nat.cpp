// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/port_index.hpp"
#include "analyzer/related.hpp"
#include "analyzer/translated_answers.hpp"
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

bool takes_questions(const FileContext& file, const model::Rule& rule) {
    return has_match(file.ruleset, rule, {model::MatchKind::destination_port}) &&
           !has_match(file.ruleset, rule, {model::MatchKind::source_port});
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

/// Forwarded packets whose source NAT would change, by a rule that asks for no destination, are
/// UT206's.
bool is_of_a_gateway(const FileContext& file, const RulePath& raw, const RulePath& nat,
                     const packet::Packet& p) {
    return file.ruleset.chain(nat.base).hook == model::Hook::postrouting &&
           p.path == packet::Path::forward && !asks_destination(file, raw);
}

void report_question(const FileContext& file, Reporter& report, const RulePath& raw,
                     const RulePath& nat, const packet::Packet& p) {
    const model::Rule& nat_rule = file.ruleset.rule(nat.rules.back());
    model::RuleId id = raw.rules.back();
    Finding& finding = report.add_text(
        file.target_range(file.ruleset.rule(id)),
        fmt::format("line {} ({}) would translate some of these packets, but NAT never "
                    "touches untracked ones: they go out, or come in, with the "
                    "addresses they have; for example {}; leave them tracked",
                    file.line_number(nat_rule), file.ruleset.target_name(nat_rule),
                    packet::to_words(p)),
        id);
    relate(report.details(finding), file, nat.rules.back(), "would translate the packets");
    report.details(finding).witness = p;
}

void report_answer(const FileContext& file, Reporter& report, const RulePath& raw,
                   const TakenAnswer& taken) {
    const model::Rule& nat_rule = file.ruleset.rule(taken.nat);
    model::RuleId id = raw.rules.back();
    Finding& finding = report.add_text(
        file.target_range(file.ruleset.rule(id)),
        fmt::format(
            "line {} ({}) translates packets whose answers this rule leaves untracked: they "
            "are never translated back, and nobody waits for them as they are; for example "
            "{}, the answer to {}; leave the port tracked, or let line {} lead to another",
            file.line_number(nat_rule), file.ruleset.target_name(nat_rule),
            packet::to_words(taken.answer), packet::to_words(taken.question),
            file.line_number(nat_rule)),
        id);
    relate(report.details(finding), file, taken.nat, "translates the packets they answer");
    report.details(finding).witness = taken.answer;
}

}  // namespace

void ut205(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.nat.empty()) return;
    std::vector<RulePath> notrack;
    std::vector<RulePath> questions;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id)) {
            if (!takes_answers(file, file.ruleset.rule(id))) questions.push_back(*path);
            notrack.push_back(std::move(*path));
        }
    PortIndex nat_rules(file.ruleset, questions);
    for (model::RuleId id : file.rules.nat)
        if (auto path = path_to(file, id)) nat_rules.add(std::move(*path));
    TranslatedAnswers answers(file, TranslatedAnswers::Side::destination);
    for (const RulePath& raw : notrack) {
        bool told = false;
        auto try_nat = [&](const RulePath& nat) {
            auto p = untranslated(file, raw, nat);
            if (!p || is_of_a_gateway(file, raw, nat, *p)) return false;
            report_question(file, report, raw, nat, *p);
            return told = true;
        };
        if (!takes_answers(file, file.ruleset.rule(raw.rules.back())))
            nat_rules.beside(raw, try_nat);
        // By its destination port alone it takes answers to few clients only, translated or not.
        if (told || takes_questions(file, file.ruleset.rule(raw.rules.back()))) continue;
        if (auto taken = answers.taken_by(raw)) report_answer(file, report, raw, *taken);
    }
}

}  // namespace untrack::analyzer
