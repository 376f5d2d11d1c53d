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

/// Questions that NAT translates come to be asked by another, or of another; their answers are to
/// be translated back, and never are when they are untracked.
class AnswersTaken {
  public:
    AnswersTaken(FlowProof& proof, std::uint8_t protocol)
        : p_(proof), protocol_(protocol), tcp_(protocol == proto_tcp) {
        for (const model::Ruleset* r : p_.before_)
            if (r->family == p_.space_.family())
                for (std::size_t i = 0; i < r->rules.size(); ++i) {
                    const model::Rule& rule = r->rules[i];
                    if (rule.live &&
                        model::conntrack_need(rule.target) == model::ConntrackNeed::nat)
                        labels_.emplace(p_.others_.before.target_text(*r, model::RuleId(i)),
                                        Label{rule.target, &r->translation(rule)});
                }
    }

    void run() {
        for (Way way : {Way::forward, Way::output}) sources(way);
        for (Way way : {Way::input, Way::forward, Way::output}) destinations(way);
        for (auto& [key, set] : lost_) tell(key, set);
    }

  private:
    struct Label {
        model::TargetKind target;
        const model::Translation* gives;
    };
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

    Diagram questions_of(Diagram outcomes, std::uint32_t number, Way way) {
        Diagram q = p_.pool_.where(outcomes, [&](std::uint32_t n) { return n == number; });
        q = p_.both(q, p_.both(p_.space_.on_way(way), p_.possible_));
        q = p_.both(q, p_.from_one_host({way, way}));
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

    /// Answers (described by what they answer) that are untracked, and were not.
    Diagram taken(Way way) {
        auto untracked = [&](bool is_after) {
            Diagram d = p_.turned_.way_of(is_after, way);
            d = p_.pool_.with_value(d, p_.space_.level(Field::state), value_reply);
            return p_.untracked(p_.turned_, is_after ? p_.turned_.after : p_.turned_.before, d);
        };
        return p_.without(untracked(true), untracked(false));
    }
    /// Whether the first answer passed, as one of a connection.
    Diagram answered(Way way) {
        Diagram d = p_.turned_.way_of(false, way);
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
        friend auto operator<=>(const Lost&, const Lost&) = default;
    };
    /// `question` describes the packet after translation, `way` is its way, `back` its answers'.
    void judge(Diagram question, Way way, Way back, bool certain) {
        Diagram set = p_.both(p_.both(question, taken(back)), answered(back));
        set = p_.both(set, p_.both(p_.space_.on_way(way), p_.possible_));
        set = p_.both(set, p_.space_.value(Field::tcp_flags,
                                           tcp_ ? FlowProof::syn_ack : FlowProof::no_flags));
        auto [it, added] = lost_.try_emplace({back, certain}, nothing);
        it->second = p_.pool_.over(it->second, p_.in_state(set, value_reply));
    }
    void tell(const Lost& lost, Diagram set) {
        constexpr const char* message =
            "an answer to a packet that NAT translates is untracked, and never translated back";
        if (lost.certain)
            return p_.violation(Obligation::nat, "UT205", message, set, p_.turned_, lost.back);
        if (set == nothing) return;
        p_.doubt("UT205", fmt::format("{}, if it is one: {}", message,
                                      to_words(p_.turned_.difference(set, lost.back).witness)));
    }

    /// Clients behind this host, and its own programs, whose source becomes this host's.
    void sources(Way way) {
        Diagram outcomes = in_new(p_.others_.way_of(false, way));
        Diagram passes_back = answered(way == Way::output ? Way::input : way);
        for (std::uint32_t number : p_.pool_.leaves(outcomes)) {
            const Outcome& o = p_.others_.outcomes[number];
            if (o.fate != Fate::accept) continue;
            auto [source, destination] = translated(o);
            if (source == nullptr) continue;
            // The host's own questions from the service's port are another matter.
            if (way == Way::output && source->gives->known && !source->gives->ports) continue;
            Diagram q = questions_of(outcomes, number, way);
            if (destination == nullptr) q = p_.both(q, forget(passes_back, Field::tcp_flags));
            q = moved(q, Field::source, Field::source_port, *source->gives);
            if (destination != nullptr)
                q = moved(q, Field::destination, Field::destination_port, *destination->gives);
            q = forget(q, Field::in_interface);
            // Answers come to this host's address before they are translated back.
            judge(q, Way::output, Way::input, destination == nullptr);
        }
    }

    /// Packets whose destination becomes another; rules after that see the new one.
    void destinations(Way way) {
        Diagram outcomes = in_new(p_.others_.before.segments(way).front());
        for (std::uint32_t number : p_.pool_.leaves(outcomes)) {
            const Outcome& o = p_.others_.outcomes[number];
            if (o.fate != Fate::accept) continue;
            const Label* label = translated(o).destination;
            if (label == nullptr) continue;
            Diagram q = questions_of(outcomes, number, way);
            q = moved(q, Field::destination, Field::destination_port, *label->gives);
            q = forget(q, Field::out_interface);
            bool here = label->target == model::TargetKind::redirect;
            bool own = way == Way::output;
            if (own) q = forget(q, Field::in_interface);
            if (!here) delivered(q, own ? Way::output : Way::forward, true);
            // Which addresses are this host's, the rules do not say.
            delivered(q, own ? Way::loopback : Way::input, here);
        }
    }
    void delivered(Diagram q, Way way, bool certain) {
        std::vector<Diagram> parts = p_.others_.before.segments(way);
        Diagram first =
            p_.space_.value(Field::tcp_flags, tcp_ ? FlowProof::syn : FlowProof::no_flags);
        Diagram passes = p_.both(q, first);
        for (std::size_t i = 1; i < parts.size(); ++i)
            passes = p_.both(passes, accepted(p_.others_, in_new(parts[i])));
        Way back = way == Way::input ? Way::output : way == Way::output ? Way::input : way;
        judge(forget(passes, Field::tcp_flags), way, back, certain);
    }

    FlowProof& p_;
    std::uint8_t protocol_;
    bool tcp_;
    std::map<std::string, Label> labels_;
    std::map<Lost, Diagram> lost_;
};

void FlowProof::answers_taken() {
    if (!others_.before.has_nat() || !others_.before.tracks() || !others_.after.tracks()) return;
    for (std::uint8_t protocol : protocols()) AnswersTaken(*this, protocol).run();
}

}  // namespace untrack::packet
