// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/flows.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "packet/flow_proof.hpp"
#include "packet/order.hpp"

namespace untrack::packet {

Proof FlowProof::run() {
    helpers();
    for (FlowWay way : flow_ways())
        for (std::uint8_t protocol : protocols()) flows(way, protocol);
    answers_taken();
    errors();
    frame();
    if (!out_.violations.empty())
        out_.result = Sameness::different;
    else if (!out_.undecided.empty())
        out_.result = Sameness::undecided;
    return std::move(out_);
}

void FlowProof::violation(Obligation obligation, std::string code, std::string message, Diagram set,
                          Pair& pair, Way way, const Step& by) {
    if (set == nothing) return;
    Violation v{obligation, std::move(code), std::move(message), pair.difference(set, way), by};
    bool counted = std::any_of(v.shown.hangs_on.begin(), v.shown.hangs_on.end(), [](const auto& p) {
        // Of the packet itself, not of the one that opened its flow.
        return p.first.counts && !p.first.per_packet;
    });
    bool established = v.shown.witness.state == ConntrackState::established ||
                       v.shown.witness.state == ConntrackState::reply;
    if (counted && established && obligation == Obligation::nothing_opened) {
        v.obligation = Obligation::per_connection;
        v.code = "UT216";
        v.message = "packets pass without a limit that saw every packet, not only the first";
    }
    if (counted && obligation == Obligation::nothing_lost) {
        v.obligation = Obligation::per_connection;
        v.code = "UT216";
        v.message =
            "a limit that saw the first packet of a connection comes to see every "
            "packet";
    }
    out_.violations.push_back(std::move(v));
}

void FlowProof::doubt(std::string code, std::string why, const Step& by) {
    out_.undecided.push_back({std::move(code), std::move(why), by});
}

void FlowProof::helpers() {
    for (const Service& s : services_.list)
        for (const model::PortRange& range : s.ports)
            for (std::uint16_t port : helper_ports)
                if (range.first <= port && port <= range.last)
                    out_.violations.push_back(
                        {Obligation::helpers,
                         "UT214",
                         fmt::format("port {} is one whose further connections a conntrack "
                                     "helper must announce; untracked, they are lost",
                                     port),
                         {}});
}

void FlowProof::flows(FlowWay way, std::uint8_t protocol) {
    Flows f = look(way, protocol);
    if (f.domain == nothing) return;
    any_works_ = any_works_ || !(f.works == nothing);
    if (!(f.works == nothing)) out_.working.push_back(with_ports_into(f.works, protocol));
    coverage(f);
    lost(f);
    opened(f);
    translated(f);
    if (protocol != proto_tcp) own_questions(f);
    per_connection(f);
    residue(f, protocol);
}

void FlowProof::coverage(const Flows& f) {
    Diagram questions = both(untracked(questions_, questions_.after, f.first.after.outcomes),
                             untracked(questions_, questions_.after, f.asked.after.outcomes));
    Diagram answers = untracked(answers_, answers_.after, f.answer.after.outcomes);
    std::string code = f.way.question == Way::loopback ? "UT207" : "UT201";
    Diagram packets = both(f.works, f.later);
    violation(Obligation::coverage, code, "a first packet of the service stays tracked",
              in_state(without(both(f.works, f.first_packets), questions), value_new), questions_,
              f.way.question);
    violation(Obligation::coverage, code, "a question of the service stays tracked",
              in_state(without(packets, questions), value_established), questions_, f.way.question);
    violation(Obligation::coverage, code, "an answer of the service stays tracked",
              in_state(without(packets, answers), value_reply), answers_, f.way.answer);
}

void FlowProof::lost(const Flows& f) {
    std::string code = f.way.question == Way::loopback ? "UT207" : "UT202";
    auto gone = [&](const Both& b, Diagram packets) {
        return without(both(both(f.works, packets), b.before.passes), b.after.passes);
    };
    violation(Obligation::nothing_lost, code, "a connection that worked cannot be opened",
              in_state(gone(f.first, f.first_packets), value_new), questions_, f.way.question);
    violation(Obligation::nothing_lost, code, "a packet of a connection that worked is dropped",
              in_state(gone(f.asked, f.later), value_established), questions_, f.way.question);
    violation(Obligation::nothing_lost, code, "an answer of a connection that worked is dropped",
              in_state(gone(f.answer, f.later), value_reply), answers_, f.way.answer);
}

void FlowProof::opened(const Flows& f) {
    auto newly = [&](const Pair& pair, const Seen& now) {
        return both(now.passes, untracked(pair, pair.after, now.outcomes));
    };
    Diagram opens_now = newly(questions_, f.first.after);
    // A packet between two of the service's ports is an answer, too. Others are none, even
    // where this host might ask from the service's port: who asks first must be admitted.
    bool tcp = !(f.first_packets == f.later);
    Diagram between = both(with_ports(Field::source_port), f.other_way);
    Diagram answers = tcp ? nothing : between;
    violation(
        Obligation::nothing_opened, "UT203", "a connection that was refused opens",
        in_state(without(without(both(f.first_packets, opens_now), f.opens), answers), value_new),
        questions_, f.way.question);
    // Over lo only this host's own programs could send what comes without a connection.
    if (f.way.question == Way::loopback) return;
    if (tcp) {
        // Packets that would have passed without a connection, too, are not opened.
        Diagram passes_now = newly(questions_, f.asked.after);
        Diagram set = without(without(without(both(f.later, passes_now), f.admitted), between),
                              f.as_new.before.passes);
        violation(Obligation::nothing_opened, "UT203",
                  "packets of connections that were never admitted pass",
                  in_state(set, value_established), questions_, f.way.question);
    }
    freed(questions_, f.way.question, f.asked, f.as_new, both(f.admitted, f.later),
          value_established);
    freed(answers_, f.way.answer, f.answer, f.answer_as_new, both(f.admitted, f.later),
          value_reply);
    Diagram answers_now = newly(answers_, f.answer.after);
    Diagram set = without(without(both(both(f.domain, f.later), answers_now), f.admitted),
                          f.answer_as_new.before.passes);
    violation(Obligation::nothing_opened, "UT203",
              "answers pass to questions that were never admitted", in_state(set, value_reply),
              answers_, f.way.answer);
}

void FlowProof::freed(Pair& pair, Way way, const Both& b, const Both& as_new, Diagram packets,
                      StateValue state) {
    Diagram passes = both(b.after.passes, untracked(pair, pair.after, b.after.outcomes));
    Diagram set = without(without(both(packets, passes), b.before.passes), as_new.before.passes);
    violation(Obligation::nothing_opened, "UT203",
              "a packet passes that was dropped, though of a connection that worked",
              in_state(set, state), pair, way);
}

void FlowProof::own_questions(const Flows& f) {
    if (f.way.question == Way::loopback) return;
    Diagram worked = both(f.domain, f.other_way);
    violation(Obligation::nothing_lost, "UT226",
              "a question that was sent from the service's port loses its answer",
              in_state(without(worked, f.replies.after.passes), value_reply), questions_,
              f.way.question);
    violation(Obligation::nothing_lost, "UT226",
              "a question from the service's port cannot be sent any more",
              in_state(without(worked, f.answer_as_new.after.passes), value_new), answers_,
              f.way.answer);
}

void FlowProof::per_connection(const Flows& f) {
    auto differ = [&](Pair& pair, const Both& b) {
        auto effects = [&](Diagram d) {
            return pool_.map_leaves(d, [&](std::uint32_t number) {
                const Outcome& o = pair.outcomes[number];
                const Effect& e = pair.outcomes.effect_of(o);
                Effect kept;
                kept.events = e.events;
                if (std::any_of(e.marks.begin(), e.marks.end(), [](const MarkSource& m) {
                        return m.kind != MarkSource::Kind::kept;
                    }))
                    kept.marks = e.marks;
                return pair.outcomes.number({Fate::accept, pair.outcomes.effect(kept), 0});
            });
        };
        Diagram passed = both(b.before.passes, b.after.passes);
        return both(passed, pool_.differing(effects(b.before.outcomes), effects(b.after.outcomes)));
    };
    auto check = [&](Pair& pair, Way on, const Both& b, Diagram packets, StateValue state,
                     const char* message) {
        violation(Obligation::per_connection, "UT216", message,
                  in_state(both(both(f.works, packets), differ(pair, b)), state), pair, on);
    };
    check(questions_, f.way.question, f.first, f.first_packets, value_new,
          "a rule that logs or marks new connections does otherwise with this one");
    check(questions_, f.way.question, f.asked, f.later, value_established,
          "a rule that logs or marks came to see other packets of a connection");
    check(answers_, f.way.answer, f.answer, f.later, value_reply,
          "a rule that logs or marks came to see other answers of a connection");
    auto entries = [&](Pair& pair, Way on, const Both& b, Diagram packets, StateValue state) {
        Diagram written = pool_.where(b.before.outcomes, [&](std::uint32_t number) {
            const Outcome& o = pair.outcomes[number];
            auto events = pair.outcomes.events(pair.outcomes.effect_of(o).events);
            return o.fate == Fate::accept &&
                   std::any_of(events.begin(), events.end(), [](const std::string& e) {
                       return e.starts_with("CONNMARK") || e.starts_with("CONNSECMARK");
                   });
        });
        written = both(both(f.works, packets), written);
        violation(Obligation::per_connection, "UT215",
                  "a rule keeps a mark in the connection's entry, which untracked packets have not",
                  in_state(both(written, untracked(pair, pair.after, b.after.outcomes)), state),
                  pair, on);
    };
    entries(questions_, f.way.question, f.first, f.first_packets, value_new);
    entries(questions_, f.way.question, f.asked, f.later, value_established);
    entries(answers_, f.way.answer, f.answer, f.later, value_reply);
}

void FlowProof::residue(const Flows& f, std::uint8_t protocol) {
    if (f.way.question == Way::loopback) return;
    bool tcp = protocol == proto_tcp;
    Diagram packets = both(f.works, f.later);
    auto open = [&](Pair& pair, Way on, const Both& now, const Both& as_new, StateValue state,
                    const char* what) {
        Diagram passes = both(now.after.passes, untracked(pair, pair.after, now.after.outcomes));
        Diagram set = in_state(without(both(packets, passes), as_new.before.passes), state);
        if (!(set == nothing)) out_.residue.push_back({what, pair.difference(set, on).witness});
    };
    if (tcp)
        open(questions_, f.way.question, f.asked, f.as_new, value_established,
             "packets without SYN reach the service's ports without a connection");
    open(answers_, f.way.answer, f.answer, f.answer_as_new, value_reply,
         tcp ? "packets without SYN leave from the service's ports without a connection"
             : "datagrams leave from the service's ports without a question before them");
}

std::string_view name(Obligation obligation) {
    constexpr std::string_view names[] = {"coverage", "nothing-lost", "nothing-opened", "frame",
                                          "nat",      "errors",       "per-connection", "helpers"};
    return names[static_cast<std::size_t>(obligation)];
}

std::vector<Service> served(model::Family family, Host host, const Services& services,
                            const CompareOptions& options) {
    const Host hosts[] = {host};
    auto answer = for_orders(
        family, hosts, {&services.interface, 1}, options.most_words,
        [&](PacketSpace& space) { return ServiceFlows(space, host, host, services).served(); });
    if (!answer) return services.list;
    return std::move(*answer);
}

Proof prove(model::Family family, Host before, Host after, const Services& services,
            const CompareOptions& options) {
    const Host hosts[] = {before, after};
    auto answer = for_orders(
        family, hosts, {&services.interface, 1}, options.most_words,
        [&](PacketSpace& space) { return FlowProof(space, before, after, services).run(); });
    if (answer) {
        std::vector<std::string> reasons = unfollowed(family, before, after);
        for (std::string& why : contested_states(family, before, after))
            reasons.push_back(std::move(why));
        for (std::string& why : reasons) {
            answer->undecided.push_back({"UT903", std::move(why)});
            if (answer->result == Sameness::same) answer->result = Sameness::undecided;
        }
        return std::move(*answer);
    }
    Proof p;
    p.result = Sameness::undecided;
    p.undecided.push_back(
        {"UT903", "the packet sets of these rulesets grow beyond the memory allowed"});
    return p;
}

}  // namespace untrack::packet
