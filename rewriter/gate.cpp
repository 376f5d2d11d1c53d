// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/gate.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::rewriter {
namespace {

using packet::Obligation;
using packet::Violation;
using packet::Way;

void note_loss(const Violation& v, Verdict& verdict) {
    bool loopback = v.shown.way == Way::loopback;
    if (loopback && v.obligation != Obligation::nothing_opened &&
        v.obligation != Obligation::frame && v.obligation != Obligation::errors)
        verdict.loopback_lost = true;
    if (v.obligation == Obligation::nothing_opened) verdict.opened = true;
    bool question = v.shown.way == Way::input || v.shown.way == Way::forward;
    bool later = v.shown.witness.state == packet::ConntrackState::established;
    if (question && later &&
        (v.obligation == Obligation::nothing_lost || v.obligation == Obligation::per_connection))
        verdict.later_met_more = true;
    if (v.obligation != Obligation::errors || v.code != "UT211") return;
    (v.shown.way == Way::input    ? verdict.errors_lost_input
     : v.shown.way == Way::output ? verdict.errors_lost_output
                                  : verdict.errors_lost_forward) = true;
}

/// A difference that hangs on something says on what.
std::string condition(const packet::Difference& d) {
    std::string out;
    for (const auto& [predicate, answer] : d.hangs_on)
        out += fmt::format("{}`{}' {}", out.empty() ? " when " : " and ", predicate.text,
                           answer ? "holds" : "does not hold");
    return out;
}

/// The family has no such service: whatever becomes different there is wrong.
Verdict unchanged(model::Family family, packet::Host before, packet::Host after) {
    Verdict verdict;
    verdict.all_work = true;
    packet::Comparison c = packet::compare(family, before, after, {});
    for (const packet::Difference& d : c.differences)
        verdict.reasons.push_back({"UT903",
                                   fmt::format("packets of IPv{} are treated otherwise: {}",
                                               family_digit(family), packet::to_words(d.witness)),
                                   0, d.witness});
    for (const std::string& why : c.undecided)
        verdict.reasons.push_back({"UT903", fmt::format("it is not proven: {}", why), 0, {}});
    return verdict;
}

}  // namespace

Verdict judge(const model::RulesetText& text, const model::Ruleset& before,
              const model::Ruleset& after, const Request& request,
              const std::vector<Service>& served) {
    packet::Services services{request.services, request.role, request.address, request.interface};
    const model::Ruleset* old_host[] = {&before};
    const model::Ruleset* new_host[] = {&after};
    if (services.list.empty()) return unchanged(before.family, old_host, new_host);
    packet::Proof proof = packet::prove(before.family, old_host, new_host, services, {});
    Verdict verdict;
    verdict.all_work = std::all_of(served.begin(), served.end(), [&](const Service& asked) {
        return std::all_of(asked.ports.begin(), asked.ports.end(), [&](const model::PortRange& p) {
            return std::any_of(
                proof.working.begin(), proof.working.end(), [&](const Service& works) {
                    return works.protocol == asked.protocol &&
                           std::any_of(works.ports.begin(), works.ports.end(),
                                       [&](const model::PortRange& w) {
                                           return w.first <= p.first && p.last <= w.last;
                                       });
                });
        });
    });
    auto offset_of = [&](const packet::Step& by) {
        return by.ruleset == &before && by.rule.valid() ? text.range(before.rule(by.rule)).begin
                                                        : 0;
    };
    for (const Violation& v : proof.violations) {
        note_loss(v, verdict);
        if (v.obligation == Obligation::helpers) {
            verdict.reasons.push_back({v.code, v.message, 0, {}});
            continue;
        }
        const auto& step = v.shown.before.step;
        bool told = v.by.ruleset != nullptr;
        verdict.reasons.push_back(
            {v.code,
             fmt::format("{}: {}{}", v.message, packet::to_words(v.shown.witness),
                         condition(v.shown)),
             told   ? offset_of(v.by)
             : step ? offset_of(*step)
                    : 0,
             v.shown.witness});
    }
    for (const packet::Doubt& d : proof.undecided)
        verdict.reasons.push_back(
            {d.code, fmt::format("it is not proven: {}", d.message), offset_of(d.by), {}});
    for (const packet::Residue& r : proof.residue)
        verdict.residue.push_back(
            {"", fmt::format("{}, for example {}", r.what, packet::to_words(r.witness)), 0,
             r.witness});
    return verdict;
}

}  // namespace untrack::rewriter
