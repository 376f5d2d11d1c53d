// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::ConntrackKey;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// Rules with keys, NOTRACK rules beside each, and accepts beside both that are tried.
constexpr std::size_t most_keys = 64;
constexpr std::size_t most_notrack = 256;
constexpr std::size_t most_accepts = 16;

std::string consequence(const FileContext& file, const model::Match& key) {
    switch (key.payload.opaque.key) {
        case ConntrackKey::connlimit:
            return fmt::format(
                "{} counts entries, which untracked connections have not: it does not "
                "limit how many are open",
                file.words("connlimit", "ct count"));
        case ConntrackKey::helper:
        case ConntrackKey::connlabel:
            return key.negated ? "untracked packets have no entry: this always matches them"
                               : "untracked packets have no entry: this never matches them";
        default:
            return "untracked packets have no entry: this never matches them";
    }
}

/// The ruleset with one rule's key open: as if there were an entry to read.
class Opened {
  public:
    explicit Opened(const model::Ruleset& ruleset) : ruleset_(ruleset) {}

    /// A packet that the NOTRACK rule takes, and about which the key decides.
    std::optional<Packet> decided_by_key(const FileContext& file, model::RuleId id,
                                         const std::vector<RulePath>& notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        auto path = path_to(file, id);
        const model::Match* key = model::entry_key(file.ruleset, rule);
        if (!path || key == nullptr) return std::nullopt;
        model::Ruleset opened = ruleset_;
        for (std::size_t i = 0; i < rule.match_count; ++i) {
            model::Match& m = opened.matches[rule.first_match + i];
            if (&file.ruleset.matches[rule.first_match + i] == key)
                m.payload.opaque.key = ConntrackKey::none;
            else if (key->payload.opaque.key == ConntrackKey::connlimit &&
                     m.kind == model::MatchKind::state && !m.negated &&
                     (m.payload.state & model::state_new) != 0)
                m.kind = model::MatchKind::comment;  // a limit of new connections limits none now
        }
        const model::Ruleset* host[] = {&opened};
        packet::Tracer tracer(host);
        std::string text(file.ruleset.string(key->payload.opaque.text));
        auto proves = [&](const Packet& p) {
            packet::Assumption holds{text, true};
            packet::Assumption fails{text, false};
            packet::Trace yes = tracer.trace(p, false, {&holds, 1});
            packet::Trace no = tracer.trace(p, false, {&fails, 1});
            return yes.untracked == Truth::yes && no.untracked == Truth::yes &&
                   yes.verdict != Verdict::unknown && no.verdict != Verdict::unknown &&
                   (yes.verdict == Verdict::accept) != (no.verdict == Verdict::accept);
        };
        std::vector<RulePath> accepts =
            accepts_at(file, {file.ruleset.chain(path->base).hook}, most_accepts);
        for (std::size_t i = 0; i < notrack.size() && i < most_notrack; ++i) {
            if (auto p = witness(file, {&notrack[i], &*path}, proves)) return p;
            for (const RulePath& accept : accepts)
                if (auto p = witness(file, {&notrack[i], &*path, &accept}, proves)) return p;
        }
        return std::nullopt;
    }

  private:
    const model::Ruleset& ruleset_;
};

}  // namespace

void ut215(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.uses.empty()) return;
    std::vector<RulePath> notrack;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id)) notrack.push_back(std::move(*path));
    std::size_t tried = 0;
    for (const model::ConntrackUse& use : file.rules.uses) {
        if (!use.rule.valid()) continue;
        const model::Match* key = model::entry_key(file.ruleset, file.ruleset.rule(use.rule));
        if (key == nullptr) continue;
        if (++tried > most_keys) return;
        auto p = Opened(file.ruleset).decided_by_key(file, use.rule, notrack);
        if (!p) continue;
        Finding& finding = report.add_text(
            file.range(file.ruleset.rule(use.rule)),
            fmt::format("{}, though what becomes of them hangs on it, for example {}; decide by "
                        "what the packet itself says, or leave the service tracked",
                        consequence(file, *key), packet::to_words(*p)),
            use.rule);
        report.details(finding).witness = *p;
    }
}

}  // namespace untrack::analyzer
