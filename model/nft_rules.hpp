// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower_nft(): one rule's statements as rules of the model.
//
// Statements work one after the other, and each sees what those before it did. A rule of the model
// asks all its matches first, and then does one thing. So every effect is a rule of its own with
// all matches that stand before it; where it may change what they ask (a mark that is tested and
// set, a limit that would count twice), what follows goes to a chain of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/nft_matches.hpp"

namespace untrack::model {

class NftRules {
  public:
    /// `new_chain` makes a chain without a name for the rest of a rule in the table of `like`.
    NftRules(Ruleset& ruleset, NftScope& scope, bool target_texts,
             std::function<ChainId(ChainId like)> new_chain)
        : r_(ruleset),
          scope_(scope),
          matches_(ruleset, scope),
          target_texts_(target_texts),
          new_chain_(std::move(new_chain)) {}

    /// Rules of other chains that a rule's own came to need, by chain, in their order.
    struct Placed {
        ChainId chain;
        RuleId rule;
    };
    /// The rules of the model for a rule of the file, in that chain. All chains of its table are
    /// there already.
    void lower(const nft::Node& rule, std::uint32_t index, ChainId chain, std::vector<Placed>& out);

  private:
    struct Way {
        Conjunction matches;
        std::uint32_t first = 0;  ///< in Ruleset::matches, once a rule has them
        std::uint16_t count = 0;
        bool written = false;
    };
    void statements(const nft::Node& parent);
    void statement(const nft::Node& s);
    void narrow(Disjunction d);
    void narrow(Match m) { narrow(Disjunction{{m}}); }
    Rule& emit(TargetKind target, std::string_view name, const nft::Node& node);
    void emit_for(const Conjunction& more, Rule rule, std::string_view text);
    void effect(TargetKind target, std::string_view name, const nft::Node& node,
                std::uint32_t data = 0);
    void ends(TargetKind target, std::string_view name, const nft::Node& node,
              std::uint32_t data = 0);
    void verdict(const nft::Node& v, const Conjunction& more);
    void jump(const nft::Node& v, const nft::Node& name, const Conjunction& more);
    void subchain(const nft::Node& s);
    void verdict_map(const nft::Node& v);
    void nat(const nft::Node& s, TargetKind target);
    void assign(const nft::Node& s);
    void assign_mark(const nft::Node& s, const nft::Node& value);
    [[nodiscard]] std::optional<std::uint32_t> mark_number(const nft::Node* node) const;
    [[nodiscard]] std::optional<MarkChange> mark_change(const nft::Node& value) const;
    void update_set(const nft::Node& s);
    void limited(const nft::Node& s, ConntrackKey key = ConntrackKey::none);
    [[nodiscard]] bool changed_by(TargetKind target) const;
    void begin_chain(TargetKind with);
    [[nodiscard]] Translation translation(const nft::Node& s) const;
    void read_ports(const nft::Node& port, Translation& out) const;

    Ruleset& r_;
    NftScope& scope_;
    NftMatches matches_;
    bool target_texts_;
    std::function<ChainId(ChainId)> new_chain_;

    std::uint32_t index_ = 0;
    ChainId chain_;
    bool inside_ = false;  ///< in a chain of the rule's own
    std::vector<Way> ways_;
    std::vector<Placed>* out_ = nullptr;
};

}  // namespace untrack::model
