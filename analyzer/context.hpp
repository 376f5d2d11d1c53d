// SPDX-License-Identifier: GPL-2.0-or-later
// What lint rules look at, and where they put what they find. One pass sorts a file's rules by what
// they do, so that no lint rule has to go through all of them again.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "analyzer/finding.hpp"
#include "base/made_once.hpp"
#include "model/chain_jumps.hpp"
#include "model/conntrack_facts.hpp"
#include "model/ruleset_text.hpp"
#include "packet/chain_graph.hpp"
#include "packet/coverage.hpp"
#include "packet/trace.hpp"

namespace untrack::analyzer {

/// The findings of one file.
class Findings {
  public:
    std::vector<Finding> list;
    std::vector<Finding> suppressed;  ///< what the file's comments took from the list
    std::vector<Finding> known;       ///< what a baseline took from it

    void add(Finding finding) { list.push_back(finding); }
    /// Keeps a text that is made for one finding.
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
    FindingDetails& details(Finding& finding);
    /// Takes over what another list holds.
    void append(Findings&& others);
    [[nodiscard]] const FindingDetails* details_of(const Finding& finding) const {
        return finding.details < details_.size() ? &details_[finding.details] : nullptr;
    }

  private:
    std::list<std::string> texts_;
    std::vector<FindingDetails> details_;
};

/// Rules of the ruleset by what they do, each list in file order; rules that the file removes again
/// are in none.
struct RuleLists {
    std::vector<model::ConntrackUse> uses;  ///< with the kernel profile in force
    std::vector<model::RuleId> notrack;     ///< in any table
    std::vector<model::RuleId> ct_templates;
    std::vector<model::RuleId> nat;
    std::vector<model::RuleId> state_matches;  ///< -m state, -m conntrack
    std::vector<model::RuleId> other_icmp;     ///< -p with the other family's ICMP
    std::vector<model::RuleId> unknown;        ///< with a match or target that is not known
    /// Accepts that ask for a source port and for no destination port.
    std::vector<model::RuleId> accepts_by_source_port;
    bool synproxy = false;
};

/// One file for all lint rules, which may run at the same time.
class FileContext {
  public:
    FileContext(const model::RulesetText& text, model::KernelProfile kernel,
                std::size_t threads = 1);

    const model::RulesetText& text;
    const model::Ruleset& ruleset;
    const model::KernelProfile kernel;
    /// Whether fixes of spelling are shown to keep the meaning. Who only prints that there are
    /// fixes may do without: they are safe when they can be read at all, and whoever applies them
    /// looks again.
    bool proves_spelling = true;
    RuleLists rules;
    model::ChainJumps jumps;

    /// Whether a base chain leads to the chain.
    [[nodiscard]] bool reachable(model::ChainId chain) const {
        return base_of_[chain.value].valid();
    }
    /// What the base chain is there for that leads to the chain first; none for chains that nothing
    /// reaches.
    [[nodiscard]] model::ChainRole role(model::ChainId chain) const {
        return reachable(chain) ? ruleset.chain(base_of_[chain.value]).role
                                : model::ChainRole::none;
    }
    /// The jump by which the chain was reached first from a base chain; none for base chains and
    /// chains that nothing reaches.
    [[nodiscard]] model::RuleId reached_by(model::ChainId chain) const {
        return reached_by_[chain.value];
    }
    /// Made at the first use: most files need none.
    [[nodiscard]] const packet::Tracer& tracer() const;
    /// The same without the chains that only filter: raw, mangle and nat.
    [[nodiscard]] const packet::Tracer& treatment_tracer() const;
    /// Raw alone, which decides what is tracked.
    [[nodiscard]] const packet::Tracer& raw_tracer() const;
    /// Without raw and nat: for packets that NAT has translated.
    [[nodiscard]] const packet::Tracer& filter_tracer() const;
    [[nodiscard]] const packet::ChainGraph& graph() const;
    /// Which rules packets reach, exactly; made at the first use.
    [[nodiscard]] const packet::Coverage& coverage() const;
    /// nullptr when nobody has asked; for rules that run after the others.
    [[nodiscard]] const packet::Coverage* coverage_if_made() const { return coverage_.if_made(); }
    /// Whether the ruleset is the same, by packet sets and with its effects, without all rules that
    /// the coverage calls repeated or followed; asked once.
    [[nodiscard]] bool removal_is_safe() const;
    /// The ruleset with its targets' texts, for telling targets apart; made at the first use.
    [[nodiscard]] const model::Ruleset& with_texts() const;

    /// Of two wordings the one for who writes files of this language.
    [[nodiscard]] std::string_view words(std::string_view iptables, std::string_view nft) const {
        return text.nft() != nullptr ? nft : iptables;
    }
    [[nodiscard]] TextRange range(const model::Rule& rule) const { return text.range(rule); }
    [[nodiscard]] TextRange match_range(const model::Rule& rule,
                                        std::initializer_list<std::string_view> names) const {
        return text.match_range(rule, {names.begin(), names.size()});
    }
    [[nodiscard]] TextRange target_range(const model::Rule& rule) const {
        return text.target_range(rule);
    }
    /// The line number of a rule, from 1.
    [[nodiscard]] std::uint32_t line_number(const model::Rule& rule) const {
        return text.line_number(rule);
    }
    [[nodiscard]] std::string_view table_name(const model::Rule& rule) const {
        return ruleset.table_of(rule).name;
    }

  private:
    void sort_rules();
    void find_uses();
    void find_reachable();

    std::vector<model::ChainId> base_of_;  ///< none: nothing reaches the chain
    std::vector<model::RuleId> reached_by_;
    mutable MadeOnce<packet::Tracer> tracer_;
    mutable MadeOnce<packet::Tracer> treatment_tracer_;
    mutable MadeOnce<packet::Tracer> raw_tracer_;
    mutable MadeOnce<packet::Tracer> filter_tracer_;
    mutable MadeOnce<packet::ChainGraph> graph_;
    mutable MadeOnce<model::Ruleset> with_texts_;
    mutable MadeOnce<packet::Coverage> coverage_;
    mutable MadeOnce<bool> removal_is_safe_;
};

/// Where one lint rule reports.
class Reporter {
  public:
    Reporter(Findings& findings, RuleIndex code, Severity severity)
        : findings_(findings), code_(code), severity_(severity) {}

    /// With a text that lives for ever.
    Finding& add(TextRange range, std::string_view message, model::RuleId rule = {});
    /// With a text made for this finding.
    Finding& add_text(TextRange range, std::string message, model::RuleId rule = {}) {
        return add(range, findings_.keep(std::move(message)), rule);
    }
    /// Keeps a text that is made for many findings.
    std::string_view keep(std::string text) { return findings_.keep(std::move(text)); }
    FindingDetails& details(Finding& finding) { return findings_.details(finding); }

  private:
    Findings& findings_;
    RuleIndex code_;
    Severity severity_;
};

}  // namespace untrack::analyzer
