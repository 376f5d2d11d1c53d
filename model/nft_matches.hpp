// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower_nft(): expressions as matches. A rule of the model takes packets that satisfy all
// its matches; what an nft rule asks may be satisfied in several ways, each of them such a list.
#pragma once

#include <unordered_map>
#include <vector>

#include "model/nft_scope.hpp"
#include "model/nft_values.hpp"
#include "model/ruleset.hpp"

namespace untrack::model {

using Conjunction = std::vector<Match>;
/// No packet satisfies two of them.
using Disjunction = std::vector<Conjunction>;

constexpr bool negates(nft::Op op) {
    return op == nft::Op::ne || op == nft::Op::negated;
}
constexpr bool equates(nft::Op op) {
    return op == nft::Op::implicit || op == nft::Op::eq;
}

class NftMatches {
  public:
    NftMatches(Ruleset& ruleset, const NftScope& scope) : r_(ruleset), scope_(scope) {}

    /// For each rule anew: what it has asked of the protocol already.
    void begin_rule() {
        asked_protocol_ = 0;
        any_protocol_asked_ = false;
    }

    /// Adds a match that there is but one way to satisfy, without lists in between: nearly all.
    /// False, with nothing added, for others.
    bool append(const nft::Node& match, Conjunction& out);
    /// The packets of a match. What cannot be read is one opaque match.
    Disjunction match(const nft::Node& match);
    /// The packets whose key is an element's; nothing when it cannot be read. `any' is no question.
    std::optional<Disjunction> element(const nft::Node& left, const nft::Node& key);
    /// A predicate that the model does not look into.
    Match opaque(std::string_view text, OpaqueNature nature, ConntrackKey key, bool unknown) const;
    /// What no packet satisfies.
    static Match never();
    static bool is_never(const Conjunction& c);

  private:
    std::optional<Disjunction> key(const nft::Node& left, const nft::Node& key);
    std::optional<Disjunction> read(const nft::Node& left, nft::Op op, const nft::Node& right);
    std::optional<Disjunction> concatenated(const nft::Node& left, nft::Op op,
                                            const nft::Node& right);
    std::optional<Disjunction> masked(const NftSelector& s, const nft::Node& mask, nft::Op op,
                                      const nft::Node& right);
    [[nodiscard]] std::optional<Match> state(nft::Op op, const nft::Node& right) const;
    [[nodiscard]] bool has_ports(const NftSelector& s) const;
    static Match port_match(const NftSelector& s, PortRange ports);
    std::optional<Disjunction> flags(const NftSelector& s, nft::Op op, const nft::Node& right);
    std::optional<Disjunction> compared(const NftSelector& s, nft::Op op, const nft::Node& right);
    std::optional<Disjunction> values(const NftSelector& s, std::vector<NftValue>& values,
                                      bool negated);
    bool collect(const NftSelector& s, const nft::Node& right, std::vector<NftValue>& out) const;
    std::optional<std::uint32_t> bits(const NftSelector& s, const nft::Node& node) const;
    bool depends(const NftSelector& s, Conjunction& conjunction);
    /// Part of Ruleset::address_ranges.
    struct Pool {
        std::uint32_t first, size;
    };
    std::optional<Pool> address_set(const NftSelector& s, const nft::Node& which);
    [[nodiscard]] Match address(bool source, const AddressRange& range) const;
    std::optional<Disjunction> addresses(const NftSelector& s, const nft::Node& right,
                                         bool negated);
    Match ports(const NftSelector& s, std::vector<NftValue>& values) const;
    [[nodiscard]] Match single(const NftSelector& s, const NftValue& value) const;
    [[nodiscard]] static Match state_match(std::uint32_t states, bool negated);
    [[nodiscard]] static Match flags_match(std::uint32_t mask, std::uint32_t value, bool negated);
    static Match protocol_match(std::uint8_t protocol);
    static std::optional<Disjunction> only(Conjunction c);

    Ruleset& r_;
    const NftScope& scope_;
    std::unordered_map<const NftSet*, Pool> address_sets_;
    std::uint8_t asked_protocol_ = 0;
    bool any_protocol_asked_ = false;
};

/// Both: every pair of ways. Nothing when there are more than a rule may sensibly have.
std::optional<Disjunction> both(const Disjunction& a, const Disjunction& b);

}  // namespace untrack::model
