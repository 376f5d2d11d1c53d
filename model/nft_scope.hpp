// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower_nft(): what names stand for, variables and sets.
#pragma once

#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parser/nft/syntax.hpp"

namespace untrack::model {

namespace nft = parser::nft;

/// A set or map of a table: its elements as far as the file says.
struct NftSet {
    const nft::Node* declared = nullptr;
    std::vector<const nft::Node*> bodies;  ///< set_body
    /// Its elements come and go while the ruleset is loaded: rules add them, or they time out.
    bool changes = false;
    bool counts = false;  ///< declared with ct count
};

class NftScope {
  public:
    explicit NftScope(const nft::SyntaxTree& tree) : tree_(tree) {}

    [[nodiscard]] const nft::SyntaxTree& tree() const { return tree_; }
    [[nodiscard]] std::string_view text(const nft::Node& node) const {
        return tree_.value_of(node);
    }

    void define(std::string_view name, const nft::Node* value) { variables_[name] = value; }
    void undefine(std::string_view name) { variables_.erase(name); }
    /// What a variable stands for, and that again; the node itself when it is none. A variable that
    /// is not defined stays what it is.
    [[nodiscard]] const nft::Node& resolved(const nft::Node& node) const;

    /// The sets of the table whose rules are being read.
    using Sets = std::unordered_map<std::string_view, NftSet>;
    void set_table(Sets* sets) { sets_ = sets; }
    /// nullptr when the table has no such set.
    [[nodiscard]] const NftSet* set(std::string_view name) const;

    /// Calls `f` for each element of a set_body, a set_ref or a variable, those of variables in it
    /// included, until it returns false. False when that happened, or when the set is not there or
    /// changes.
    bool each_element(
        const nft::Node& set,
        const std::function<bool(const nft::Node& key, const nft::Node* data)>& f) const;

    /// What it says, spelled so that the same said otherwise has the same text: how rulesets are
    /// compared. Variables stand with their values, and named sets, if asked, with their elements.
    [[nodiscard]] std::string canonical(const nft::Node& node, bool with_elements = false) const;

  private:
    bool body(const nft::Node& set_body,
              const std::function<bool(const nft::Node& key, const nft::Node* data)>& f,
              unsigned depth) const;

    std::string canonical(std::string_view text, bool with_elements, unsigned depth) const;
    [[nodiscard]] std::string elements_of(std::string_view set, unsigned depth) const;

    const nft::SyntaxTree& tree_;
    std::map<std::string_view, const nft::Node*> variables_;
    Sets* sets_ = nullptr;
};

}  // namespace untrack::model
