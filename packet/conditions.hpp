// SPDX-License-Identifier: GPL-2.0-or-later
// The matches of a rule as packet sets: what packet/match.cpp says of one packet, said of all.
// The two are written apart and tested against each other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "packet/space.hpp"

namespace untrack::packet {

/// How a rule sees packets at the hook from which it is reached.
struct Sight {
    bool in = true;  ///< packets have come by an interface here; else its name is empty
    bool out = true;
    /// For -m addrtype: whether source and destination are known to be this host's own addresses,
    /// or known not to be.
    bool own_source = false;
    bool foreign_source = false;
    bool own_destination = false;
    bool forwarded = false;  ///< routed through this host: the destination is another host's
    /// The packet is the answer to the one that the levels describe: source and destination,
    /// ports and interfaces change places.
    bool answer = false;

    friend constexpr bool operator==(const Sight&, const Sight&) = default;
};

/// Which limits, counters and chances are taken for the same one.
enum class Occurrences : std::uint8_t {
    by_rule,  ///< those of the same rule of the same chain: two rulesets are compared as they stand
    by_text,  ///< those that say the same: a conversion's copy of a limit stands for the original
};

class Conditions {
  public:
    /// `host_has_nat`: an entry's tuple may differ from the packet's. `writes_followed`: the caller
    /// knows which rules change connections' marks before others read them.
    Conditions(PacketSpace& space, bool host_has_nat, Occurrences occurrences,
               bool writes_followed = false)
        : space_(space),
          pool_(space.pool()),
          nat_(host_has_nat),
          occurrences_(occurrences),
          writes_followed_(writes_followed) {}

    /// `inside` (a leaf) for packets that satisfy all matches of the rule, 0 for others.
    Diagram rule(const model::Ruleset& ruleset, model::RuleId rule, const Sight& sight,
                 Diagram inside = everything);
    /// The packets that satisfy one match of the rule.
    Diagram match(const model::Ruleset& ruleset, model::RuleId rule, const model::Match& match,
                  const Sight& sight);
    /// The packets for which a predicate answers yes.
    Diagram predicate(const std::string& key, std::string_view text, const Sight& sight,
                      bool counts = false);

  private:
    /// Allowed values by level: a product of intervals.
    struct Product {
        struct Restriction {
            std::uint32_t level;
            Intervals values;
        };
        std::vector<Restriction> restrictions;
        bool empty = false;
        void restrict(std::uint32_t level, Intervals values);
    };

    /// Adds the match to the product when it is one, and says whether it was.
    bool restrict(const model::Ruleset& r, const model::Match& m, const Sight& sight,
                  Product& product);
    void restrict_ports(Product& product, Field field, Intervals values) const;
    /// The values of masked addresses word by word; nothing when they fall into too many intervals.
    std::optional<std::vector<Intervals>> words(const model::MaskedAddress& a) const;
    Diagram product_set(Product& product, Diagram inside);
    Diagram address_set(const model::Ruleset& r, const model::Match& m, Field field,
                        const Sight& sight);
    Diagram masked_set(const model::MaskedAddress& a, Field field, const Sight& sight);
    Diagram port_set(Field field, const Intervals& values, const Sight& sight);
    Diagram icmp_set(const model::Match& m);
    Diagram mark_set(const model::Match& m);
    Diagram type_set(const model::Match& m, const Sight& sight);
    Diagram types_of(Field field, std::uint16_t types, bool own, bool foreign, bool forwarded,
                     const Sight& sight);
    Diagram conntrack_set(const model::Ruleset& r, const model::ConntrackMatch& c,
                          const Sight& sight);
    Diagram conntrack_in(const model::Ruleset& r, const model::ConntrackMatch& c, StateValue state,
                         const Sight& sight);
    Diagram opaque_set(const model::Ruleset& r, model::RuleId rule, const model::Match& m,
                       const Sight& sight);
    std::uint32_t occurrence(const model::Ruleset& r, model::RuleId rule);

    Diagram negate(Diagram set, bool negated) { return negated ? pool_.complement_of(set) : set; }
    [[nodiscard]] std::uint32_t level(Field field) const { return space_.level(field); }
    [[nodiscard]] std::uint32_t last(Field field) const {
        return pool_.last_value(space_.level(field));
    }

    PacketSpace& space_;
    DiagramPool& pool_;
    bool nat_;
    Occurrences occurrences_;
    bool writes_followed_;
    struct ChainOccurrences {
        std::map<std::string, std::uint32_t> seen;
        std::unordered_map<std::uint32_t, std::uint32_t> number;  ///< by rule
    };
    std::map<std::pair<const model::Ruleset*, std::uint32_t>, ChainOccurrences> occurrence_numbers_;
};

/// The states that a value of Field::state stands for, as bits.
model::StateSet state_bit(std::uint32_t value);
/// A rule's matches and target as text that two rulesets have in common when they mean the same.
std::string signature(const model::Ruleset& ruleset, model::RuleId rule);

}  // namespace untrack::packet
