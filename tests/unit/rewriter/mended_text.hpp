// SPDX-License-Identifier: GPL-2.0-or-later
// A text before and after its fixes, for tests: read as the program reads files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "analyzer/driver.hpp"
#include "model/nft_text.hpp"
#include "rewriter/fixes.hpp"
#include "tests/unit/ruleset_text.hpp"

namespace untrack::test {

struct Mending {
    std::vector<std::string> select;
    bool unsafe = false;
    model::Family family = model::Family::ip;  ///< of an iptables text
    model::KernelProfile kernel = model::KernelProfile::modern;
};

class TextDraft final : public rewriter::Draft {
  public:
    TextDraft(std::string text, bool nft, const Mending& how)
        : text_(std::move(text)), nft_(nft), how_(how) {
        if (nft) {
            nft_tree_ = parser::nft::parse(text_);
            for (model::Family family : {model::Family::ip, model::Family::ip6}) {
                auto view = std::make_unique<View>();
                view->ruleset = model::lower(nft_tree_, {family, "test.nft"});
                view->text = std::make_unique<model::NftText>(nft_tree_, view->ruleset);
                views_.push_back(std::move(view));
            }
        } else {
            tree_ = parser::iptables::parse(text_);
            auto view = std::make_unique<View>();
            view->ruleset = model::lower(tree_, {how.family, "test.iptables"});
            view->text = std::make_unique<model::IptablesText>(tree_, view->ruleset);
            views_.push_back(std::move(view));
        }
    }

    [[nodiscard]] std::string_view text() const override { return text_; }
    [[nodiscard]] std::vector<const model::RulesetText*> views() const override {
        std::vector<const model::RulesetText*> out;
        for (const auto& view : views_) out.push_back(view->text.get());
        return out;
    }
    const analyzer::Findings& lint() override {
        std::vector<std::unique_ptr<analyzer::FileContext>> contexts;
        for (const auto& view : views_)
            contexts.push_back(
                std::make_unique<analyzer::FileContext>(*view->text, how_.kernel, 1));
        findings_ = analyzer::lint(contexts, analyzer::Selection::make(how_.select, {}).value(), 1);
        return findings_;
    }
    [[nodiscard]] std::unique_ptr<Draft> with(std::string text) const override {
        return std::make_unique<TextDraft>(std::move(text), nft_, how_);
    }

  private:
    struct View {
        model::Ruleset ruleset;
        std::unique_ptr<model::RulesetText> text;
    };
    std::string text_;
    bool nft_;
    Mending how_;
    parser::iptables::SyntaxTree tree_;
    parser::nft::SyntaxTree nft_tree_;
    std::vector<std::unique_ptr<View>> views_;
    analyzer::Findings findings_;
};

/// What fix() made of a text; nftables text begins with "table" or "add".
struct Mended {
    std::string text;
    rewriter::Fixed fixed;

    Mended(const std::string& before, const Mending& how) {
        bool nft = before.starts_with("table ") || before.starts_with("add ");
        TextDraft first(before, nft, how);
        fixed = rewriter::fix(first, {how.unsafe});
        text = apply_edits(before, fixed.edits);
        EXPECT_EQ(text, fixed.draft ? std::string(fixed.draft->text()) : before);
        TextDraft again(text, nft, how);
        EXPECT_EQ(rewriter::fix(again, {how.unsafe}).draft, nullptr) << "a second run changes\n"
                                                                     << text;
    }
};

}  // namespace untrack::test
