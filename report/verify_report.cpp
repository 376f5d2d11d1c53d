// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/verify_report.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "packet/words.hpp"
#include "report/packet_json.hpp"

namespace untrack::report {
namespace {

using packet::Decision;
using packet::Difference;
using packet::DifferenceKind;
using packet::Fate;
using packet::Obligation;
using packet::Proof;
using packet::Sameness;
using packet::Violation;

std::string_view verdict_name(Fate fate) {
    switch (fate) {
        case Fate::drop:
            return "drop";
        case Fate::reject:
            return "reject";
        case Fate::lost:
            return "unknown";
        default:
            return "accept";
    }
}

std::string_view result_name(Sameness result) {
    return result == Sameness::same        ? "same"
           : result == Sameness::different ? "different"
                                           : "undecided";
}

std::string sentence(const Difference& d) {
    switch (d.kind) {
        case DifferenceKind::lost:
            return "this packet passed and is dropped now";
        case DifferenceKind::opened:
            return "this packet was dropped and passes now";
        case DifferenceKind::tracked:
            return "this packet was untracked and is tracked now";
        case DifferenceKind::untracked:
            return "this packet was tracked and is untracked now";
        case DifferenceKind::nat:
            return "this packet is translated in another way";
        case DifferenceKind::effect:
            break;
    }
    if (d.before.fate != d.after.fate)
        return "this packet is answered in another way: a drop is silent, a reject is not";
    return "this packet is logged, marked or counted in another way";
}

/// What broke an obligation, as a difference would be called.
DifferenceKind kind_of(const Violation& v) {
    switch (v.obligation) {
        case Obligation::coverage:
            return DifferenceKind::tracked;
        case Obligation::nothing_lost:
        case Obligation::helpers:
            return DifferenceKind::lost;
        case Obligation::nothing_opened:
            return DifferenceKind::opened;
        case Obligation::nat:
            return DifferenceKind::nat;
        case Obligation::errors:
            return v.code == "UT203" ? DifferenceKind::opened : DifferenceKind::lost;
        case Obligation::per_connection:
            return DifferenceKind::effect;
        case Obligation::frame:
            break;
    }
    return v.shown.kind;
}

std::string decision_text(const char* when, const Decision& d, RulesetTexts texts) {
    std::string out = fmt::format("  {:<7} {}{}", when, verdict_name(d.fate),
                                  d.fate == Fate::accept && d.untracked ? ", untracked" : "");
    for (const std::string& event : d.nat) out += fmt::format(", {}", event);
    if (d.step) {
        Place place = place_of(*d.step, texts);
        const model::Chain& chain = d.step->ruleset->chain(d.step->chain);
        if (place.line != 0)
            out += fmt::format("  {}:{}: {}", place.path, place.line, place.rule);
        else
            out += fmt::format("  {}: policy of {}", place.path, chain.name);
    }
    return out + "\n";
}

std::string shown_text(const Difference& d, RulesetTexts texts) {
    std::string out = decision_text("before:", d.before, texts);
    out += decision_text("after:", d.after, texts);
    for (const auto& [predicate, answer] : d.hangs_on)
        out +=
            fmt::format("  if:     `{}' {}\n", predicate.text, answer ? "holds" : "does not hold");
    return out;
}

std::string proof_text(const Proof& proof, RulesetTexts texts) {
    std::string out;
    for (Obligation o : packet::all_obligations) {
        auto broken = [&](const Violation& v) { return v.obligation == o; };
        bool any = std::any_of(proof.violations.begin(), proof.violations.end(), broken);
        out += fmt::format("{}: {}\n", name(o),
                           any                       ? "broken"
                           : proof.undecided.empty() ? "kept"
                                                     : "kept, as far as it was decided");
        for (const Violation& v : proof.violations) {
            if (!broken(v)) continue;
            if (o == Obligation::helpers) {
                out += fmt::format("  [{}] {}\n", v.code, v.message);
                continue;
            }
            out += fmt::format("  [{}] {}: {}\n", v.code, v.message,
                               packet::to_words(v.shown.witness));
            out += shown_text(v.shown, texts);
            if (v.by.ruleset != nullptr) {
                Place place = place_of(v.by, texts);
                out += fmt::format("  by:     {}:{}: {}\n", place.path, place.line, place.rule);
            }
        }
    }
    for (const packet::Residue& r : proof.residue)
        out += fmt::format("stays open by nature: {}, for example {}\n", r.what,
                           packet::to_words(r.witness));
    return out;
}

Json decision_json(const Decision& d, RulesetTexts texts) {
    Place place;
    if (d.step) place = place_of(*d.step, texts);
    Json j{{"verdict", verdict_name(d.fate)},
           {"untracked", d.untracked},
           {"path", place.path},
           {"line", place.line}};
    if (!d.nat.empty()) j["nat"] = d.nat;
    return j;
}

Json difference_json(const Difference& d, DifferenceKind kind, std::string_view message,
                     RulesetTexts texts) {
    Json j{{"kind", name(kind)},
           {"message", message},
           {"witness", packet_json(d.witness)},
           {"before", decision_json(d.before, texts)},
           {"after", decision_json(d.after, texts)}};
    Json hangs = Json::array();
    for (const auto& [predicate, answer] : d.hangs_on)
        hangs.push_back({{"predicate", predicate.text}, {"answer", answer}});
    if (!hangs.empty()) j["hangs_on"] = std::move(hangs);
    return j;
}

}  // namespace

std::string verify_text(const VerifyReport& report) {
    std::string out;
    if (report.proof) out += proof_text(*report.proof, report.texts);
    for (const Difference& d : report.differences) {
        out +=
            fmt::format("{}: {}\n  {}\n", name(d.kind), packet::to_words(d.witness), sentence(d));
        out += shown_text(d, report.texts);
    }
    if (report.more) out += "There are further differences.\n";
    for (const std::string& why : report.undecided) out += fmt::format("undecided: {}\n", why);
    switch (report.result) {
        case Sameness::same:
            out += report.proof ? "The conversion is sound: it loses nothing and opens nothing.\n"
                                : "The rulesets are the same for every packet in every state.\n";
            break;
        case Sameness::different:
            out += report.proof ? "The conversion is not sound.\n" : "The rulesets differ.\n";
            break;
        case Sameness::undecided:
            out += "Neither shown the same nor shown to differ.\n";
            break;
    }
    return out;
}

std::string verify_json(const VerifyReport& report) {
    Json differences = Json::array();
    for (const Difference& d : report.differences)
        differences.push_back(difference_json(d, d.kind, sentence(d), report.texts));
    Json residue = Json::array();
    Json out{{"version", 1}, {"result", result_name(report.result)}};
    if (report.proof) {
        Json obligations = Json::object();
        for (Obligation o : packet::all_obligations) obligations[std::string(name(o))] = true;
        for (const Violation& v : report.proof->violations) {
            obligations[std::string(name(v.obligation))] = false;
            Json j = difference_json(v.shown, kind_of(v), v.message, report.texts);
            j["obligation"] = name(v.obligation);
            j["code"] = v.code;
            if (v.by.ruleset != nullptr) {
                Place place = place_of(v.by, report.texts);
                j["by"] = {{"path", place.path}, {"line", place.line}};
            }
            if (v.obligation == Obligation::helpers)
                for (const char* key : {"witness", "before", "after"}) j.erase(key);
            differences.push_back(std::move(j));
        }
        for (const packet::Residue& r : report.proof->residue)
            residue.push_back({{"what", r.what}, {"witness", packet_json(r.witness)}});
        out["obligations"] = std::move(obligations);
    }
    out["differences"] = std::move(differences);
    out["more"] = report.more;
    out["residue"] = std::move(residue);
    out["undecided"] = report.undecided;
    return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace untrack::report
