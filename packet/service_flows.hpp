// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of prove(): the packets of the services' flows as sets, and what two hosts make of them.
#pragma once

#include <string>
#include <vector>

#include "packet/compare.hpp"
#include "packet/service.hpp"

namespace untrack::packet {

/// The ways of a flow: its questions' and its answers'.
struct FlowWay {
    Way question;
    Way answer;
};

/// What one host makes of the packets of one direction in one state, and what of them passes.
struct Seen {
    Diagram outcomes;
    Diagram passes;
};
struct Both {
    Seen before;
    Seen after;
};

/// All that is seen of the flows of one protocol on one way.
struct Flows {
    FlowWay way;
    Diagram domain = nothing;         ///< questions
    Diagram first_packets = nothing;  ///< those that open
    Diagram later = nothing;          ///< and all others
    Both first;                       ///< questions as NEW
    Both asked;                       ///< questions as ESTABLISHED
    Both answer;                      ///< answers
    Both as_new;                      ///< questions as NEW, though not the first
    Both answer_as_new;
    Diagram opens = nothing;
    Diagram works = nothing;
    Diagram admitted = nothing;   ///< flows that may have been let in at some time
    Both replies;                 ///< questions, were they answers to the other end's
    Diagram other_way = nothing;  ///< flows that the other end begins from the service's port
};

class ServiceFlows {
  public:
    ServiceFlows(PacketSpace& space, Host before, Host after, const Services& services);

    /// The services' ports to which some flow opens before.
    std::vector<Service> served();

  protected:
    static constexpr std::uint32_t no_flags = 0, syn = tcp_syn, ack = tcp_ack,
                                   syn_ack = tcp_syn | tcp_ack;

    Diagram both(Diagram a, Diagram b) { return pool_.inside(a, b); }
    Diagram without(Diagram a, Diagram set) { return pool_.outside(set, a); }
    Diagram in_state(Diagram set, StateValue state);
    std::vector<std::uint8_t> protocols() const;
    /// The services' protocols and ports, at one of the port fields.
    Diagram with_ports(Field field);
    Diagram own_address(Field field);
    Diagram by_interface(Field field, Way way);
    /// All questions, whatever their way.
    Diagram question_scope();
    Diagram questions_on(Way way) { return both(scope_, by_interface(Field::in_interface, way)); }
    Diagram answers_on(Way way);
    Diagram groups(Field field);
    /// Sources that an answer can go to: no groups, and this host's own addresses over lo only.
    Diagram from_one_host(FlowWay way);
    /// Destinations that have flows: hosts, as far as an address tells.
    Diagram to_one_host();
    Seen seen(Pair& pair, bool is_after, Way way, StateValue state, bool later);
    Both seen(Pair& pair, Way way, StateValue state, bool later);
    /// What a limit or a packet's length said of the first packet, it need not say of the next.
    Diagram of_another_packet(Diagram d);
    Diagram untracked(const Pair& pair, const Evaluator& host, Diagram outcomes);
    Diagram with_flags(Diagram d, std::uint32_t flags);
    /// The ports that lead into a set of flows.
    Service with_ports_into(Diagram flows, std::uint8_t protocol);
    std::vector<FlowWay> flow_ways() const;
    Flows look(FlowWay way, std::uint8_t protocol);
    /// The flows that a limit may let in at some time, or from a source that `recent' has no memory
    /// of.
    Diagram admissible(Diagram flows);
    /// SYN without ACK: what a connection may begin with.
    Diagram flags_of_first();
    /// A flow has no flags, its packets have.
    Diagram domain_of_flow(Diagram domain);

    Host before_;
    Host after_;
    Services services_;
    PacketSpace& space_;
    DiagramPool& pool_;
    Conditions conditions_;
    Diagram possible_;
    Diagram valid_flags_;
    Diagram scope_;
    Pair questions_;
    Pair answers_;
    Pair others_;
    Pair turned_;  ///< answers to any question
};

}  // namespace untrack::packet
