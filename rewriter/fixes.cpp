// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/fixes.hpp"

#include <algorithm>
#include <array>

#include "model/equality.hpp"
#include "model/refusals.hpp"
#include "packet/compare.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::rewriter {
namespace {

using analyzer::Fix;
using analyzer::FixKind;

constexpr std::size_t most_rounds = 10;
/// Drafts of one round that are read and looked at, and of how many rules all those may be that
/// the packet sets compare: what is too much for them shall not take for ever.
constexpr std::size_t most_drafts = 64;
constexpr std::size_t most_proofs = 32;
constexpr std::size_t rules_for_proofs = 60000;

enum class Answer : std::uint8_t { yes, no, undecided, unreadable };

std::size_t count_refusals(const Draft& draft) {
    std::size_t count = 0;
    for (const model::RulesetText* text : draft.views())
        if (const auto* tree = text->iptables())
            count += model::refusals(*tree, text->ruleset, model::ChainJumps(text->ruleset)).size();
    return count;
}

/// How many of them the draft has: what is read here but refused or cut by the tools.
std::size_t count_notes(const Draft& draft) {
    std::size_t count = 0;
    for (const model::RulesetText* text : draft.views())
        if (const auto* tree = text->iptables()) count += tree->notes.size();
    return count;
}

/// Whether iptables loads something else without a word than what is understood here: then no proof
/// is about what the kernel has.
bool is_loaded_otherwise(const Draft& draft) {
    using parser::iptables::NoteKind;
    for (const model::RulesetText* text : draft.views()) {
        const auto* tree = text->iptables();
        if (tree == nullptr) continue;
        for (const auto& note : tree->notes)
            if (note.kind == NoteKind::nul_byte || note.kind == NoteKind::long_line ||
                note.kind == NoteKind::unterminated_quote)
                return true;
    }
    return false;
}

bool has_errors(const Draft& draft) {
    auto views = draft.views();
    return std::any_of(views.begin(), views.end(),
                       [](const auto* text) { return !text->errors().empty(); });
}

/// Rulesets of a draft with target texts, by family.
std::vector<model::Ruleset> rulesets_of(const Draft& draft) {
    std::vector<model::Ruleset> out;
    // A vector that grows would copy them, and a copy's texts are those of what it was made from.
    out.reserve(draft.views().size());
    for (const model::RulesetText* text : draft.views()) out.push_back(text->with_target_texts());
    return out;
}

/// One round: which of a draft's fixes are done.
class Round {
  public:
    Round(const Draft& draft, Fixed& out, const FixOptions& options)
        : draft_(draft),
          out_(out),
          options_(options),
          refusals_(count_refusals(draft)),
          notes_(count_notes(draft)),
          loaded_otherwise_(is_loaded_otherwise(draft)) {
        std::size_t rules = 1;
        for (const model::RulesetText* text : draft.views()) rules += text->ruleset.rules.size();
        proofs_left_ = std::clamp<std::size_t>(rules_for_proofs / rules, 3, most_proofs);
    }

    void run(const analyzer::Findings& findings) {
        read(findings);
        take(FixKind::spelling, [&](const Draft& after) { return same_rules(after); });
        // Of lines that may go for each other one must stay: no removal is taken on trust.
        take(FixKind::removal,
             [&](const Draft& after) { return same_meaning(after, !options_.unsafe); });
        take(FixKind::correction, [&](const Draft& after) {
            return options_.unsafe ? Answer::yes : same_meaning(after, true);
        });
    }

    /// The draft with all that was taken; nullptr when nothing was.
    [[nodiscard]] std::unique_ptr<Draft> draft() { return std::move(best_); }
    [[nodiscard]] std::vector<TextEdit> edits() const { return edits_of({}); }
    [[nodiscard]] std::size_t taken() const { return taken_.size(); }

  private:
    /// A fix and the bytes that it is about, from its first edit to its last.
    struct Candidate {
        TextRange range;
        const Fix* fix;
    };
    using Candidates = std::vector<Candidate>;

    void read(const analyzer::Findings& findings) {
        for (const analyzer::Finding& finding : findings.list) {
            const analyzer::FindingDetails* details = findings.details_of(finding);
            if (details == nullptr || details->fixes.empty()) continue;
            const Fix& fix = details->fixes.front();
            TextRange range = fix.edits.front().range;
            for (const TextEdit& edit : fix.edits) {
                range.begin = std::min(range.begin, edit.range.begin);
                range.end = std::max(range.end, edit.range.end);
            }
            if (range.end > draft_.text().size()) {
                ++out_.elsewhere;
            } else {
                of_kind_[static_cast<std::size_t>(fix.kind)].push_back({range, &fix});
            }
        }
        for (Candidates& list : of_kind_)
            std::stable_sort(list.begin(), list.end(), [](const Candidate& a, const Candidate& b) {
                return a.range.begin < b.range.begin;
            });
    }

    /// Whether one ends before the other, which begins there at most when it is another line.
    [[nodiscard]] bool stand_apart(TextRange first, TextRange second) const {
        return first.end < second.begin ||
               (first.end == second.begin && first.end > 0 && draft_.text()[first.end - 1] == '\n');
    }
    [[nodiscard]] bool is_free(TextRange range) const {
        auto next = std::lower_bound(
            taken_.begin(), taken_.end(), range.begin,
            [](const Candidate& c, std::uint32_t offset) { return c.range.begin < offset; });
        return (next == taken_.end() || stand_apart(range, next->range)) &&
               (next == taken_.begin() || stand_apart((next - 1)->range, range));
    }

    /// Takes as many fixes of the kind as can be. Of those that touch each other the first is
    /// tried first; where one was taken the others have to wait for the next round.
    template <typename Test>
    void take(FixKind kind, Test test) {
        drafts_left_ = most_drafts;
        Candidates waiting = std::move(of_kind_[static_cast<std::size_t>(kind)]);
        while (!waiting.empty()) {
            Candidates now;
            Candidates later;
            for (const Candidate& c : waiting) {
                if (!is_free(c.range)) continue;
                bool apart = now.empty() || stand_apart(now.back().range, c.range);
                (apart ? now : later).push_back(c);
            }
            take(std::span<const Candidate>(now), test);
            waiting = std::move(later);
        }
    }
    /// All together at best, on top of what was taken.
    template <typename Test>
    void take(std::span<const Candidate> candidates, Test test) {
        if (candidates.empty()) return;
        if (drafts_left_ == 0) {
            out_.undecided += candidates.size();
            return;
        }
        --drafts_left_;
        std::unique_ptr<Draft> after =
            draft_.with(apply_edits(draft_.text(), edits_of(candidates)));
        Answer answer = readable(*after) ? test(*after) : Answer::unreadable;
        if (answer == Answer::yes) {
            taken_.insert(taken_.end(), candidates.begin(), candidates.end());
            std::sort(taken_.begin(), taken_.end(), [](const Candidate& a, const Candidate& b) {
                return a.range.begin < b.range.begin;
            });
            best_ = std::move(after);
        } else if (candidates.size() == 1) {
            ++(answer == Answer::no          ? out_.unsafe
               : answer == Answer::undecided ? out_.undecided
                                             : out_.unreadable);
        } else {
            after.reset();
            take(candidates.first(candidates.size() / 2), test);
            take(candidates.subspan(candidates.size() / 2), test);
        }
    }

    /// Of what was taken and these.
    [[nodiscard]] std::vector<TextEdit> edits_of(std::span<const Candidate> candidates) const {
        std::vector<TextEdit> out;
        for (std::span<const Candidate> list : {std::span<const Candidate>(taken_), candidates})
            for (const Candidate& c : list)
                out.insert(out.end(), c.fix->edits.begin(), c.fix->edits.end());
        sort_edits(out);
        return out;
    }

    [[nodiscard]] bool readable(const Draft& after) const {
        return !has_errors(after) && count_refusals(after) <= refusals_ &&
               count_notes(after) <= notes_;
    }

    const std::vector<model::Ruleset>& before() {
        if (before_.empty()) before_ = rulesets_of(draft_);
        return before_;
    }

    /// Rule for rule; what is not so may be the same, but then a spelling is not what was changed.
    Answer same_rules(const Draft& after) {
        std::vector<model::Ruleset> now = rulesets_of(after);
        bool same = std::equal(before().begin(), before().end(), now.begin(), now.end(),
                               model::equal_rulesets);
        return same ? Answer::yes : Answer::undecided;
    }

    Answer same_meaning(const Draft& after, bool effects) {
        if (proofs_left_ == 0 || loaded_otherwise_) return Answer::undecided;
        --proofs_left_;
        std::vector<model::Ruleset> now = rulesets_of(after);
        packet::CompareOptions options;
        options.effects = effects;
        options.most_differences = 1;
        Answer answer = Answer::yes;
        for (model::Family family : {model::Family::ip, model::Family::ip6}) {
            // A family that nothing is said of has no ruleset.
            std::vector<const model::Ruleset*> old_host;
            std::vector<const model::Ruleset*> new_host;
            for (const model::Ruleset& r : before())
                if (r.family == family) old_host.push_back(&r);
            for (const model::Ruleset& r : now)
                if (r.family == family) new_host.push_back(&r);
            if (old_host.empty() && new_host.empty()) continue;
            switch (packet::compare(family, old_host, new_host, options).result) {
                case packet::Sameness::different:
                    return Answer::no;
                case packet::Sameness::undecided:
                    answer = Answer::undecided;
                    break;
                case packet::Sameness::same:
                    break;
            }
        }
        return answer;
    }

    const Draft& draft_;
    Fixed& out_;
    const FixOptions& options_;
    std::size_t refusals_;
    std::size_t notes_;
    bool loaded_otherwise_;
    std::size_t proofs_left_;
    std::size_t drafts_left_ = 0;
    std::array<Candidates, 3> of_kind_;  ///< by place
    Candidates taken_;                   ///< by place
    std::unique_ptr<Draft> best_;
    std::vector<model::Ruleset> before_;
};

}  // namespace

Fixed fix(Draft& first, const FixOptions& options) {
    Fixed out;
    Draft* draft = &first;
    const std::size_t size = first.text().size();
    for (std::size_t i = 0;; ++i) {
        out.unsafe = out.undecided = out.unreadable = out.elsewhere = 0;
        if (i == most_rounds) {
            out.settled = false;
            return out;
        }
        Round round(*draft, out, options);
        round.run(draft->lint());
        if (round.taken() == 0) return out;
        out.edits = chain_edits(size, out.edits, round.edits());
        out.findings += round.taken();
        out.draft = round.draft();
        draft = out.draft.get();
    }
}

}  // namespace untrack::rewriter
