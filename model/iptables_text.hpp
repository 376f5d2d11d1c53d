// SPDX-License-Identifier: GPL-2.0-or-later
// The text of an iptables-restore file: Rule::line is a line of its tree.
#pragma once

#include "model/ruleset_text.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

class IptablesText final : public RulesetText {
  public:
    IptablesText(const parser::iptables::SyntaxTree& tree, const Ruleset& ruleset)
        : RulesetText(ruleset), tree_(tree) {}

    [[nodiscard]] std::string_view language() const override;
    [[nodiscard]] const parser::iptables::SyntaxTree* iptables() const override { return &tree_; }

    [[nodiscard]] TextRange range(const Rule& rule) const override;
    [[nodiscard]] TextRange target_range(const Rule& rule) const override;
    [[nodiscard]] TextRange match_range(const Rule& rule,
                                        std::span<const std::string_view> names) const override;
    [[nodiscard]] TextRange removal_range(const Rule& rule) const override;
    [[nodiscard]] std::string plain_text(const Rule& rule) const override;
    [[nodiscard]] std::string answering_rule(const Rule& rule, Hook hook,
                                             std::string_view out_interface) const override;

    [[nodiscard]] Ruleset with_target_texts() const override;
    [[nodiscard]] Ruleset reread(std::string_view changed) const override;

  private:
    [[nodiscard]] LineIndex make_lines(const TextPart& part) const override;
    [[nodiscard]] std::vector<TextError> syntax_errors() const override;
    [[nodiscard]] const parser::iptables::Line& line(const Rule& rule) const {
        return tree_.lines[rule.line];
    }

    const parser::iptables::SyntaxTree& tree_;
};

}  // namespace untrack::model
