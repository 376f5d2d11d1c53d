// SPDX-License-Identifier: GPL-2.0-or-later
// Are two hosts' rulesets the same for every packet in every state? When not: packets that show it,
// and where each was decided.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "packet/evaluate.hpp"
#include "packet/order.hpp"

namespace untrack::packet {

enum class DifferenceKind : std::uint8_t {
    lost,       ///< passed before, does not pass after
    opened,     ///< did not pass before, passes after
    tracked,    ///< untracked before, tracked after
    untracked,  ///< tracked before, untracked after
    nat,        ///< translated in another way
    effect,     ///< dropped instead of rejected; or other marks, logs, counters
};
std::string_view name(DifferenceKind kind);

/// What one of the rulesets did with a packet, and the rule or policy that decided.
struct Decision {
    Fate fate = Fate::accept;
    bool untracked = false;
    std::optional<Step> step;         ///< none when the verdict is a program's or an absent chain's
    std::vector<std::string> nat;     ///< translations
    std::vector<std::string> events;  ///< with effects: logs and the like, in their order
};

struct Difference {
    DifferenceKind kind = DifferenceKind::lost;
    Way way = Way::input;
    Packet witness;
    std::vector<std::uint32_t> values;  ///< the same packet in the packet space
    /// Predicates that must answer so for the packet to be treated differently.
    std::vector<std::pair<Predicate, bool>> hangs_on;
    Decision before;
    Decision after;
};

enum class Sameness : std::uint8_t { same, different, undecided };

struct Comparison {
    Sameness result = Sameness::same;
    std::vector<Difference> differences;  ///< by kind and by the rules that decide
    bool more = false;                    ///< there are further ones
    std::vector<std::string> undecided;   ///< why nothing is certain: sentences
};

struct CompareOptions {
    bool effects = false;                    ///< marks, logs, counters and sets too
    std::size_t most_differences = 20;       ///< after so many `more` is set
    std::size_t most_words = default_words;  ///< of one pool, four bytes each
};

/// Of one family. Rulesets lowered with target texts; of a family that a host has no ruleset of,
/// everything passes.
Comparison compare(model::Family family, Host before, Host after, const CompareOptions& options);

/// Two evaluated hosts in one packet space: what compare() and the proof of a conversion ask.
class Pair {
  public:
    Pair(PacketSpace& space, Host before, Host after, const EvaluateOptions& options);

    PacketSpace& space;
    DiagramPool& pool;
    Outcomes outcomes;
    Evaluator before;
    Evaluator after;

    /// Everything but what the comparison is about, taken out of the outcomes.
    Diagram projected(const Evaluator& host, Diagram outcomes, bool effects);
    /// Packets that go the way and are in both, decided differently there.
    Diagram differing(Way way, Diagram domain, bool effects);
    /// The difference that a packet of the set (not empty) shows.
    Difference difference(Diagram set, Way way);
    /// The packets that the rules deciding a difference have in common: the next one lies outside.
    Diagram alike(const Difference& difference, Diagram set);
    /// What becomes of packets that go the way.
    Diagram way_of(bool is_after, Way way);
    /// The part of a set that hangs on no predicate; else the part in which predicates that may be
    /// two names of one thing give one answer; nothing when neither is there.
    Diagram certain(Diagram set);

  private:
    Decision decision(const Evaluator& host, const Tracer& tracer, const PacketSpace::Witness& w,
                      Way way);
    std::map<Way, Diagram> ways_[2];
    bool answers_;
    Tracer before_tracer_;
    Tracer after_tracer_;
};

/// What of the rulesets of a family is not followed: whatever is said of them hangs on it.
std::vector<std::string> unfollowed(model::Family family, Host before, Host after);
/// Why states that raw tests are not known: a chain's summary has NOTRACK decide them, whatever CT
/// target came before the chain. Empty when there are none.
std::vector<std::string> contested_states(model::Family family, Host before, Host after);
/// Whether the rules are the same, one by one, in chains that are called at the same places.
bool same_rules(Host before, Host after, model::Family family);

}  // namespace untrack::packet
