// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of prove(): the obligations of a conversion, each with what breaks it.
#pragma once

#include "packet/flows.hpp"
#include "packet/service_flows.hpp"

namespace untrack::packet {

class FlowProof : private ServiceFlows {
  public:
    using ServiceFlows::ServiceFlows;
    Proof run();

  private:
    friend class AnswersTaken;

    void violation(Obligation obligation, std::string code, std::string message, Diagram set,
                   Pair& pair, Way way, const Step& by = {});
    void doubt(std::string code, std::string why, const Step& by = {});
    void helpers();
    void flows(FlowWay way, std::uint8_t protocol);
    void coverage(const Flows& f);
    void lost(const Flows& f);
    void opened(const Flows& f);
    /// Packets of admitted flows that a rule for ESTABLISHED ones dropped, each by itself.
    void freed(Pair& pair, Way way, const Both& b, const Both& as_new, Diagram packets,
               StateValue state);
    /// Datagrams that this host (or one behind a router) sends from the service's port to somebody
    /// else's are untracked with it, and so are their answers.
    void own_questions(const Flows& f);
    /// Logs, marks and other effects of packets of flows that worked.
    void per_connection(const Flows& f);
    void residue(const Flows& f, std::uint8_t protocol);
    /// NAT never touches untracked packets.
    void translated(const Flows& f);
    /// Answers that NAT must translate back are not to be untracked.
    void answers_taken();

    /// ICMP errors that the flows need, of the types RFC 1122 and RFC 4443 have for them.
    Diagram error_packets();
    /// Errors about untracked flows are INVALID (measured); those that passed as RELATED must pass
    /// so.
    void errors();
    void frame();
    /// Packets that NAT has changed are tracked; to all hooks after it any tracked packet may come.
    void translated_frame();
    static std::string code_of(const Difference& d);
    static std::string message_of(const Difference& d);

    bool any_works_ = false;
    std::map<Way, Diagram> allowed_errors_;
    Proof out_;
};

}  // namespace untrack::packet
