// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/frameworks.hpp"
#include "analyzer/port_index.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Truth;

/// Rules of nat chains that are tried beside one NOTRACK rule.
constexpr std::size_t most_tries = 64;

/// What the rule does with packets besides translating them; empty for what nobody would miss.
std::string_view deed(model::TargetKind target) {
    switch (target) {
        case model::TargetKind::drop:
        case model::TargetKind::reject:
            return "refuses";
        case model::TargetKind::log:
            return "logs";
        case model::TargetKind::mark:
            return "marks";
        case model::TargetKind::queue:
            return "queues";
        case model::TargetKind::side_effect:
            return "changes";
        default:
            return {};
    }
}

std::vector<RulePath> rules_in_nat(const FileContext& file) {
    const model::Ruleset& r = file.ruleset;
    std::vector<RulePath> found;
    for (std::size_t i = 0; i < r.chains.size(); ++i) {
        model::ChainId chain(i);
        if (file.role(chain) != model::ChainRole::nat || is_owned_by_program(r.chain(chain).name))
            continue;
        std::optional<RulePath> path;
        for (model::RuleId id : r.rules_of(r.chain(chain))) {
            if (deed(r.rule(id).target).empty()) continue;
            if (!path) path = path_to(file, chain);
            found.push_back(*path);
            found.back().rules.push_back(id);
        }
    }
    return found;
}

/// Whether this is the whole ruleset of a host, as far as one file tells: another can hold what
/// needs conntrack.
bool filters(const model::Ruleset& r) {
    return std::any_of(r.chains.begin(), r.chains.end(), [](const model::Chain& c) {
        return c.base && c.role == model::ChainRole::filter;
    });
}

bool meets(const packet::Trace& trace, model::RuleId id) {
    return std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
        return s.rule == id && s.matched == Truth::yes;
    });
}

/// A packet that the rule would meet if it were tracked.
std::optional<Packet> missed(const FileContext& file, const RulePath& notrack,
                             const RulePath& nat) {
    model::RuleId id = nat.rules.back();
    return witness(file, {&notrack, &nat}, [&](const Packet& p) {
        return file.raw_tracer().trace(p, false).untracked == Truth::yes &&
               meets(file.treatment_tracer().trace(in_state(p, ConntrackState::new_), true), id);
    });
}

std::string instead(const FileContext& file) {
    return fmt::format("put the rule into {}",
                       file.words("the mangle or filter table", "a chain of type filter"));
}

void tell_idle(const FileContext& file, Reporter& report, const std::vector<RulePath>& rules) {
    for (const RulePath& path : rules) {
        model::RuleId id = path.rules.back();
        const model::Rule& rule = file.ruleset.rule(id);
        report.add_text(
            file.target_range(rule),
            fmt::format("nothing in this file needs connection tracking, and without it no packet "
                        "enters {}: this rule {} nothing; {}",
                        file.words("the nat table", "a chain of type nat"), deed(rule.target),
                        instead(file)),
            id);
    }
}

}  // namespace

void ut228(const FileContext& file, Reporter& report) {
    const model::Ruleset& r = file.ruleset;
    bool tracks = !file.rules.uses.empty();
    if (tracks && file.rules.notrack.empty()) return;
    std::vector<RulePath> rules = rules_in_nat(file);
    if (rules.empty()) return;
    if (!tracks) {
        if (filters(r) && r.unfollowed.empty()) tell_idle(file, report, rules);
        return;
    }
    std::vector<RulePath> notrack;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id)) notrack.push_back(std::move(*path));
    PortIndex candidates(r, notrack);
    for (RulePath& path : rules) candidates.add(std::move(path));
    std::vector<bool> told(r.rules.size());
    for (const RulePath& raw : notrack) {
        std::size_t tries = 0;
        candidates.beside(raw, [&](const RulePath& nat) {
            model::RuleId id = nat.rules.back();
            if (told[id.value]) return false;
            if (auto p = missed(file, raw, nat)) {
                told[id.value] = true;
                Finding& finding = report.add_text(
                    file.target_range(r.rule(id)),
                    fmt::format("line {} leaves packets untracked that this rule is about, for "
                                "example {}, and no untracked packet enters {}: it {} none of "
                                "them; {}",
                                file.line_number(r.rule(raw.rules.back())), packet::to_words(*p),
                                file.words("the nat table", "a chain of type nat"),
                                deed(r.rule(id).target), instead(file)),
                    id);
                report.details(finding).witness = *p;
            }
            return ++tries == most_tries;
        });
    }
}

}  // namespace untrack::analyzer
