// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/trace_report.hpp"

#include <fmt/format.h>

#include "packet/words.hpp"
#include "report/packet_json.hpp"
#include "report/place.hpp"

namespace untrack::report {
namespace {

using model::TargetKind;
using packet::Step;
using packet::Truth;

std::string_view truth_text(Truth t) {
    return t == Truth::yes ? "matched" : t == Truth::no ? "not matched" : "unknown";
}

std::string_view colour(packet::Verdict verdict) {
    switch (verdict) {
        case packet::Verdict::accept:
            return "\x1b[1;32m";
        case packet::Verdict::unknown:
            return "\x1b[1;33m";
        default:
            return "\x1b[1;31m";
    }
}

}  // namespace

std::string action_text(const Step& step) {
    if (!step.rule.valid())
        return step.action == TargetKind::drop ? "policy drop" : "policy accept";
    const model::Rule& rule = step.ruleset->rule(step.rule);
    std::string_view target = step.ruleset->target_name(rule);
    switch (step.action) {
        case TargetKind::none:
            return "continue";
        case TargetKind::accept:
            return "accept";
        case TargetKind::drop:
            return "drop";
        case TargetKind::reject:
            return "reject";
        case TargetKind::return_:
            return "return";
        case TargetKind::jump:
            return fmt::format("jump {}", target);
        case TargetKind::goto_:
            return fmt::format("goto {}", target);
        case TargetKind::notrack:
            return "notrack";
        default:
            return std::string(target);
    }
}

std::string trace_text(const packet::Packet& packet, const packet::Trace& trace, RulesetTexts texts,
                       TraceStyle style) {
    std::string out = packet::to_words(packet) + "\n";
    for (const Step& step : trace.steps) {
        if (!style.steps) break;
        Place place = place_of(step, texts);
        const model::Chain& chain = step.ruleset->chain(step.chain);
        std::string where = place.line != 0 ? fmt::format("{}:{}", place.path, place.line)
                                            : std::string(place.path);
        out += fmt::format("  {:<11} {}/{}  {}  {}: {}\n", name(step.hook),
                           step.ruleset->table(chain.table).name, chain.name, where,
                           step.matched == Truth::unknown ? "may match"
                           : step.rule.valid()            ? "matched"
                                                          : "no rule decided",
                           action_text(step));
        if (step.rule.valid()) out += fmt::format("              {}\n", place.rule);
    }
    out += fmt::format("  verdict: {}{}{}", style.color ? colour(trace.verdict) : "",
                       name(trace.verdict), style.color ? "\x1b[0m" : "");
    if (trace.untracked == Truth::yes) out += ", untracked";
    if (trace.untracked == Truth::unknown) out += ", untracked or not: unknown";
    if (trace.nat_applied) out += ", a NAT rule applies (what it changes is not followed)";
    out += '\n';
    for (const std::string& reason : trace.unknown_on)
        out += fmt::format("  it hangs on: {}\n", reason);
    return out;
}

std::string trace_json(const packet::Packet& packet, const packet::Trace& trace,
                       RulesetTexts texts) {
    Json j;
    j["packet"] = packet_json(packet);
    j["verdict"] = name(trace.verdict);
    if (trace.untracked == Truth::unknown) {
        j["untracked"] = nullptr;
    } else {
        j["untracked"] = trace.untracked == Truth::yes;
    }
    j["unknown_on"] = trace.unknown_on;
    Json steps = Json::array();
    for (const Step& step : trace.steps) {
        Place place = place_of(step, texts);
        const model::Chain& chain = step.ruleset->chain(step.chain);
        Json s;
        s["hook"] = name(step.hook);
        s["table"] = step.ruleset->table(chain.table).name;
        s["chain"] = chain.name;
        s["path"] = place.path;
        s["line"] = place.line;
        s["rule"] = place.rule;
        if (step.matched == Truth::unknown) {
            s["matched"] = truth_text(step.matched);
        } else {
            s["matched"] = step.matched == Truth::yes;
        }
        s["action"] = action_text(step);
        steps.push_back(std::move(s));
    }
    j["steps"] = std::move(steps);
    return j.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace untrack::report
