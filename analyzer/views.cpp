// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/views.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "analyzer/rule.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace nft = parser::nft;

namespace {

/// Findings that say that something could be taken away.
enum class Idle : std::uint8_t { no, rule, chain };

Idle idle_kind(std::string_view code) {
    if (code == "UT219" || code == "UT301" || code == "UT302" || code == "UT304" || code == "UT308")
        return Idle::rule;
    return code == "UT303" ? Idle::chain : Idle::no;
}

class Contradictions {
  public:
    explicit Contradictions(std::span<const std::unique_ptr<FileContext>> views) : views_(views) {
        for (const auto& view : views) {
            const model::Ruleset& r = view->ruleset;
            std::uint32_t last = none;
            for (const model::Rule& rule : r.rules) {
                if (!rule.live) continue;
                Parts& parts = parts_[rule.line];
                ++parts.count;
                if (rule.line != last) ++parts.families;
                last = rule.line;
            }
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
                return !views_[f.view]->text.asks_named_set(rule_of(f)) && all_families_have(f) &&
                       idle_parts_.at(line(f)).size() >= parts_.at(line(f)).count;
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
    static constexpr std::uint32_t none = 0xffffffffU;
    struct Parts {
        std::size_t count = 0;     ///< rules of the model
        std::size_t families = 0;  ///< in which there are any
    };

    /// A rule that only counts is no rule of the model, and is not idle where it counts.
    [[nodiscard]] bool all_families_have(const Finding& f) const {
        const model::Ruleset& r = views_[f.view]->ruleset;
        bool both = r.table_of(rule_of(f)).name.starts_with("inet ");
        return parts_.at(line(f)).families == (both ? views_.size() : 1);
    }
    [[nodiscard]] const model::Rule& rule_of(const Finding& f) const {
        return views_[f.view]->ruleset.rule(f.rule);
    }
    [[nodiscard]] std::uint32_t line(const Finding& f) const { return rule_of(f).line; }

    std::span<const std::unique_ptr<FileContext>> views_;
    std::unordered_map<std::uint32_t, Parts> parts_;         ///< by line
    std::unordered_map<std::uint32_t, std::size_t> chains_;  ///< families, by the chain's place
    std::map<std::uint32_t, std::set<std::pair<std::uint8_t, std::uint32_t>>> idle_parts_;
    std::map<std::uint32_t, std::set<std::uint8_t>> idle_chains_;
};

/// Whether a rule jumps by a map with a name, whose elements others may change while the ruleset is
/// loaded: any chain may be entered then.
bool jumps_by_named_map(const nft::SyntaxTree& tree) {
    return std::any_of(tree.nodes.begin(), tree.nodes.end(), [](const nft::Node& n) {
        if (n.kind != nft::Kind::vmap) return false;
        const nft::Node* map = nft::child(n, std::size_t{1});
        return map != nullptr && map->kind == nft::Kind::set_ref;
    });
}

/// Whether a rule jumps in a way that the model does not follow: by a map of what nobody knows
/// (numgen).
bool jumps_unfollowed(const FileContext& view, const nft::SyntaxTree& tree) {
    const auto& all = view.ruleset.rules;
    return std::any_of(all.begin(), all.end(), [&](const model::Rule& rule) {
        if (rule.target != model::TargetKind::unknown) return false;
        const nft::Node& node = tree.nodes[rule.line];
        return std::any_of(&node, &node + node.size, [](const nft::Node& n) {
            return n.kind == nft::Kind::verdict && !n.leaf();
        });
    });
}

}  // namespace

void drop_what_others_contradict(std::span<const std::unique_ptr<FileContext>> views,
                                 std::vector<Finding>& findings) {
    auto says_unreached = [](const Finding& f) {
        return rules()[f.code].code == "UT303" || rules()[f.code].code == "UT106";
    };
    const nft::SyntaxTree* tree = views.empty() ? nullptr : views.front()->text.nft();
    if (tree != nullptr && std::any_of(findings.begin(), findings.end(), says_unreached) &&
        (jumps_by_named_map(*tree) ||
         std::any_of(views.begin(), views.end(),
                     [&](const auto& view) { return jumps_unfollowed(*view, *tree); })))
        findings.erase(std::remove_if(findings.begin(), findings.end(), says_unreached),
                       findings.end());
    auto is_idle = [](const Finding& f) { return idle_kind(rules()[f.code].code) != Idle::no; };
    if (std::any_of(findings.begin(), findings.end(), is_idle)) {
        Contradictions contradictions(views);
        for (const Finding& f : findings) contradictions.note(f);
        findings.erase(std::remove_if(findings.begin(), findings.end(),
                                      [&](const Finding& f) { return !contradictions.stands(f); }),
                       findings.end());
    }
    // A rule is idle for one reason here and for another there: the mildest is said.
    auto same = [](const Finding& a, const Finding& b) {
        if (a.range.end != b.range.end) return false;
        Idle kind = idle_kind(rules()[a.code].code);
        return kind == Idle::rule ? idle_kind(rules()[b.code].code) == kind : a.code == b.code;
    };
    std::size_t kept = 0;
    for (const Finding& f : findings) {
        bool said = false;
        for (std::size_t i = kept; i-- > 0 && findings[i].range.begin == f.range.begin;) {
            if (!same(findings[i], f)) continue;
            said = true;
            if (f.severity < findings[i].severity) findings[i] = f;
        }
        if (!said) findings[kept++] = f;
    }
    findings.resize(kept);
}

}  // namespace untrack::analyzer
