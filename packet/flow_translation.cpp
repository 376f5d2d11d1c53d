// SPDX-License-Identifier: GPL-2.0-or-later
// NAT and the services: what it translated is tracked no more, and what it makes the services' is
// never translated back.
#include <fmt/format.h>

#include "model/conntrack_facts.hpp"
#include "packet/flow_proof.hpp"
#include "packet/words.hpp"

namespace untrack::packet {

void FlowProof::translated(const Flows& f) {
    bool loopback = f.way.question == Way::loopback;
    auto by_nat = [&](const Pair& pair, Diagram outcomes) {
        return pool_.where(outcomes, [&](std::uint32_t number) {
            const Outcome& o = pair.outcomes[number];
            if (o.fate != Fate::accept) return false;
            for (const std::string& event : pair.outcomes.events(pair.outcomes.effect_of(o).nat)) {
                bool source = event.starts_with("snat") || event.starts_with("masquerade");
                // Over lo the source is this host's either way.
                if (!source || !loopback) return true;
            }
            return false;
        });
    };
    violation(
        Obligation::nat, "UT205",
        "a NAT rule translates this packet of the service, and never touches it when it "
        "is untracked",
        in_state(both(f.first_packets, by_nat(questions_, f.first.before.outcomes)), value_new),
        questions_, f.way.question);
    // What the host itself sends from the service's port has its addresses already.
    if (services_.role != Role::router) return;
    Diagram sent =
        both(both(f.first_packets, f.other_way), by_nat(answers_, f.answer_as_new.before.outcomes));
    sent = both(sent, untracked(answers_, answers_.after, f.answer_as_new.after.outcomes));
    violation(Obligation::nat, "UT205",
              "a NAT rule translates what the service's host asks from the service's port, and "
              "never touches it when it is untracked",
              in_state(sent, value_new), answers_, f.way.answer);
}

/// Questions that NAT translates come to be asked by another, or of another; their answers are to
/// be translated back, and never are when they are untracked.
class AnswersTaken {
  public:
    AnswersTaken(FlowProof& proof, std::uint8_t protocol)
        : p_(proof), protocol_(protocol), tcp_(protocol == proto_tcp) {
        for (const model::Ruleset* r : p_.before_)
            if (r->family == p_.space_.family())
                for (std::size_t i = 0; i < r->rules.size(); ++i)
                    if (r->rules[i].live &&
                        model::conntrack_need(r->rules[i].target) == model::ConntrackNeed::nat)
                        add(*r, model::RuleId(i));
    }

    void run() {
        for (Way way : {Way::forward, Way::output}) sources(way);
        for (Way way : {Way::input, Way::forward, Way::output}) destinations(way);
        for (auto& [key, set] : lost_) tell(key, set);
    }

  private:
    /// NAT rules that do the same.
    struct Label {
        model::TargetKind target;
        const model::Translation* gives;
        std::vector<Step> rules;
    };
    void add(const model::Ruleset& r, model::RuleId id) {
        const model::Rule& rule = r.rule(id);
        auto [it, added] =
            labels_.try_emplace(Evaluator::nat_text(r, id), Label{rule.target, nullptr, {}});
        if (added) it->second.gives = &r.translation(rule);
        Step step;
        step.ruleset = &r;
        step.chain = rule.chain;
        step.rule = id;
        it->second.rules.push_back(step);
    }
    /// The first of them that the packets may meet.
    Step one_of(const Label& label, Diagram packets, Way way, model::Hook hook) {
        for (const Step& by : label.rules) {
            Diagram taken = p_.others_.before.conditions().rule(*by.ruleset, by.rule,
                                                                p_.others_.before.sight(way, hook));
            if (!(p_.both(packets, taken) == nothing)) return by;
        }
        return label.rules.front();
    }
    /// What was translated on the way to an outcome; NETMAP counts as either.
    struct Translated {
        const Label* source = nullptr;
        const Label* destination = nullptr;
    };
    Translated translated(const Outcome& o) const {
        Translated out;
        for (const std::string& event :
             p_.others_.outcomes.events(p_.others_.outcomes.effect_of(o).nat)) {
            const Label& label = labels_.at(event);
            bool source = label.target == model::TargetKind::snat ||
                          label.target == model::TargetKind::masquerade;
            bool either = label.target == model::TargetKind::netmap;
            if (source || either) out.source = &label;
            if (!source || either) out.destination = &label;
        }
        return out;
    }

    Diagram numbered(Diagram outcomes, std::uint32_t number) {
        return p_.pool_.where(outcomes, [&](std::uint32_t n) { return n == number; });
    }
    /// The first packets among some.
    Diagram questions_of(Diagram q, Way way) {
        q = p_.both(q, p_.both(p_.space_.on_way(way), p_.possible_));
        q = p_.both(q, p_.from_one_host({way, way}));
        // The server's own address is nobody's before it or behind it.
        if (p_.services_.role == Role::server && p_.services_.address && way != Way::output) {
            q = p_.without(q, p_.own_address(Field::source));
            if (way == Way::forward) q = p_.without(q, p_.own_address(Field::destination));
        }
        q = p_.both(q, p_.space_.value(Field::protocol, protocol_));
        q = p_.both(q, p_.space_.value(Field::fragment, 0));
        return p_.both(
            q, p_.space_.value(Field::tcp_flags, tcp_ ? FlowProof::syn : FlowProof::no_flags));
    }
    Diagram in_new(Diagram outcomes) {
        return p_.pool_.with_value(outcomes, p_.space_.level(Field::state), value_new);
    }
    Diagram accepted(const Pair& pair, Diagram outcomes) {
        return p_.pool_.where(
            outcomes, [&](std::uint32_t n) { return pair.outcomes[n].fate == Fate::accept; });
    }

    /// Answers (described by what they answer) that are untracked.
    Diagram taken(Way way) {
        Diagram d = p_.turned_.way_of(true, way);
        d = p_.pool_.with_value(d, p_.space_.level(Field::state), value_reply);
        return p_.untracked(p_.turned_, p_.turned_.after, d);
    }
    /// The host's rules before the conversion, in the parts between which NAT changes packets.
    std::span<const Diagram> parts(Pair& pair, Way way) {
        std::vector<Diagram>& list = parts_[{&pair, way}];
        if (list.empty()) list = pair.before.segments(way);
        return list;
    }
    /// Whether the first answer passed, as one of a connection, between the two places of NAT:
    /// elsewhere rules see other addresses of it, and nothing is taken to stand in its way.
    Diagram answered(Way way) {
        Diagram d = parts(p_.turned_, way)[1];
        d = p_.pool_.with_value(d, p_.space_.level(Field::state), value_reply);
        d = p_.with_flags(d, tcp_ ? FlowProof::syn_ack : FlowProof::no_flags);
        return accepted(p_.turned_, d);
    }

    Diagram forget(Diagram set, Field field) {
        bool address = field == Field::source || field == Field::destination;
        for (std::uint32_t i = 0; i < (address ? p_.space_.address_levels() : 1); ++i)
            set = p_.pool_.for_some(set, p_.space_.level(field) + i);
        return set;
    }
    /// A source port that is not given is kept where no other flow has it; else, or with --random,
    /// it becomes another of its class (nf_nat_l4proto_unique_tuple in
    /// net/netfilter/nf_nat_core.c).
    Diagram any_of_its_class(Diagram set) {
        struct Class {
            Interval from, to;
        };
        constexpr Class classes[] = {
            {{0, 511}, {1, 511}}, {{512, 1023}, {600, 1023}}, {{1024, 65535}, {1024, 65535}}};
        Diagram out = set;
        for (const Class& c : classes) {
            Diagram of_class = p_.both(set, p_.space_.values(Field::source_port, {&c.from, 1}));
            of_class = forget(of_class, Field::source_port);
            out = p_.pool_.over(
                out, p_.both(of_class, p_.space_.values(Field::source_port, {&c.to, 1})));
        }
        return out;
    }
    /// The packet after translation, and after what else may have changed on its way; its
    /// predicates have been asked.
    Diagram moved(Diagram set, Field address, Field port, const model::Translation& gives) {
        set = forget(set, address);
        if (gives.known && gives.addresses)
            set = p_.both(
                set, p_.space_.addresses(address, gives.addresses->first, gives.addresses->last));
        if (!gives.known) set = forget(set, port);
        if (gives.known && gives.ports) {
            Interval ports{gives.ports->first, gives.ports->last};
            set = p_.both(forget(set, port), p_.space_.values(port, {&ports, 1}));
        }
        if (gives.known && !gives.ports && port == Field::source_port) set = any_of_its_class(set);
        for (Field field : {Field::state, Field::tcp_flags}) set = forget(set, field);
        for (const PacketSpace::MarkGroup& group : p_.space_.mark_groups())
            set = p_.pool_.for_some(set, group.level);
        for (std::uint32_t level : p_.space_.predicate_levels())
            set = p_.pool_.for_some(set, level);
        return set;
    }

    /// Answers of one way that are lost, for certain or only when some address is this host's.
    struct Lost {
        Way back;
        bool certain;
        bool source;  ///< whose translation it is
        Step by;
        [[nodiscard]] auto key() const {
            return std::tuple(back, certain, source, by.ruleset, by.rule.value);
        }
        friend bool operator<(const Lost& a, const Lost& b) { return a.key() < b.key(); }
    };
    /// `question` describes the packet after translation, `way` is its way, `back` its answers'.
    void judge(Diagram question, Way way, Way back, bool certain, bool source, const Step& by) {
        // Of other ports frame() speaks where they come to be untracked.
        Diagram ports = p_.pool_.over(p_.with_ports(Field::source_port),
                                      p_.with_ports(Field::destination_port));
        Diagram set = p_.both(p_.both(question, taken(back)), ports);
        set = p_.both(set, p_.both(p_.space_.on_way(way), p_.possible_));
        set = p_.both(set, p_.space_.value(Field::tcp_flags,
                                           tcp_ ? FlowProof::syn_ack : FlowProof::no_flags));
        auto [it, added] = lost_.try_emplace(Lost{back, certain, source, by}, nothing);
        it->second = p_.pool_.over(it->second, p_.in_state(set, value_reply));
    }
    void tell(const Lost& lost, Diagram set) {
        if (set == nothing) return;
        const Step& by = lost.by;
        std::string message = fmt::format(
            fmt::runtime(
                lost.source
                    ? "{} lets a client have the service's port; its answers are untracked, and "
                      "never translated back: let it give other ports (`-p' with `--to-ports', or "
                      "`--to-source ADDRESS:PORTS')"
                    : "{} turns other packets into the service's; their answers are untracked, and "
                      "never translated back"),
            by.ruleset->target_name(by.ruleset->rule(by.rule)));
        if (lost.certain)
            return p_.violation(Obligation::nat, "UT205", message, set, p_.turned_, lost.back, by);
        p_.doubt("UT205",
                 fmt::format("{}, if this is one: {}", message,
                             to_words(p_.turned_.difference(set, lost.back).witness)),
                 by);
    }

    /// Clients behind this host, and its own programs, whose source becomes this host's.
    void sources(Way way) {
        Diagram outcomes = in_new(p_.others_.way_of(false, way));
        sources_among(questions_of(accepted(p_.others_, outcomes), way), outcomes, way);
    }
    /// Those of the questions that get another source. Answers come to this host's address before
    /// they are translated back.
    void sources_among(Diagram questions, Diagram outcomes, Way way) {
        Diagram answerable =
            forget(answered(way == Way::output ? Way::input : way), Field::tcp_flags);
        questions = p_.both(questions, answerable);
        if (questions == nothing) return;
        for (std::uint32_t number : p_.pool_.leaves(outcomes)) {
            const Outcome& o = p_.others_.outcomes[number];
            auto [label, destination] = translated(o);
            if (o.fate != Fate::accept || label == nullptr) continue;
            // Of those that get another destination first, destinations() asks.
            if (destination != nullptr && destination != label) continue;
            // The host's own sockets have ports of their own, which are kept; questions from the
            // service's port are another matter.
            const model::Translation& gives = *label->gives;
            if (way == Way::output && gives.known && !gives.ports && !gives.random &&
                !gives.fully_random)
                continue;
            Diagram q = p_.both(questions, numbered(outcomes, number));
            if (q == nothing) continue;
            Step by = one_of(*label, q, way, model::Hook::postrouting);
            q = moved(q, Field::source, Field::source_port, gives);
            judge(forget(q, Field::in_interface), Way::output, Way::input, true, true, by);
        }
    }

    /// Packets whose destination becomes another; rules after that see the new one.
    void destinations(Way way) {
        Diagram outcomes = in_new(parts(p_.others_, way)[0]);
        for (std::uint32_t number : p_.pool_.leaves(outcomes)) {
            const Outcome& o = p_.others_.outcomes[number];
            if (o.fate != Fate::accept) continue;
            const Label* label = translated(o).destination;
            if (label == nullptr) continue;
            Diagram q = questions_of(numbered(outcomes, number), way);
            Step by = one_of(*label, q, way,
                             way == Way::output ? model::Hook::output : model::Hook::prerouting);
            q = moved(q, Field::destination, Field::destination_port, *label->gives);
            q = forget(q, Field::out_interface);
            bool here = label->target == model::TargetKind::redirect;
            bool own = way == Way::output;
            if (own) q = forget(q, Field::in_interface);
            if (!here) {
                Way onward = own ? Way::output : Way::forward;
                delivered(q, onward, true, by);
                // It may get another source, too.
                sources_among(questions_of(q, onward), in_new(parts(p_.others_, onward)[1]),
                              onward);
            }
            // Which addresses are this host's, the rules do not say.
            delivered(q, own ? Way::loopback : Way::input, here, by);
        }
    }
    void delivered(Diagram q, Way way, bool certain, const Step& by) {
        std::span<const Diagram> rest = parts(p_.others_, way).subspan(1);
        Diagram first =
            p_.space_.value(Field::tcp_flags, tcp_ ? FlowProof::syn : FlowProof::no_flags);
        Diagram passes = p_.both(q, first);
        for (Diagram part : rest) passes = p_.both(passes, accepted(p_.others_, in_new(part)));
        Way back = way == Way::input ? Way::output : way == Way::output ? Way::input : way;
        passes = p_.both(forget(passes, Field::tcp_flags), answered(back));
        judge(passes, way, back, certain, false, by);
    }

    FlowProof& p_;
    std::uint8_t protocol_;
    bool tcp_;
    std::map<std::string, Label> labels_;
    std::map<Lost, Diagram> lost_;
    std::map<std::pair<const Pair*, Way>, std::vector<Diagram>> parts_;
};

void FlowProof::answers_taken() {
    if (!others_.before.has_nat() || !others_.before.tracks() || !others_.after.tracks()) return;
    for (std::uint8_t protocol : protocols()) AnswersTaken(*this, protocol).run();
}

}  // namespace untrack::packet
