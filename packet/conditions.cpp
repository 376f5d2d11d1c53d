// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "model/iptables_values.hpp"
#include "packet/conditions_parts.hpp"

namespace untrack::packet {
namespace {

using model::Match;
using model::MatchKind;
using model::Ruleset;

/// The numbers n with (n & mask) == value, unless they fall into more intervals than that.
std::optional<Intervals> masked(std::uint32_t value, std::uint32_t mask, std::size_t most = 1024) {
    unsigned low = 0;
    while (low < 32 && (mask >> low & 1U) == 0) ++low;
    std::uint32_t tail = low == 32 ? 0xffffffffU : (1U << low) - 1;
    std::vector<unsigned> open;
    for (unsigned bit = low; bit < 32; ++bit)
        if ((mask >> bit & 1U) == 0) open.push_back(bit);
    if (open.size() > 16 || std::size_t{1} << open.size() > most) return std::nullopt;
    Intervals out;
    for (std::uint32_t n = 0; n < 1U << open.size(); ++n) {
        std::uint32_t first = value;
        for (std::size_t i = 0; i < open.size(); ++i) first |= (n >> i & 1U) << open[i];
        out.push_back({first, first | tail});
    }
    return normalized(std::move(out));
}

model::Address v4(std::uint32_t n) {
    return model::v4_address(n);
}

/// Matches on what differs from packet to packet of one flow.
bool differs_by_packet(std::string_view kind) {
    constexpr std::string_view kinds[] = {"length", "string", "u32",         "bpf", "tcpmss", "ttl",
                                          "hl",     "tos",    "dscp",        "ecn", "osf",    "cpu",
                                          "frag",   "tcp",    "ipv4options", "hbh", "dst",    "rt"};
    return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

}  // namespace

model::StateSet state_bit(std::uint32_t value) {
    constexpr model::StateSet bits[] = {model::state_new,         model::state_established,
                                        model::state_established, model::state_related,
                                        model::state_invalid,     model::state_untracked};
    return bits[value];
}

void Conditions::Product::restrict(std::uint32_t at, Intervals values) {
    for (Restriction& r : restrictions)
        if (r.level == at) {
            r.values = intersection(r.values, values);
            empty = empty || r.values.empty();
            return;
        }
    empty = empty || values.empty();
    restrictions.push_back({at, std::move(values)});
}

void Conditions::restrict_ports(Product& product, Field field, Intervals values) const {
    product.restrict(level(Field::protocol), ported_protocols);
    product.restrict(level(Field::fragment), {{0, 0}});
    product.restrict(level(field), std::move(values));
}

std::optional<std::vector<Intervals>> Conditions::words(const model::MaskedAddress& a) const {
    std::vector<Intervals> out;
    for (std::uint32_t word = 0; word < space_.address_levels(); ++word) {
        auto values = masked(address_word(a.value, word), address_word(a.mask, word));
        if (!values) return std::nullopt;
        out.push_back(std::move(*values));
    }
    return out;
}

bool Conditions::restrict(const Ruleset& r, const Match& m, const Sight& sight, Product& product) {
    auto polar = [&](const Intervals& values, Field field) {
        return m.negated ? complement(values, last(field)) : values;
    };
    switch (m.kind) {
        case MatchKind::comment:
            product.empty = product.empty || m.negated;
            return true;
        case MatchKind::protocol: {
            std::uint8_t p = m.payload.number;
            product.restrict(level(Field::protocol), polar({{p, p}}, Field::protocol));
            return true;
        }
        case MatchKind::source:
        case MatchKind::destination: {
            Field field =
                turned(m.kind == MatchKind::source ? Field::source : Field::destination, sight);
            bool one_level = space_.address_levels() == 1;
            if (m.count > 1 || (m.negated && !one_level)) return false;
            auto values = words(masked_address(r, m, 0));
            if (!values) return false;
            for (std::uint32_t word = 0; word < values->size(); ++word) {
                Intervals& v = (*values)[word];
                if (m.negated) v = complement(v, 0xffffffffU);
                if (v.size() == 1 && v[0] == Interval{0, 0xffffffffU}) continue;
                product.restrict(level(field) + word, std::move(v));
            }
            return true;
        }
        case MatchKind::source_range:
        case MatchKind::destination_range: {
            if (space_.address_levels() != 1) return false;
            Field field = turned(
                m.kind == MatchKind::source_range ? Field::source : Field::destination, sight);
            Intervals values;
            for (const model::AddressRange& a : r.ranges_of(m))
                if (a.first <= a.last)
                    values.push_back({address_word(a.first, 0), address_word(a.last, 0)});
            values = normalized(std::move(values));
            product.restrict(level(field), polar(values, field));
            return true;
        }
        case MatchKind::in_interface:
        case MatchKind::out_interface: {
            bool in = m.kind == MatchKind::in_interface;
            Field field = turned(in ? Field::in_interface : Field::out_interface, sight);
            Intervals values = polar(
                space_.interfaces(r.string(m.payload.interface.name), m.payload.interface.wildcard),
                field);
            if (in ? sight.in : sight.out)
                product.restrict(level(field), std::move(values));
            else if (values.empty() || values.front().first != 0)
                product.empty = true;
            return true;
        }
        case MatchKind::source_port:
        case MatchKind::destination_port: {
            Field field =
                m.kind == MatchKind::source_port ? Field::source_port : Field::destination_port;
            restrict_ports(product, turned(field, sight), polar(port_intervals(r, m), field));
            return true;
        }
        case MatchKind::tcp_flags: {
            Intervals values;
            for (std::uint32_t flags = 0; flags < 64; ++flags)
                if (((flags & m.payload.tcp_flags.mask) == m.payload.tcp_flags.value) != m.negated)
                    values.push_back({flags, flags});
            product.restrict(level(Field::protocol), {{proto_tcp, proto_tcp}});
            product.restrict(level(Field::fragment), {{0, 0}});
            product.restrict(level(Field::tcp_flags), normalized(std::move(values)));
            return true;
        }
        case MatchKind::fragment: {
            std::uint32_t v = m.negated ? 0 : 1;
            product.restrict(level(Field::fragment), {{v, v}});
            return true;
        }
        case MatchKind::state: {
            Intervals values;
            for (std::uint32_t s = 0; s < state_values; ++s)
                if (((m.payload.state & state_bit(s)) != 0) != m.negated) values.push_back({s, s});
            product.restrict(level(Field::state), normalized(std::move(values)));
            return true;
        }
        case MatchKind::mark:
            if (m.negated) return false;
            if ((m.payload.mark.value & ~m.payload.mark.mask) != 0) product.empty = true;
            for (const PacketSpace::MarkGroup& g : space_.mark_groups())
                if ((g.mask & m.payload.mark.mask) != 0) {
                    std::uint32_t v = PacketSpace::extract(m.payload.mark.value, g.mask);
                    product.restrict(g.level, {{v, v}});
                }
            return true;
        default:
            return false;
    }
}

Diagram Conditions::product_set(Product& product, Diagram inside) {
    if (product.empty) return nothing;
    std::sort(product.restrictions.begin(), product.restrictions.end(),
              [](const auto& a, const auto& b) { return a.level > b.level; });
    Diagram d = inside;
    for (const Product::Restriction& r : product.restrictions)
        d = pool_.branch(r.level, r.values, d, nothing);
    return d;
}

Diagram Conditions::rule(const Ruleset& r, model::RuleId id, const Sight& sight, Diagram inside) {
    Product product;
    std::vector<const Match*> others;
    for (const Match& m : r.matches_of(r.rule(id))) {
        if (!restrict(r, m, sight, product)) others.push_back(&m);
        if (product.empty) return nothing;
    }
    Diagram d = product_set(product, inside);
    for (const Match* m : others) d = pool_.inside(match(r, id, *m, sight), d);
    return d;
}

Diagram Conditions::match(const Ruleset& r, model::RuleId id, const Match& m, const Sight& sight) {
    Product product;
    if (restrict(r, m, sight, product)) return product_set(product, everything);
    switch (m.kind) {
        case MatchKind::source:
        case MatchKind::destination:
            return address_set(
                r, m,
                turned(m.kind == MatchKind::source ? Field::source : Field::destination, sight),
                sight);
        case MatchKind::source_range:
        case MatchKind::destination_range: {
            Field field = turned(
                m.kind == MatchKind::source_range ? Field::source : Field::destination, sight);
            std::vector<Diagram> parts;
            for (const model::AddressRange& a : r.ranges_of(m))
                parts.push_back(space_.addresses(field, a.first, a.last));
            return negate(parts.empty() ? nothing : pool_.over_all(parts), m.negated);
        }
        case MatchKind::either_port: {
            Intervals values = port_intervals(r, m);
            Diagram either = pool_.over(pool_.values(level(Field::source_port), values),
                                        pool_.values(level(Field::destination_port), values));
            Product ported;
            ported.restrict(level(Field::protocol), ported_protocols);
            ported.restrict(level(Field::fragment), {{0, 0}});
            return pool_.inside(product_set(ported, everything), negate(either, m.negated));
        }
        case MatchKind::icmp:
            return icmp_set(m);
        case MatchKind::mark:
            return mark_set(m);
        case MatchKind::address_type:
            return type_set(m, sight);
        case MatchKind::conntrack:
            return conntrack_set(r, r.conntrack[m.payload.pool.first], sight);
        default:
            return opaque_set(r, id, m, sight);
    }
}

Diagram Conditions::masked_set(const model::MaskedAddress& a, Field field, const Sight& sight) {
    auto values = words(a);
    if (!values) {
        std::string text = field == turned(Field::source, sight) ? "source " : "destination ";
        for (std::uint8_t b : a.value.bytes) text += fmt::format("{:02x}", b);
        text += '/';
        for (std::uint8_t b : a.mask.bytes) text += fmt::format("{:02x}", b);
        return predicate(text, text, sight);
    }
    Diagram d = everything;
    for (auto word = static_cast<std::uint32_t>(values->size()); word-- > 0;)
        d = pool_.branch(level(field) + word, (*values)[word], d, nothing);
    return d;
}

Diagram Conditions::address_set(const Ruleset& r, const Match& m, Field field, const Sight& sight) {
    std::vector<Diagram> parts;
    for (std::uint32_t i = 0; i < std::max<std::uint32_t>(m.count, 1); ++i)
        parts.push_back(masked_set(masked_address(r, m, i), field, sight));
    return negate(pool_.over_all(parts), m.negated);
}

Diagram Conditions::icmp_set(const Match& m) {
    const auto& i = m.payload.icmp;
    Product icmp;
    icmp.restrict(level(Field::protocol), {{proto_icmp, proto_icmp}, {proto_icmpv6, proto_icmpv6}});
    icmp.restrict(level(Field::fragment), {{0, 0}});
    Diagram hit = everything;
    if (!i.any) {
        Product type;
        type.restrict(level(Field::source_port), {{i.type, i.type}});
        type.restrict(level(Field::destination_port), {{i.code_first, i.code_last}});
        hit = product_set(type, everything);
    }
    return pool_.inside(product_set(icmp, everything), negate(hit, m.negated));
}

Diagram Conditions::mark_set(const Match& m) {
    Match positive = m;
    positive.negated = false;
    Product product;
    Ruleset none;
    restrict(none, positive, {}, product);
    return negate(product_set(product, everything), m.negated);
}

Diagram Conditions::types_of(Field field, std::uint16_t types, bool own, bool foreign,
                             bool forwarded, const Sight& sight) {
    bool six = space_.family() == model::Family::ip6;
    std::string_view side = field == turned(Field::source, sight) ? "src" : "dst";
    auto when = [&](std::uint16_t bits) { return (types & bits) != 0 ? everything : nothing; };
    auto hangs = [&] {
        std::string text = fmt::format("addrtype {} {:#x}", side, types);
        return predicate(text, text, sight);
    };
    constexpr std::uint16_t odd = model::type_anycast | model::type_blackhole |
                                  model::type_unreachable | model::type_prohibit |
                                  model::type_throw | model::type_nat | model::type_xresolve |
                                  model::type_unspec;
    constexpr std::uint16_t wide = model::type_unicast | model::type_broadcast;
    // The local table tells what is sent on: neither a broadcast nor this host's own.
    bool looked_up = forwarded && !six;
    bool open = !own && !looked_up && (!foreign || (types & wide) != 0);
    Diagram rest = nothing;
    if (open || (types & odd) != 0) {
        rest = hangs();
    } else if (own) {
        bool local = (types & model::type_local) != 0;
        bool broadcast = (types & model::type_broadcast) != 0;
        if (local == broadcast || six) {
            rest = local ? everything : nothing;
        } else {
            // Its own, or the broadcast address of one of its networks.
            std::string text = fmt::format("addrtype {} broadcast", side);
            rest = negate(predicate(text, text, sight), local);
        }
    } else if (looked_up) {
        rest = when(model::type_unicast);
    }
    model::MaskedAddress multicast;
    multicast.value.bytes[0] = six ? 0xff : 0xe0;
    multicast.mask.bytes[0] = six ? 0xff : 0xf0;
    Diagram d = pool_.inside(masked_set(multicast, field, sight), when(model::type_multicast));
    Diagram decided = masked_set(multicast, field, sight);
    if (!six) {
        Diagram all_ones = masked_set({v4(0xffffffffU), v4(0xffffffffU)}, field, sight);
        Diagram loopback = masked_set({v4(0x7f000000U), v4(0xff000000U)}, field, sight);
        d = pool_.over(d, pool_.inside(all_ones, when(model::type_broadcast)));
        d = pool_.over(d, pool_.inside(loopback, when(model::type_local)));
        decided = pool_.over(decided, pool_.over(all_ones, loopback));
    }
    return pool_.over(d, pool_.outside(decided, rest));
}

Diagram Conditions::type_set(const Match& m, const Sight& sight) {
    const auto& t = m.payload.address_type;
    if (t.limit_in || t.limit_out) {
        std::string text =
            fmt::format("addrtype {:#x} {:#x} {}{} limited to an interface", t.source,
                        t.destination, t.source_negated, t.destination_negated);
        return predicate(text, text, sight);
    }
    Diagram d = everything;
    if (t.source != 0)
        d = negate(types_of(turned(Field::source, sight), t.source, sight.own_source,
                            sight.foreign_source, false, sight),
                   t.source_negated);
    if (t.destination != 0)
        d = pool_.inside(
            negate(types_of(turned(Field::destination, sight), t.destination, sight.own_destination,
                            !sight.own_destination, sight.forwarded, sight),
                   t.destination_negated),
            d);
    return d;
}

Diagram Conditions::predicate(const std::string& key, std::string_view text, const Sight& sight,
                              bool counts) {
    Predicate p;
    p.text = text;
    p.kind = text.substr(0, text.find(' '));
    p.answer = sight.answer;
    p.counts = counts;
    p.changeable = p.kind == "connmark" || p.kind == "set";
    p.per_packet = counts || differs_by_packet(p.kind);
    std::uint32_t at = space_.predicate(sight.answer ? key + "\1" : key, p);
    Interval yes{1, 1};
    return pool_.values(at, {&yes, 1});
}

/// Which of the equal rules of its chain a rule is.
std::uint32_t Conditions::occurrence(const Ruleset& r, model::RuleId id) {
    std::uint32_t chain = r.rule(id).chain.value;
    auto [it, added] = occurrence_numbers_.try_emplace({&r, chain});
    if (added)
        for (model::RuleId other : r.rules_of(r.chains[chain])) {
            const model::Rule& rule = r.rule(other);
            bool counts = std::any_of(
                r.matches_of(rule).begin(), r.matches_of(rule).end(), [](const Match& m) {
                    return m.kind == MatchKind::opaque &&
                           m.payload.opaque.nature == model::OpaqueNature::occurrence;
                });
            if (counts) it->second.number[other.value] = it->second.seen[signature(r, other)]++;
        }
    return it->second.number[id.value];
}

Diagram Conditions::opaque_set(const Ruleset& r, model::RuleId id, const Match& m,
                               const Sight& sight) {
    const auto& o = m.payload.opaque;
    if (o.nature == model::OpaqueNature::always) return negate(everything, m.negated);
    std::string key(r.string(o.text));
    bool one_answer = o.nature != model::OpaqueNature::occurrence ||
                      (writes_followed_ && o.key == model::ConntrackKey::connmark);
    if (!one_answer && occurrences_ == Occurrences::by_rule) {
        const model::Rule& rule = r.rule(id);
        key += fmt::format("\2{} {} {} {}", r.table_of(rule).name, r.chain(rule.chain).name,
                           signature(r, id), occurrence(r, id));
    }
    bool counts = o.nature == model::OpaqueNature::occurrence;
    Diagram with_entry = negate(predicate(key, r.string(o.text), sight, counts), m.negated);
    Interval without_entry{value_invalid, value_untracked};
    static_assert(value_invalid + 1 == value_untracked);
    auto always = [&](Diagram d) {
        return pool_.branch(level(Field::state), {&without_entry, 1}, d, with_entry);
    };
    switch (o.key) {
        case model::ConntrackKey::connmark:
        case model::ConntrackKey::connbytes:
        case model::ConntrackKey::cluster:
            return always(nothing);
        case model::ConntrackKey::helper:
        case model::ConntrackKey::connlabel:
            return always(m.negated ? everything : nothing);
        default:
            return with_entry;
    }
}

}  // namespace untrack::packet
