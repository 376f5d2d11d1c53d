// SPDX-License-Identifier: GPL-2.0-or-later
// One table of packet/coverage.hpp, in one order of fields.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "packet/coverage.hpp"

namespace untrack::packet {

class CoverageTable {
  public:
    CoverageTable(const model::Ruleset& ruleset, model::TableId table, const ChainGraph& graph,
                  FieldOrder order, std::size_t most_words, const Tracer& tracer,
                  const CoverageOptions& options, Coverage& found);
    /// Throws PoolExhausted.
    void run();

  private:
    /// What a rule does with a packet, so that two rules can be compared.
    struct Act {
        Deed deed = Deed::none;
        std::uint32_t text = 0;  ///< of a target with options; `several` when it is not one
        friend bool operator==(const Act&, const Act&) = default;
    };
    static constexpr std::uint32_t several = 0xffffffffU;

    void chain(model::ChainId chain);
    void dead_rule(model::ChainId chain, std::size_t i);
    void contradiction(IdleRule& idle, const Reach::Pass& p);
    void find_blockers(std::uint32_t pass, std::size_t place, Diagram packets, unsigned depth);
    Segments::Step note(const Reach::Pass& p, std::size_t place, Diagram taken);
    void followed(model::ChainId chain);
    bool is_followed(std::uint32_t pass, std::size_t i, std::vector<Blocker>& by);
    bool touches(const model::Rule& rule) const;
    void show_reached(const Reach::Pass& p, std::size_t i);

    void open_end(model::ChainId chain);
    void broken_flows(model::ChainId chain);
    bool broken_flow(std::uint32_t pass, std::size_t accept, std::size_t refusal, Diagram taken);
    bool is_shown(BrokenFlow& flow, const Packet& first, const Packet& later) const;
    bool answer_refused(std::uint32_t pass, BrokenFlow& flow, Diagram taken);
    bool carried_refused(std::uint32_t pass, std::size_t refusal, BrokenFlow& flow, Diagram taken);

    Act act(const model::Rule& rule, model::RuleId id);
    std::vector<Act> acts(const Reach::Pass& p, std::size_t place, Diagram taken);
    std::uint32_t text_id(model::RuleId id);
    std::uint32_t reject_text(model::ChainId chain);
    /// Packets of the set as they would be sent, on each way on which the entrance is met.
    template <typename F>
    bool some_packet(Diagram set, const Reach::Entrance& entrance, F good);
    /// Whether the packet's state is what this ruleset leaves it.
    bool state_holds(const Packet& packet) const;
    [[nodiscard]] std::span<const model::RuleId> rules_of(model::ChainId chain) const {
        return ruleset_.rules_of(ruleset_.chain(chain));
    }
    [[nodiscard]] const Reach::Pass& pass(std::uint32_t number) const {
        return reach_.passes()[number];
    }

    const model::Ruleset& ruleset_;
    model::TableId table_;
    const ChainGraph& graph_;
    const Tracer& tracer_;
    const CoverageOptions& options_;
    Coverage& found_;
    Reach reach_;
    PacketSpace& space_;
    DiagramPool& pool_;

    std::vector<bool> dead_;     ///< of the chain at work, by place
    std::vector<bool> touches_;  ///< the same: other than by a verdict
    std::map<std::string, std::uint32_t> texts_;
    std::map<std::uint32_t, std::uint32_t> reject_texts_;  ///< by chain

    /// The blockers of the rule at work, with what each takes of it.
    struct Taking {
        Blocker blocker;
        Diagram packets = nothing;
        std::uint32_t pass = 0;
    };
    std::vector<Taking> takings_;
    Act own_;
    bool others_ = false;  ///< one of them does otherwise
    bool too_many_ = false;
};

template <typename F>
bool CoverageTable::some_packet(Diagram set, const Reach::Entrance& entrance, F good) {
    constexpr model::Hook hooks[] = {model::Hook::input,       model::Hook::forward,
                                     model::Hook::output,      model::Hook::prerouting,
                                     model::Hook::postrouting, model::Hook::ingress,
                                     model::Hook::egress};
    for (model::Hook hook : hooks)
        for (Way way : all_ways) {
            if ((entrance.places & Reach::place(hook, way)) == 0) continue;
            Diagram d = set;
            if (way == Way::loopback) {
                std::uint32_t lo = space_.interface_value("lo");
                d = pool_.with_value(d, space_.level(Field::in_interface), lo);
                d = pool_.with_value(d, space_.level(Field::out_interface), lo);
            }
            d = pool_.inside(space_.on_way(way), d);
            // A tracked packet first: its state is certain.
            Diagram tracked = pool_.outside(space_.value(Field::state, value_untracked), d);
            for (Diagram from : {tracked, pool_.outside(tracked, d)}) {
                if (from == nothing) continue;
                PacketSpace::Witness w = space_.witness(from, way);
                if (entrance.before_conntrack) w.packet.state = ConntrackState::automatic;
                if (state_holds(w.packet) && good(w.packet, !w.hangs_on.empty())) return true;
            }
        }
    return false;
}

}  // namespace untrack::packet
