// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/service_flows.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace untrack::packet {

ServiceFlows::ServiceFlows(PacketSpace& space, Host before, Host after, const Services& services)
    : before_(before),
      after_(after),
      services_(services),
      space_(space),
      pool_(space_.pool()),
      conditions_(space_, false, Occurrences::by_text),
      possible_(space_.possible()),
      valid_flags_(space_.valid_tcp_flags()),
      scope_(question_scope()),
      questions_(space_, before, after, {Occurrences::by_text, true, false, scope_}),
      answers_(space_, before, after, {Occurrences::by_text, true, true, scope_}),
      others_(space_, before, after, {Occurrences::by_rule, true, false, everything}),
      turned_(space_, before, after, {Occurrences::by_rule, false, true, everything}) {}

std::vector<Service> ServiceFlows::served() {
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

Diagram ServiceFlows::in_state(Diagram set, StateValue state) {
    return both(set, space_.value(Field::state, state));
}

std::vector<std::uint8_t> ServiceFlows::protocols() const {
    std::vector<std::uint8_t> out;
    for (const Service& s : services_.list)
        if (std::find(out.begin(), out.end(), s.protocol) == out.end()) out.push_back(s.protocol);
    return out;
}

Diagram ServiceFlows::with_ports(Field field) {
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

Diagram ServiceFlows::own_address(Field field) {
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

Diagram ServiceFlows::by_interface(Field field, Way way) {
    if (services_.interface.empty() || way == Way::loopback) return everything;
    return space_.value(field, space_.interface_value(services_.interface));
}

Diagram ServiceFlows::question_scope() {
    return both(with_ports(Field::destination_port), own_address(Field::destination));
}

Diagram ServiceFlows::answers_on(Way way) {
    return both(both(with_ports(Field::source_port), own_address(Field::source)),
                by_interface(Field::out_interface, way));
}

Diagram ServiceFlows::groups(Field field) {
    bool six = space_.family() == model::Family::ip6;
    model::Address first;
    model::Address last;
    first.bytes[0] = six ? 0xff : 0xe0;
    std::fill(last.bytes.begin(), last.bytes.begin() + (six ? 16 : 4), std::uint8_t{0xff});
    return space_.addresses(field, first, last);
}

Diagram ServiceFlows::from_one_host(FlowWay way) {
    Diagram none = groups(Field::source);
    if (way.question != Way::loopback)
        none = pool_.over(none, space_.loopback_addresses(Field::source));
    return pool_.complement_of(none);
}

Diagram ServiceFlows::to_one_host() {
    Diagram hosts = pool_.complement_of(groups(Field::destination));
    // What -m addrtype calls a broadcast address of this host's networks, where rules ask.
    const char* broadcast = "addrtype dst broadcast";
    if (services_.role == Role::router || !space_.has_predicate(broadcast)) return hosts;
    return pool_.outside(conditions_.predicate(broadcast, broadcast, {}), hosts);
}

Seen ServiceFlows::seen(Pair& pair, bool is_after, Way way, StateValue state, bool later) {
    Diagram d = pool_.with_value(pair.way_of(is_after, way), space_.level(Field::state), state);
    if (later) d = of_another_packet(d);
    return {d, pool_.where(d, [&](std::uint32_t number) {
                return pair.outcomes[number].fate == Fate::accept;
            })};
}

Both ServiceFlows::seen(Pair& pair, Way way, StateValue state, bool later) {
    return {seen(pair, false, way, state, later), seen(pair, true, way, state, later)};
}

Diagram ServiceFlows::of_another_packet(Diagram d) {
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

Diagram ServiceFlows::untracked(const Pair& pair, const Evaluator& host, Diagram outcomes) {
    return pool_.where(outcomes, [&](std::uint32_t number) {
        return pair.outcomes.effect_of(pair.outcomes[number]).notracked || !host.tracks();
    });
}

Diagram ServiceFlows::with_flags(Diagram d, std::uint32_t flags) {
    return pool_.with_value(d, space_.level(Field::tcp_flags), flags);
}

Service ServiceFlows::with_ports_into(Diagram flows, std::uint8_t protocol) {
    Service service{protocol, {}};
    for (Interval i : pool_.values_leading_into(flows, space_.level(Field::destination_port)))
        service.ports.push_back(
            {static_cast<std::uint16_t>(i.first), static_cast<std::uint16_t>(i.last)});
    return service;
}

std::vector<FlowWay> ServiceFlows::flow_ways() const {
    if (services_.role == Role::router) return {{Way::forward, Way::forward}};
    return {{Way::input, Way::output}, {Way::loopback, Way::loopback}};
}

Flows ServiceFlows::look(FlowWay way, std::uint8_t protocol) {
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

Diagram ServiceFlows::admissible(Diagram flows) {
    std::vector<std::uint32_t> levels(space_.predicate_levels().begin(),
                                      space_.predicate_levels().end());
    for (std::uint32_t level : levels) {
        const Predicate& p = *space_.predicate_at(level);
        if (!p.counts || !pool_.asks(flows, level)) continue;
        flows =
            p.kind == "recent" ? pool_.with_value(flows, level, 0) : pool_.for_some(flows, level);
    }
    return flows;
}

Diagram ServiceFlows::flags_of_first() {
    Intervals flags;
    for (std::uint32_t f = 0; f < 64; ++f)
        if ((f & (syn | ack)) == syn) flags.push_back({f, f});
    return space_.values(Field::tcp_flags, normalized(std::move(flags)));
}

Diagram ServiceFlows::domain_of_flow(Diagram domain) {
    return pool_.for_some(domain, space_.level(Field::tcp_flags));
}

}  // namespace untrack::packet
