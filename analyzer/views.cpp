// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/views.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "analyzer/rule.hpp"

namespace untrack::analyzer {
namespace {

/// Findings that say that something could be taken away.
enum class Idle : std::uint8_t { no, rule, chain };

Idle idle_kind(std::string_view code) {
    if (code == "UT301" || code == "UT302" || code == "UT304" || code == "UT308") return Idle::rule;
    return code == "UT303" ? Idle::chain : Idle::no;
}

class Contradictions {
  public:
    explicit Contradictions(std::span<const std::unique_ptr<FileContext>> views) : views_(views) {
        for (const auto& view : views) {
            const model::Ruleset& r = view->ruleset;
            for (const model::Rule& rule : r.rules)
                if (rule.live) ++parts_[rule.line];
            // Those that the rest of a rule was put into are declared nowhere.
            for (const model::Chain& c : r.chains)
                if (c.rule_count != 0 && !c.declared.empty()) ++chains_[c.declared.begin];
        }
    }

    void note(const Finding& f) {
        Idle kind = idle_kind(rules()[f.code].code);
        if (kind == Idle::rule) idle_parts_[line(f)].insert({f.view, f.rule.value});
        if (kind == Idle::chain) idle_chains_[f.range.begin].insert(f.view);
    }

    [[nodiscard]] bool stands(const Finding& f) const {
        switch (idle_kind(rules()[f.code].code)) {
            case Idle::rule:
                return !views_[f.view]->text.asks_named_set(rule_of(f)) &&
                       idle_parts_.at(line(f)).size() >= parts_.at(line(f));
            case Idle::chain: {
                auto all = chains_.find(f.range.begin);
                return all != chains_.end() && idle_chains_.at(f.range.begin).size() >= all->second;
            }
            case Idle::no:
                break;
        }
        return true;
    }

  private:
    [[nodiscard]] const model::Rule& rule_of(const Finding& f) const {
        return views_[f.view]->ruleset.rule(f.rule);
    }
    [[nodiscard]] std::uint32_t line(const Finding& f) const { return rule_of(f).line; }

    std::span<const std::unique_ptr<FileContext>> views_;
    std::unordered_map<std::uint32_t, std::size_t> parts_;   ///< rules of the model, by line
    std::unordered_map<std::uint32_t, std::size_t> chains_;  ///< families, by the chain's place
    std::map<std::uint32_t, std::set<std::pair<std::uint8_t, std::uint32_t>>> idle_parts_;
    std::map<std::uint32_t, std::set<std::uint8_t>> idle_chains_;
};

}  // namespace

void drop_what_others_contradict(std::span<const std::unique_ptr<FileContext>> views,
                                 std::vector<Finding>& findings) {
    auto is_idle = [](const Finding& f) { return idle_kind(rules()[f.code].code) != Idle::no; };
    if (std::any_of(findings.begin(), findings.end(), is_idle)) {
        Contradictions contradictions(views);
        for (const Finding& f : findings) contradictions.note(f);
        findings.erase(std::remove_if(findings.begin(), findings.end(),
                                      [&](const Finding& f) { return !contradictions.stands(f); }),
                       findings.end());
    }
    // A rule is idle for one reason here and for another there: the first is said.
    auto same = [](const Finding& a, const Finding& b) {
        if (a.range.end != b.range.end) return false;
        Idle kind = idle_kind(rules()[a.code].code);
        return kind == Idle::rule ? idle_kind(rules()[b.code].code) == kind : a.code == b.code;
    };
    std::size_t kept = 0;
    for (const Finding& f : findings) {
        bool said = false;
        for (std::size_t i = kept; i-- > 0 && findings[i].range.begin == f.range.begin;)
            said = said || same(findings[i], f);
        if (!said) findings[kept++] = f;
    }
    findings.resize(kept);
}

}  // namespace untrack::analyzer
