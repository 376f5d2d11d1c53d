// SPDX-License-Identifier: GPL-2.0-or-later
// The text of an nftables ruleset: Rule::line is a node of its tree.
#pragma once

#include "model/ruleset_text.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::model {

class NftText final : public RulesetText {
  public:
    NftText(const parser::nft::SyntaxTree& tree, const Ruleset& ruleset)
        : RulesetText(ruleset), tree_(tree) {
        for (const parser::nft::IncludedFile& file : tree.included) add_part(file.begin, file.path);
    }

    [[nodiscard]] std::string_view language() const override { return "nft"; }
    [[nodiscard]] const parser::nft::SyntaxTree* nft() const override { return &tree_; }

    /// A rule's statements; of a command ("add rule ...") all of it.
    [[nodiscard]] TextRange range(const Rule& rule) const override;
    [[nodiscard]] TextRange target_range(const Rule& rule) const override;
    [[nodiscard]] TextRange match_range(const Rule& rule,
                                        std::span<const std::string_view> names) const override;
    [[nodiscard]] TextRange removal_range(const Rule& rule) const override;
    [[nodiscard]] std::string plain_text(const Rule& rule) const override;
    [[nodiscard]] std::string answering_rule(const Rule& rule, Hook hook,
                                             std::string_view out_interface) const override;

    [[nodiscard]] bool asks_named_set(const Rule& rule) const override;

    [[nodiscard]] Ruleset with_target_texts() const override;
    [[nodiscard]] Ruleset reread(std::string_view changed) const override;

  private:
    [[nodiscard]] std::vector<TextError> syntax_errors() const override;
    [[nodiscard]] const parser::nft::Node& node(const Rule& rule) const {
        return tree_.nodes[rule.line];
    }

    const parser::nft::SyntaxTree& tree_;
};

}  // namespace untrack::model
