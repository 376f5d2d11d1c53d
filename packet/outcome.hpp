// SPDX-License-Identifier: GPL-2.0-or-later
// What becomes of a packet at a rule, a chain or a whole path: its fate, and what was done to it on
// the way. Outcomes are numbered, so that they can be the leaves of diagrams; rulesets that are to
// be compared share one table.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace untrack::packet {

enum class Fate : std::uint8_t {
    on,    ///< to the next rule, chain or hook
    back,  ///< returned from the chain
    accept,
    drop,
    reject,
    lost,  ///< something was done that is not followed: nothing is known of what comes after
};

/// Where a group of a mark's bits comes from.
struct MarkSource {
    enum class Kind : std::uint8_t { kept, fixed, level } kind = Kind::kept;
    std::uint32_t value = 0;  ///< the fixed value, or the level of the unknown one
    friend constexpr auto operator<=>(const MarkSource&, const MarkSource&) = default;
};

/// What the packet's own conntrack state looks like to the rules that come next.
enum class SeenState : std::uint8_t {
    given,      ///< what conntrack says of it
    invalid,    ///< before conntrack has seen it
    untracked,  ///< NOTRACK
    new_,       ///< before conntrack has seen it, when nft has assigned a zone (measured)
};

struct Effect {
    SeenState state = SeenState::given;
    bool notracked = false;         ///< NOTRACK was the first CT target, and nothing took it back
    bool assigned = false;          ///< some CT target has been met: the first one wins
    bool takes_back = false;        ///< an assignment that wins over NOTRACK before it, too
    std::vector<MarkSource> marks;  ///< by group of the packet space; empty: all kept
    std::uint32_t nat = 0;          ///< translations, an id of Outcomes::sequence
    std::uint32_t events = 0;       ///< LOG, SET, ... in their order; the same
    /// What has changed connections' marks or sets that later rules read; the same.
    std::uint32_t writes = 0;
    friend auto operator<=>(const Effect&, const Effect&) = default;
};

struct Outcome {
    Fate fate = Fate::on;
    std::uint32_t effect = 0;
    std::uint32_t label = 0;  ///< of a reject: how; of a lost packet: on what; a text's id
    friend constexpr auto operator<=>(const Outcome&, const Outcome&) = default;
};

/// Number 0 is {on, no effect}.
class Outcomes {
  public:
    Outcomes();

    std::uint32_t number(const Outcome& outcome);
    std::uint32_t effect(const Effect& effect);
    std::uint32_t text(std::string_view text);
    [[nodiscard]] const Outcome& operator[](std::uint32_t number) const {
        return outcomes_[number];
    }
    [[nodiscard]] const Effect& effect_of(const Outcome& o) const { return effects_[o.effect]; }
    [[nodiscard]] const std::string& text_of(std::uint32_t id) const { return texts_[id]; }

    /// A sequence of events and one more.
    std::uint32_t sequence(std::uint32_t before, std::uint32_t text);
    /// The events of one sequence and then those of the other.
    std::uint32_t joined(std::uint32_t first, std::uint32_t second);
    /// Its events, as they happened.
    [[nodiscard]] std::vector<std::string> events(std::uint32_t sequence) const;

    /// First one effect, then the other.
    std::uint32_t after(std::uint32_t first, std::uint32_t second);
    /// An outcome of packets to which the effect has happened before.
    std::uint32_t outcome_after(std::uint32_t effect, std::uint32_t outcome);

  private:
    template <typename T>
    static std::uint32_t id_of(std::vector<T>& list, std::map<T, std::uint32_t>& ids,
                               const T& value);

    std::vector<Outcome> outcomes_;
    std::map<Outcome, std::uint32_t> outcome_ids_;
    std::vector<Effect> effects_;
    std::map<Effect, std::uint32_t> effect_ids_;
    std::vector<std::string> texts_;
    std::map<std::string, std::uint32_t> text_ids_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> sequences_;  ///< what was before, the last
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> sequence_ids_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> after_;
};

}  // namespace untrack::packet
