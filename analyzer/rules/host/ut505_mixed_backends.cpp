// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <list>
#include <memory>
#include <set>
#include <tuple>

#include "analyzer/back_ends.hpp"
#include "analyzer/host.hpp"
#include "analyzer/witness.hpp"

namespace untrack::analyzer {
namespace {

using model::ChainId;
using model::Family;
using model::Hook;
using model::RuleId;
using model::Ruleset;
using model::TargetKind;
using packet::Packet;
using packet::Truth;

/// Rules that are tried of each file.
constexpr std::size_t most_rules = 512;

bool is_nat(TargetKind t) {
    return t == TargetKind::dnat || t == TargetKind::snat || t == TargetKind::masquerade ||
           t == TargetKind::redirect || t == TargetKind::netmap;
}

/// The files of one family, taken apart by who loads their rules.
class BackEnds {
  public:
    BackEnds(const HostContext& host, Family family) : members_(host.members(family)) {
        bool warned = std::any_of(members_.begin(), members_.end(), [](const auto& m) {
            return legacy_warning(m.file->text).has_value();
        });
        for (const HostContext::Member& m : members_) {
            const model::RulesetText& text = m.file->text;
            bool of_nft = legacy_warning(text).has_value() || is_saved_by_iptables_nft(text);
            of_.emplace_back();
            for (std::size_t i = 0; i < m.file->ruleset.tables.size(); ++i)
                of_.back().push_back(text.nft() != nullptr
                                         ? (is_of_iptables(m.file->ruleset, model::TableId(i))
                                                ? BackEnd::iptables
                                                : BackEnd::nft)
                                     : warned && !of_nft ? BackEnd::legacy
                                                         : BackEnd::iptables);
        }
        for (const auto& tables : of_)
            for (BackEnd b : tables) present_[static_cast<std::size_t>(b)] = true;
    }

    [[nodiscard]] bool mixed() const {
        return std::count(present_.begin(), present_.end(), true) > 1;
    }
    [[nodiscard]] bool has(BackEnd back_end) const {
        return present_[static_cast<std::size_t>(back_end)];
    }
    /// Of the table of a ruleset of the host.
    [[nodiscard]] BackEnd of(const Ruleset& ruleset, ChainId chain) const {
        std::size_t i = 0;
        while (&members_[i].file->ruleset != &ruleset) ++i;
        return of_[i][ruleset.chain(chain).table.value];
    }
    /// Packets meet the rules of this one alone; made at the first use. Steps' rules have the
    /// numbers that they have in the host's rulesets.
    const packet::Tracer& tracer(BackEnd back_end) {
        auto& tracer = tracers_[static_cast<std::size_t>(back_end)];
        if (tracer == nullptr) {
            std::vector<const Ruleset*> rulesets;
            for (std::size_t i = 0; i < members_.size(); ++i) {
                auto n = std::count(of_[i].begin(), of_[i].end(), back_end);
                const Ruleset& whole = members_[i].file->ruleset;
                if (n == 0) continue;
                if (static_cast<std::size_t>(n) == of_[i].size()) {
                    rulesets.push_back(&whole);
                    continue;
                }
                Ruleset& part = parts_.emplace_back(whole);
                for (model::Chain& chain : part.chains)
                    chain.base = chain.base && of_[i][chain.table.value] == back_end;
                rulesets.push_back(&part);
            }
            tracer = std::make_unique<packet::Tracer>(rulesets);
        }
        return *tracer;
    }

  private:
    std::span<const HostContext::Member> members_;
    std::vector<std::vector<BackEnd>> of_;  ///< by member and table
    std::array<bool, 3> present_{};
    std::list<Ruleset> parts_;  ///< they refer to what the host's rulesets hold
    std::array<std::unique_ptr<packet::Tracer>, 3> tracers_;
};

/// Whether the refusal is about where packets come from: such lists are made to take from what
/// others accept.
bool is_blocklist(const FileContext& file, const packet::Step& refusal) {
    if (!refusal.rule.valid()) return false;
    auto path = path_to(file, refusal.rule);
    return !path || std::any_of(path->rules.begin(), path->rules.end(), [&](RuleId id) {
        return has_match(
            file.ruleset, file.ruleset.rule(id),
            {model::MatchKind::source, model::MatchKind::source_range, model::MatchKind::opaque});
    });
}

class Mixture {
  public:
    Mixture(const HostContext& host, Family family, HostReporter& report)
        : host_(host), family_(family), report_(report), back_ends_(host, family) {}

    void run() {
        for (const HostContext::Member& m : host_.members(family_)) {
            auto warning = legacy_warning(m.file->text);
            if (warning && !back_ends_.has(BackEnd::legacy))
                report_.add(m, *warning,
                            "iptables-legacy has tables, too, which this file does not show: "
                            "packets meet both, and what one accepts the other still drops; give "
                            "what iptables-legacy-save prints as well, and load all rules by one "
                            "of the two");
        }
        if (!back_ends_.mixed()) return;
        for (const HostContext::Member& m : host_.members(family_)) {
            for (const RulePath& path :
                 accepts_at(*m.file, {Hook::input, Hook::forward, Hook::output}, most_rules))
                accepts_in_vain(m, path);
            for (std::size_t i = 0; i < std::min(m.file->rules.nat.size(), most_rules); ++i)
                if (auto path = path_to(*m.file, m.file->rules.nat[i])) translates(m, *path);
        }
    }

  private:
    /// Once for each hook and back end: of an accept whose packets another back end refuses.
    void accepts_in_vain(const HostContext::Member& m, const RulePath& path) {
        const FileContext& file = *m.file;
        BackEnd own = back_ends_.of(file.ruleset, path.base);
        Hook hook = file.ruleset.chain(path.base).hook;
        if (said_.contains({own, hook, false})) return;
        for (packet::Path way : paths_through(hook)) {
            auto p = packet_on(file, way, path);
            if (!p) continue;
            packet::Trace whole = host_.tracer().trace(*p, false);
            const packet::Step& refusal = whole.decision;
            if (!is_refused(whole) || refusal.ruleset == nullptr ||
                back_ends_.of(*refusal.ruleset, refusal.chain) == own)
                continue;
            packet::Trace alone = back_ends_.tracer(own).trace(*p);
            if (alone.verdict != packet::Verdict::accept ||
                !met(alone, file, path.rules.back(), hook))
                continue;
            if (is_blocklist(file_of(*refusal.ruleset), refusal)) continue;
            said_.insert({own, hook, false});
            BackEnd other = back_ends_.of(*refusal.ruleset, refusal.chain);
            const model::Rule& rule = file.ruleset.rule(path.rules.back());
            Finding& finding = report_.add(
                m, file.target_range(rule),
                fmt::format("{} accepts these packets, and {} refuses them all the same by {}: an "
                            "accept ends no chain but its own; keep such rules in one of the two",
                            name(own), name(other), host_.describe(refusal, m)),
                path.rules.back());
            report_.details(m, finding).witness = *p;
            return;
        }
    }

    /// Once for each hook: of a translation whose packets another back end translates, too.
    void translates(const HostContext::Member& m, const RulePath& path) {
        const FileContext& file = *m.file;
        BackEnd own = back_ends_.of(file.ruleset, path.base);
        Hook hook = file.ruleset.chain(path.base).hook;
        const model::Rule& rule = file.ruleset.rule(path.rules.back());
        if (said_.contains({BackEnd::iptables, hook, true})) return;
        for (packet::Path way : paths_through(hook)) {
            auto p = packet_on(file, way, path);
            if (!p || !met(back_ends_.tracer(own).trace(*p), file, path.rules.back(), hook))
                continue;
            for (BackEnd other : {BackEnd::iptables, BackEnd::legacy, BackEnd::nft}) {
                if (other == own || !back_ends_.has(other)) continue;
                packet::Trace there = back_ends_.tracer(other).trace(*p);
                auto step =
                    std::find_if(there.steps.begin(), there.steps.end(), [&](const auto& s) {
                        return s.hook == hook && s.matched == Truth::yes && is_nat(s.action);
                    });
                // Two that do the same need not be told apart.
                if (step == there.steps.end() ||
                    (step->action == rule.target && rule.target == TargetKind::masquerade))
                    continue;
                said_.insert({BackEnd::iptables, hook, true});
                Finding& finding = report_.add(
                    m, file.target_range(rule),
                    fmt::format("{} translates these packets, and so does {}: only the chain "
                                "that comes first at the hook does, and the other's rule never "
                                "sees them; keep NAT in one of the two",
                                name(own), name(other)),
                    path.rules.back());
                report_.details(m, finding).witness = *p;
                return;
            }
        }
    }

    /// A packet for the rule, in the state that all of the host's raw chains give it.
    [[nodiscard]] std::optional<Packet> packet_on(const FileContext& file, packet::Path way,
                                                  const RulePath& path) const {
        auto p = packet_for(file, way, {&path});
        if (!p) return std::nullopt;
        Truth untracked = host_.tracer().trace(*p, false).untracked;
        if (untracked == Truth::unknown) return std::nullopt;
        if (untracked == Truth::yes) p->state = packet::ConntrackState::untracked;
        return p;
    }

    static bool met(const packet::Trace& trace, const FileContext& file, RuleId rule, Hook hook) {
        return std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
            return s.rule == rule && s.hook == hook && s.matched == Truth::yes &&
                   s.ruleset->path == file.ruleset.path;
        });
    }

    [[nodiscard]] const FileContext& file_of(const Ruleset& ruleset) const {
        auto all = host_.members(family_);
        return *std::find_if(all.begin(), all.end(), [&](const auto& m) {
                    return &m.file->ruleset == &ruleset;
                })->file;
    }

    const HostContext& host_;
    Family family_;
    HostReporter& report_;
    BackEnds back_ends_;
    std::set<std::tuple<BackEnd, Hook, bool>> said_;  ///< whose accept, or any NAT, at which hook
};

}  // namespace

void ut505(const HostContext& host, HostReporter& report) {
    for (Family family : {Family::ip, Family::ip6}) Mixture(host, family, report).run();
}

}  // namespace untrack::analyzer
