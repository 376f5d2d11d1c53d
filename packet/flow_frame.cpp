// SPDX-License-Identifier: GPL-2.0-or-later
// What a conversion must not touch: ICMP errors about the services' flows, and everything else.
#include <fmt/format.h>

#include "packet/flow_proof.hpp"
#include "packet/words.hpp"

namespace untrack::packet {

Diagram FlowProof::error_packets() {
    bool six = space_.family() == model::Family::ip6;
    Diagram type = six ? space_.values(Field::source_port, Intervals{{1, 4}})
                       : space_.values(Field::source_port, Intervals{{3, 3}, {11, 12}});
    return both(both(space_.value(Field::protocol, six ? proto_icmpv6 : proto_icmp), type),
                space_.value(Field::fragment, 0));
}

void FlowProof::errors() {
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
            violation(Obligation::errors, "UT211",
                      "an ICMP error about the service passed as RELATED; of an untracked flow it "
                      "is INVALID, and dropped",
                      in_state(lost, value_invalid), others_, way);
        Diagram more = without(without(both(packets, now.passes), related.passes), invalid.passes);
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

void FlowProof::frame() {
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
        domain = without(domain,
                         both(own, untracked(others_, others_.after, others_.way_of(true, way))));
        domain = without(domain, allowed_errors_[way]);
        // The server's own address is nobody's behind it.
        if (!router && way == Way::forward && services_.address)
            domain = without(
                domain, pool_.over(own_address(Field::source), own_address(Field::destination)));
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

void FlowProof::translated_frame() {
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
            doubt("UT903",
                  fmt::format("packets that NAT changes may be treated differently, such as {}",
                              to_words(space_.witness(set, way).packet)));
        }
    }
}

std::string FlowProof::code_of(const Difference& d) {
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

std::string FlowProof::message_of(const Difference& d) {
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

}  // namespace untrack::packet
