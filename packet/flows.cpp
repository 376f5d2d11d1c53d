// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/flows.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "packet/order.hpp"
#include "packet/words.hpp"

namespace untrack::packet {
namespace {

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

constexpr std::uint32_t no_flags = 0, syn = tcp_syn, ack = tcp_ack, syn_ack = tcp_syn | tcp_ack;

class FlowProof {
  public:
    FlowProof(PacketSpace& space, Host before, Host after, const Services& services)
        : services_(services),
          space_(space),
          pool_(space_.pool()),
          conditions_(space_, false, Occurrences::by_text),
          possible_(space_.possible()),
          valid_flags_(space_.valid_tcp_flags()),
          scope_(question_scope()),
          questions_(space_, before, after, {Occurrences::by_text, true, false, scope_}),
          answers_(space_, before, after, {Occurrences::by_text, true, true, scope_}),
          others_(space_, before, after, {Occurrences::by_rule, true, false, everything}) {}

    Proof run() {
        helpers();
        for (FlowWay way : flow_ways())
            for (std::uint8_t protocol : protocols()) flows(way, protocol);
        errors();
        frame();
        if (!out_.violations.empty())
            out_.result = Sameness::different;
        else if (!out_.undecided.empty())
            out_.result = Sameness::undecided;
        return std::move(out_);
    }

    /// The services' ports to which some flow opens before.
    std::vector<Service> served() {
        std::vector<Service> out;
        for (std::uint8_t protocol : protocols()) {
            Diagram opens = nothing;
            for (FlowWay way : flow_ways()) {
                Flows f = look(way, protocol);
                opens = pool_.over(opens, both(f.opens, domain_of_flow(f.domain)));
            }
            Service service = with_ports_into(opens, protocol);
            if (!service.ports.empty()) out.push_back(std::move(service));
        }
        return out;
    }

  private:
    // -- sets
    // --------------------------------------------------------------------------------------

    Diagram both(Diagram a, Diagram b) { return pool_.inside(a, b); }
    Diagram without(Diagram a, Diagram set) { return pool_.outside(set, a); }

    std::vector<std::uint8_t> protocols() const {
        std::vector<std::uint8_t> out;
        for (const Service& s : services_.list)
            if (std::find(out.begin(), out.end(), s.protocol) == out.end())
                out.push_back(s.protocol);
        return out;
    }

    /// The services' protocols and ports, at one of the port fields.
    Diagram with_ports(Field field) {
        Diagram out = nothing;
        for (std::uint8_t protocol : protocols()) {
            Intervals ports;
            for (const Service& s : services_.list)
                if (s.protocol == protocol)
                    for (const model::PortRange& p : s.ports) ports.push_back({p.first, p.last});
            out = pool_.over(out, both(space_.value(Field::protocol, protocol),
                                       space_.values(field, normalized(std::move(ports)))));
        }
        return both(out, space_.value(Field::fragment, 0));
    }

    Diagram own_address(Field field) {
        if (!services_.address) return everything;
        model::Address first = services_.address->value;
        model::Address last = first;
        for (std::size_t i = 0; i < 16; ++i)
            last.bytes[i] =
                static_cast<std::uint8_t>(first.bytes[i] | ~services_.address->mask.bytes[i]);
        if (space_.family() == model::Family::ip)
            std::fill(last.bytes.begin() + 4, last.bytes.end(), std::uint8_t{0});
        return space_.addresses(field, first, last);
    }

    Diagram by_interface(Field field, Way way) {
        if (services_.interface.empty() || way == Way::loopback) return everything;
        return space_.value(field, space_.interface_value(services_.interface));
    }

    /// All questions, whatever their way.
    Diagram question_scope() {
        return both(with_ports(Field::destination_port), own_address(Field::destination));
    }
    Diagram questions_on(Way way) { return both(scope_, by_interface(Field::in_interface, way)); }
    Diagram answers_on(Way way) {
        return both(both(with_ports(Field::source_port), own_address(Field::source)),
                    by_interface(Field::out_interface, way));
    }

    Diagram groups(Field field) {
        bool six = space_.family() == model::Family::ip6;
        model::Address first;
        model::Address last;
        first.bytes[0] = six ? 0xff : 0xe0;
        std::fill(last.bytes.begin(), last.bytes.begin() + (six ? 16 : 4), std::uint8_t{0xff});
        return space_.addresses(field, first, last);
    }
    /// Sources that an answer can go to: no groups, and this host's own addresses over lo only.
    Diagram from_one_host(FlowWay way) {
        Diagram none = groups(Field::source);
        if (way.question != Way::loopback)
            none = pool_.over(none, space_.loopback_addresses(Field::source));
        return pool_.complement_of(none);
    }
    /// Destinations that have flows: hosts, as far as an address tells.
    Diagram to_one_host() {
        Diagram hosts = pool_.complement_of(groups(Field::destination));
        // What -m addrtype calls a broadcast address of this host's networks, where rules ask.
        const char* broadcast = "addrtype dst broadcast";
        if (services_.role == Role::router || !space_.has_predicate(broadcast)) return hosts;
        return pool_.outside(conditions_.predicate(broadcast, broadcast, {}), hosts);
    }

    // -- what is seen of one packet of a flow
    // ------------------------------------------------------

    Seen seen(Pair& pair, bool is_after, Way way, StateValue state, bool later) {
        Diagram d = pool_.with_value(pair.way_of(is_after, way), space_.level(Field::state), state);
        if (later) d = of_another_packet(d);
        return {d, pool_.where(d, [&](std::uint32_t number) {
                    return pair.outcomes[number].fate == Fate::accept;
                })};
    }
    Both seen(Pair& pair, Way way, StateValue state, bool later) {
        return {seen(pair, false, way, state, later), seen(pair, true, way, state, later)};
    }

    /// What a limit or a packet's length said of the first packet, it need not say of the next.
    Diagram of_another_packet(Diagram d) {
        std::vector<DiagramPool::Substitution> changes;
        std::vector<std::uint32_t> levels(space_.predicate_levels().begin(),
                                          space_.predicate_levels().end());
        for (std::uint32_t level : levels) {
            Predicate p = *space_.predicate_at(level);
            if (!p.per_packet || !pool_.asks(d, level)) continue;
            p.per_packet = false;  // it is the next packet's own by now
            std::uint32_t own = space_.predicate(fmt::format("\6{}", level), p);
            changes.push_back({level, own, true});
        }
        if (changes.empty()) return d;
        return pool_.substituted(d, changes, [](std::uint32_t number) { return number; });
    }

    Diagram untracked(const Pair& pair, const Evaluator& host, Diagram outcomes) {
        return pool_.where(outcomes, [&](std::uint32_t number) {
            return pair.outcomes.effect_of(pair.outcomes[number]).notracked || !host.tracks();
        });
    }
    Diagram with_flags(Diagram d, std::uint32_t flags) {
        return pool_.with_value(d, space_.level(Field::tcp_flags), flags);
    }

    // -- what is found
    // -----------------------------------------------------------------------------

    void violation(Obligation obligation, std::string code, std::string message, Diagram set,
                   Pair& pair, Way way) {
        if (set == nothing) return;
        Violation v{obligation, std::move(code), std::move(message), pair.difference(set, way)};
        bool counted =
            std::any_of(v.shown.hangs_on.begin(), v.shown.hangs_on.end(), [](const auto& p) {
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

    void helpers() {
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

    /// The ports that lead into a set of flows.
    Service with_ports_into(Diagram flows, std::uint8_t protocol) {
        Service service{protocol, {}};
        for (Interval i : pool_.values_leading_into(flows, space_.level(Field::destination_port)))
            service.ports.push_back(
                {static_cast<std::uint16_t>(i.first), static_cast<std::uint16_t>(i.last)});
        return service;
    }

    std::vector<FlowWay> flow_ways() const {
        if (services_.role == Role::router) return {{Way::forward, Way::forward}};
        return {{Way::input, Way::output}, {Way::loopback, Way::loopback}};
    }

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

    Flows look(FlowWay way, std::uint8_t protocol) {
        bool tcp = protocol == proto_tcp;
        Flows f;
        f.way = way;
        f.domain = both(questions_on(way.question), space_.value(Field::protocol, protocol));
        f.domain = both(f.domain, space_.on_way(way.question));
        f.domain = both(f.domain, from_one_host(way));
        if (!tcp) f.domain = both(f.domain, space_.value(Field::tcp_flags, no_flags));
        f.first_packets = tcp ? both(f.domain, space_.value(Field::tcp_flags, syn)) : f.domain;
        f.later = tcp ? both(without(f.domain, flags_of_first()), valid_flags_) : f.domain;
        f.first = seen(questions_, way.question, value_new, false);
        f.asked = seen(questions_, way.question, value_established, true);
        f.answer = seen(answers_, way.answer, value_reply, true);
        f.as_new = seen(questions_, way.question, value_new, true);
        f.answer_as_new = seen(answers_, way.answer, value_new, true);
        f.opens = with_flags(f.first.before.passes, tcp ? syn : no_flags);
        // One datagram and its answer are a flow already.
        Diagram carries = with_flags(f.answer.before.passes, tcp ? ack : no_flags);
        if (tcp)
            carries = both(both(carries, with_flags(f.answer.before.passes, syn_ack)),
                           with_flags(f.asked.before.passes, ack));
        f.works = both(both(f.opens, carries), domain_of_flow(f.domain));
        f.admitted = admissible(f.works);
        f.works = both(f.works, to_one_host());
        f.replies = seen(questions_, way.question, value_reply, true);
        f.other_way = both(with_flags(f.answer_as_new.before.passes, tcp ? syn : no_flags),
                           with_flags(f.replies.before.passes, tcp ? ack : no_flags));
        return f;
    }

    void flows(FlowWay way, std::uint8_t protocol) {
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

    /// The flows that a limit may let in at some time, or from a source that `recent' has no memory
    /// of.
    Diagram admissible(Diagram flows) {
        std::vector<std::uint32_t> levels(space_.predicate_levels().begin(),
                                          space_.predicate_levels().end());
        for (std::uint32_t level : levels) {
            const Predicate& p = *space_.predicate_at(level);
            if (!p.counts || !pool_.asks(flows, level)) continue;
            flows = p.kind == "recent" ? pool_.with_value(flows, level, 0)
                                       : pool_.for_some(flows, level);
        }
        return flows;
    }

    /// SYN without ACK: what a connection may begin with.
    Diagram flags_of_first() {
        Intervals flags;
        for (std::uint32_t f = 0; f < 64; ++f)
            if ((f & (syn | ack)) == syn) flags.push_back({f, f});
        return space_.values(Field::tcp_flags, normalized(std::move(flags)));
    }
    /// A flow has no flags, its packets have.
    Diagram domain_of_flow(Diagram domain) {
        return pool_.for_some(domain, space_.level(Field::tcp_flags));
    }
    Diagram to_host(FlowWay) { return services_.role == Role::server ? to_one_host() : everything; }

    void coverage(const Flows& f) {
        Diagram questions = both(untracked(questions_, questions_.after, f.first.after.outcomes),
                                 untracked(questions_, questions_.after, f.asked.after.outcomes));
        Diagram answers = untracked(answers_, answers_.after, f.answer.after.outcomes);
        std::string code = f.way.question == Way::loopback ? "UT207" : "UT201";
        Diagram packets = both(f.works, f.later);
        violation(Obligation::coverage, code, "a first packet of the service stays tracked",
                  in_state(without(both(f.works, f.first_packets), questions), value_new),
                  questions_, f.way.question);
        violation(Obligation::coverage, code, "a question of the service stays tracked",
                  in_state(without(packets, questions), value_established), questions_,
                  f.way.question);
        violation(Obligation::coverage, code, "an answer of the service stays tracked",
                  in_state(without(packets, answers), value_reply), answers_, f.way.answer);
    }

    void lost(const Flows& f) {
        std::string code = f.way.question == Way::loopback ? "UT207" : "UT202";
        auto gone = [&](const Both& b, Diagram packets) {
            return without(both(both(f.works, packets), b.before.passes), b.after.passes);
        };
        violation(Obligation::nothing_lost, code, "a connection that worked cannot be opened",
                  in_state(gone(f.first, f.first_packets), value_new), questions_, f.way.question);
        violation(Obligation::nothing_lost, code, "a packet of a connection that worked is dropped",
                  in_state(gone(f.asked, f.later), value_established), questions_, f.way.question);
        violation(Obligation::nothing_lost, code,
                  "an answer of a connection that worked is dropped",
                  in_state(gone(f.answer, f.later), value_reply), answers_, f.way.answer);
    }

    Diagram in_state(Diagram set, StateValue state) {
        return both(set, space_.value(Field::state, state));
    }

    void opened(const Flows& f) {
        auto newly = [&](const Pair& pair, const Seen& now) {
            return both(now.passes, untracked(pair, pair.after, now.outcomes));
        };
        Diagram opens_now = newly(questions_, f.first.after);
        // A packet between two of the service's ports is an answer, too. Others are none, even
        // where this host might ask from the service's port: who asks first must be admitted.
        bool tcp = !(f.first_packets == f.later);
        Diagram between = both(with_ports(Field::source_port), f.other_way);
        Diagram answers = tcp ? nothing : between;
        violation(Obligation::nothing_opened, "UT203", "a connection that was refused opens",
                  in_state(without(without(both(f.first_packets, opens_now), f.opens), answers),
                           value_new),
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

    /// Packets of admitted flows that a rule for ESTABLISHED ones dropped, each by itself.
    void freed(Pair& pair, Way way, const Both& b, const Both& as_new, Diagram packets,
               StateValue state) {
        Diagram passes = both(b.after.passes, untracked(pair, pair.after, b.after.outcomes));
        Diagram set =
            without(without(both(packets, passes), b.before.passes), as_new.before.passes);
        violation(Obligation::nothing_opened, "UT203",
                  "a packet passes that was dropped, though of a connection that worked",
                  in_state(set, state), pair, way);
    }

    /// NAT never touches untracked packets.
    void translated(const Flows& f) {
        bool loopback = f.way.question == Way::loopback;
        Diagram nat = pool_.where(f.first.before.outcomes, [&](std::uint32_t number) {
            const Outcome& o = questions_.outcomes[number];
            if (o.fate != Fate::accept) return false;
            for (const std::string& event :
                 questions_.outcomes.events(questions_.outcomes.effect_of(o).nat)) {
                bool source = event.starts_with("SNAT") || event.starts_with("MASQUERADE");
                // Over lo the source is this host's either way.
                if (!source || !loopback) return true;
            }
            return false;
        });
        violation(Obligation::nat, "UT205",
                  "a NAT rule translates this packet of the service, and never touches it when it "
                  "is untracked",
                  in_state(both(f.first_packets, nat), value_new), questions_, f.way.question);
    }

    /// Datagrams that this host (or one behind a router) sends from the service's port to somebody
    /// else's are untracked with it, and so are their answers.
    void own_questions(const Flows& f) {
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

    /// Logs, marks and other effects of packets of flows that worked.
    void per_connection(const Flows& f) {
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
            return both(passed,
                        pool_.differing(effects(b.before.outcomes), effects(b.after.outcomes)));
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
    }

    void residue(const Flows& f, std::uint8_t protocol) {
        if (f.way.question == Way::loopback) return;
        bool tcp = protocol == proto_tcp;
        Diagram packets = both(f.works, f.later);
        auto open = [&](Pair& pair, Way on, const Both& now, const Both& as_new, StateValue state,
                        const char* what) {
            Diagram passes =
                both(now.after.passes, untracked(pair, pair.after, now.after.outcomes));
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

    // -- everything else
    // ---------------------------------------------------------------------------

    /// ICMP errors that the flows need, of the types RFC 1122 and RFC 4443 have for them.
    Diagram error_packets() {
        bool six = space_.family() == model::Family::ip6;
        Diagram type = six ? space_.values(Field::source_port, Intervals{{1, 4}})
                           : space_.values(Field::source_port, Intervals{{3, 3}, {11, 12}});
        return both(both(space_.value(Field::protocol, six ? proto_icmpv6 : proto_icmp), type),
                    space_.value(Field::fragment, 0));
    }

    /// Errors about untracked flows are INVALID (measured); those that passed as RELATED must pass
    /// so.
    void errors() {
        bool router = services_.role == Role::router;
        for (Way way : all_ways) {
            bool about_flows = any_works_ && (router ? way == Way::forward || way == Way::output
                                                     : way == Way::input || way == Way::output);
            Diagram packets = both(both(error_packets(), possible_), space_.on_way(way));
            // What must pass is about the service; what may is about anything.
            Diagram own = packets;
            if (!router && way == Way::input) own = both(own, own_address(Field::destination));
            if (!router && way == Way::output) own = both(own, own_address(Field::source));
            Seen related = seen(others_, false, way, value_related, false);
            Seen invalid = seen(others_, false, way, value_invalid, false);
            Seen now = seen(others_, true, way, value_invalid, false);
            Diagram lost = without(both(own, related.passes), now.passes);
            if (about_flows)
                violation(
                    Obligation::errors, "UT211",
                    "an ICMP error about the service passed as RELATED; of an untracked flow it "
                    "is INVALID, and dropped",
                    in_state(lost, value_invalid), others_, way);
            Diagram more =
                without(without(both(packets, now.passes), related.passes), invalid.passes);
            violation(Obligation::errors, "UT203",
                      "an ICMP error passes that was dropped as RELATED, too",
                      in_state(more, value_invalid), others_, way);
            Diagram open = without(both(packets, both(now.passes, related.passes)), invalid.passes);
            open = in_state(open, value_invalid);
            if (!(open == nothing))
                out_.residue.push_back({"ICMP errors pass, whichever flow they are about",
                                        others_.difference(open, way).witness});
            allowed_errors_[way] = open;
        }
    }

    void frame() {
        bool router = services_.role == Role::router;
        for (Way way : all_ways) {
            Diagram domain = both(space_.on_way(way), possible_);
            Diagram own = nothing;
            if (router == (way == Way::forward)) {
                if (router || way == Way::input || way == Way::loopback) own = questions_on(way);
                if (router || way == Way::output || way == Way::loopback)
                    own = pool_.over(own, answers_on(way));
            }
            // The services' own packets are flows()'s matter where they are untracked; those that
            // stay tracked are everything else's.
            domain = without(
                domain, both(own, untracked(others_, others_.after, others_.way_of(true, way))));
            domain = without(domain, allowed_errors_[way]);
            // The server's own address is nobody's behind it.
            if (!router && way == Way::forward && services_.address)
                domain = without(domain, pool_.over(own_address(Field::source),
                                                    own_address(Field::destination)));
            Diagram set = others_.differing(way, domain, true);
            for (int i = 0; i < 3 && !(set == nothing); ++i) {
                Difference d = others_.difference(set, way);
                Violation v{Obligation::frame, code_of(d), message_of(d), d};
                Diagram rest = pool_.outside(others_.alike(d, set), set);
                if (rest == set) break;
                set = rest;
                out_.violations.push_back(std::move(v));
            }
        }
        if (others_.before.has_nat() || others_.after.has_nat()) translated_frame();
    }

    /// Packets that NAT has changed are tracked; to all hooks after it any tracked packet may come.
    void translated_frame() {
        for (Way way : all_ways) {
            std::vector<Diagram> a = others_.before.segments(way);
            std::vector<Diagram> b = others_.after.segments(way);
            Diagram tracked = both(space_.on_way(way), possible_);
            tracked = pool_.outside(space_.value(Field::state, value_untracked), tracked);
            tracked = without(tracked, allowed_errors_[way]);
            // The first part is the packet's own, which frame() and flows() have looked at.
            for (std::size_t i = 1; i < a.size(); ++i) {
                Diagram set =
                    both(tracked, pool_.differing(others_.projected(others_.before, a[i], true),
                                                  others_.projected(others_.after, b[i], true)));
                if (set == nothing) continue;
                out_.undecided.push_back(
                    fmt::format("packets that NAT changes may be treated differently, such as {}",
                                to_words(space_.witness(set, way).packet)));
            }
        }
    }

    static std::string code_of(const Difference& d) {
        switch (d.kind) {
            case DifferenceKind::lost:
                return "UT202";
            case DifferenceKind::opened:
                return "UT203";
            case DifferenceKind::tracked:
                return "UT201";
            case DifferenceKind::untracked:
                return d.way == Way::forward ? "UT206" : "UT223";
            case DifferenceKind::nat:
                return "UT205";
            case DifferenceKind::effect:
                break;
        }
        return "UT216";
    }
    static std::string message_of(const Difference& d) {
        switch (d.kind) {
            case DifferenceKind::lost:
                return "a packet outside the services is dropped now";
            case DifferenceKind::opened:
                return "a packet outside the services passes now";
            case DifferenceKind::tracked:
                return "a packet outside the services is tracked now";
            case DifferenceKind::untracked:
                return "a packet outside the services is no longer tracked";
            case DifferenceKind::nat:
                return "a packet outside the services is translated in another way";
            case DifferenceKind::effect:
                break;
        }
        return "a packet outside the services is rejected, logged or marked in another way";
    }

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
    bool any_works_ = false;
    std::map<Way, Diagram> allowed_errors_;
    Proof out_;
};

}  // namespace

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
        [&](PacketSpace& space) { return FlowProof(space, host, host, services).served(); });
    if (!answer) return services.list;
    return std::move(*answer);
}

Proof prove(model::Family family, Host before, Host after, const Services& services,
            const CompareOptions& options) {
    const Host hosts[] = {before, after};
    auto answer = for_orders(
        family, hosts, {&services.interface, 1}, options.most_words,
        [&](PacketSpace& space) { return FlowProof(space, before, after, services).run(); });
    if (answer) return std::move(*answer);
    Proof p;
    p.result = Sameness::undecided;
    p.undecided.emplace_back("the packet sets of these rulesets grow beyond the memory allowed");
    return p;
}

}  // namespace untrack::packet
