// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/related.hpp"
#include "analyzer/translated_answers.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// NAT rules that are tried beside one NOTRACK rule, and accepts beside each.
constexpr std::size_t most_rules = 64;
constexpr std::size_t most_accepts = 16;

bool is_source_nat(model::TargetKind target) {
    return target == model::TargetKind::snat || target == model::TargetKind::masquerade ||
           target == model::TargetKind::netmap;
}

/// What NAT does to a flow it does by the first packet: answers take no notice of its rules.
bool takes_answers(const FileContext& file, const model::Rule& rule) {
    return has_match(file.ruleset, rule, {model::MatchKind::source_port}) &&
           !has_match(file.ruleset, rule, {model::MatchKind::destination_port});
}

/// A packet that is passed on and translated while it is tracked, and that the NOTRACK rule takes.
std::optional<Packet> left_private(const FileContext& file, const RulePath& raw,
                                   const RulePath& nat, const std::vector<RulePath>& accepts) {
    std::vector<const RulePath*> conditions{&raw, &nat};
    for (std::size_t i = 0; i <= accepts.size(); ++i) {
        auto p = packet_for(file, packet::Path::forward, conditions);
        if (!p && i == 0) return std::nullopt;
        if (p && file.raw_tracer().trace(*p, false).untracked == Truth::yes) {
            packet::Trace tracked = file.tracer().trace(in_state(*p, ConntrackState::new_), true);
            bool translated =
                std::any_of(tracked.steps.begin(), tracked.steps.end(), [&](const packet::Step& s) {
                    return s.rule == nat.rules.back() && s.matched == Truth::yes;
                });
            if (translated && tracked.verdict == Verdict::accept) return p;
        }
        conditions.resize(2);
        if (i < accepts.size()) conditions.push_back(&accepts[i]);
    }
    return std::nullopt;
}

class Gateway {
  public:
    Gateway(const FileContext& file, Reporter& report)
        : file_(file), report_(report), answers_(file, TranslatedAnswers::Side::source) {
        for (model::RuleId id : file.rules.nat) {
            if (!is_source_nat(file.ruleset.rule(id).target)) continue;
            auto path = path_to(file, id);
            if (path && file.ruleset.chain(path->base).hook == model::Hook::postrouting)
                nat_.push_back(std::move(*path));
            if (nat_.size() == most_rules) break;
        }
        if (!nat_.empty()) accepts_ = accepts_at(file, {model::Hook::forward}, most_accepts);
    }

    void check(const RulePath& raw) {
        if (file_.ruleset.chain(raw.base).hook != model::Hook::prerouting || nat_.empty()) return;
        bool answers = takes_answers(file_, file_.ruleset.rule(raw.rules.back()));
        if (!answers && !asks_destination(file_, raw))
            for (const RulePath& nat : nat_)
                if (auto p = left_private(file_, raw, nat, accepts_)) {
                    return tell(
                        raw, nat.rules.back(), *p,
                        fmt::format(
                            "would translate packets that this host passes on, but "
                            "this rule takes them, too: untracked, they leave with "
                            "the addresses they have, for example {}; bind the "
                            "rule to this host with `{}' or `{}' and its address",
                            packet::to_words(*p),
                            file_.words("-m addrtype --dst-type LOCAL", "fib daddr type local"),
                            file_.words("-d", file_.ruleset.family == model::Family::ip6
                                                  ? "ip6 daddr"
                                                  : "ip daddr")));
                }
        if (auto taken = answers_.taken_by(raw))
            tell(raw, taken->nat, taken->answer,
                 fmt::format(
                     "{}: they are untracked, and never translated back; for example {}, "
                     "the answer to {}; leave these packets tracked{}",
                     answers ? "translates clients behind this host, and this rule takes the "
                               "answers to them"
                             : "lets a client behind this host keep its port where that is "
                               "one of this rule's, which takes the answers to it",
                     packet::to_words(taken->answer), packet::to_words(taken->question),
                     answers ? ""
                             : file_.words(", or let that rule give other ports (`--to-ports', "
                                           "`--to-source ADDRESS:PORTS')",
                                           ", or let that rule give other ports (`masquerade to "
                                           ":PORTS', `snat to ADDRESS:PORTS')")));
    }

  private:
    void tell(const RulePath& raw, model::RuleId nat, const Packet& witness,
              const std::string& what) {
        const model::Rule& nat_rule = file_.ruleset.rule(nat);
        model::RuleId id = raw.rules.back();
        Finding& finding =
            report_.add_text(file_.target_range(file_.ruleset.rule(id)),
                             fmt::format("line {} ({}) {}", file_.line_number(nat_rule),
                                         file_.ruleset.target_name(nat_rule), what),
                             id);
        relate(report_.details(finding), file_, nat, "would translate the packets");
        report_.details(finding).witness = witness;
    }

    const FileContext& file_;
    Reporter& report_;
    TranslatedAnswers answers_;
    std::vector<RulePath> nat_;
    std::vector<RulePath> accepts_;
};

}  // namespace

void ut206(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.nat.empty()) return;
    Gateway gateway(file, report);
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id)) gateway.check(*path);
}

}  // namespace untrack::analyzer
