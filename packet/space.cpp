// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/space.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "packet/words.hpp"

namespace untrack::packet {
namespace {

using model::MatchKind;
using model::Ruleset;

/// Ends the key of all other names with a prefix: it sorts behind the prefix itself, among the
/// names that begin with it.
constexpr char other = '\1';

std::vector<std::string> interface_keys(std::span<const Ruleset* const> rulesets,
                                        std::span<const std::string> more) {
    std::set<std::string> keys{"", "lo", std::string(1, other)};
    keys.insert(more.begin(), more.end());
    for (const Ruleset* r : rulesets)
        for (const model::Match& m : r->matches)
            if (m.kind == MatchKind::in_interface || m.kind == MatchKind::out_interface) {
                std::string name(r->string(m.payload.interface.name));
                if (m.payload.interface.wildcard) name += other;
                keys.insert(std::move(name));
            }
    return {keys.begin(), keys.end()};
}

void split(std::vector<std::uint32_t>& groups, std::uint32_t mask) {
    for (std::size_t i = 0, n = groups.size(); i < n; ++i) {
        std::uint32_t rest = groups[i] & ~mask;
        if (rest == 0 || rest == groups[i]) continue;
        groups[i] &= mask;
        groups.push_back(rest);
    }
}

/// The bits of a mark by what the rules test and set together. One group when nothing tests marks:
/// what is set may still be compared.
std::vector<std::uint32_t> mark_masks(std::span<const Ruleset* const> rulesets) {
    std::vector<std::uint32_t> groups{0xffffffffU};
    for (const Ruleset* r : rulesets) {
        for (const model::Match& m : r->matches)
            if (m.kind == MatchKind::mark) split(groups, m.payload.mark.mask);
        for (const model::MarkChange& change : r->marks) {
            split(groups, change.keep);
            split(groups, change.keep & change.toggle);
        }
    }
    return groups;
}

struct Preference {
    const char* v4;
    const char* v6;
};
constexpr Preference friendly_source{"203.0.113.9", "2001:db8:ffff::9"};
constexpr Preference friendly_destination{"192.0.2.1", "2001:db8:1::1"};

model::Address friendly(model::Family family, const Preference& preference) {
    model::Address a;
    parse_address(family == model::Family::ip ? preference.v4 : preference.v6, family, a);
    return a;
}

bool contains(std::span<const Interval> from, std::uint32_t value) {
    return std::any_of(from.begin(), from.end(),
                       [&](Interval i) { return i.first <= value && value <= i.last; });
}

/// The first of the wanted values that there is, else the first from `above` on, else the first.
std::uint32_t first_of(std::span<const Interval> from, std::initializer_list<std::uint32_t> wanted,
                       std::uint32_t above = 0) {
    for (std::uint32_t w : wanted)
        if (contains(from, w)) return w;
    for (Interval i : from)
        if (i.last >= above) return std::max(i.first, above);
    return from.front().first;
}

}  // namespace

ConntrackState state_of(std::uint32_t value) {
    constexpr ConntrackState states[] = {ConntrackState::new_,    ConntrackState::established,
                                         ConntrackState::reply,   ConntrackState::related,
                                         ConntrackState::invalid, ConntrackState::untracked};
    return states[value];
}

std::uint32_t address_word(const model::Address& address, std::uint32_t word) {
    const std::uint8_t* b = &address.bytes[std::size_t{4} * word];
    return std::uint32_t{b[0]} << 24U | std::uint32_t{b[1]} << 16U | std::uint32_t{b[2]} << 8U |
           b[3];
}

PacketSpace::PacketSpace(model::Family family, std::span<const Ruleset* const> rulesets,
                         FieldOrder order, std::size_t most_words,
                         std::span<const std::string> interfaces)
    : family_(family),
      interface_keys_(packet::interface_keys(rulesets, interfaces)),
      mark_groups_([&] {
          std::vector<MarkGroup> groups;
          for (std::uint32_t mask : mark_masks(rulesets)) groups.push_back({mask, 0});
          return groups;
      }()),
      pool_(lay_out(order), most_words) {}

std::vector<std::uint32_t> PacketSpace::lay_out(FieldOrder order) {
    using F = Field;
    std::array<Field, 8> fields{};
    switch (order) {
        case FieldOrder::small_first:
            fields = {F::protocol,         F::in_interface, F::out_interface, F::tcp_flags,
                      F::destination_port, F::source_port,  F::destination,   F::source};
            break;
        case FieldOrder::source_first:
            fields = {F::source,      F::destination,  F::protocol,      F::destination_port,
                      F::source_port, F::in_interface, F::out_interface, F::tcp_flags};
            break;
        case FieldOrder::destination_first:
            fields = {F::destination, F::protocol,     F::destination_port, F::source,
                      F::source_port, F::in_interface, F::out_interface,    F::tcp_flags};
            break;
        case FieldOrder::port_first:
            fields = {F::protocol,  F::destination_port, F::in_interface, F::out_interface,
                      F::tcp_flags, F::source_port,      F::source,       F::destination};
            break;
    }
    std::vector<std::uint32_t> last;
    auto place = [&](Field field) {
        levels_[static_cast<std::size_t>(field)] = static_cast<std::uint32_t>(last.size());
        switch (field) {
            case F::state:
                last.push_back(state_values - 1);
                break;
            case F::fragment:
                last.push_back(1);
                break;
            case F::protocol:
                last.push_back(0xff);
                break;
            case F::in_interface:
            case F::out_interface:
                last.push_back(interface_count() - 1);
                break;
            case F::tcp_flags:
                last.push_back(0x3f);
                break;
            case F::destination_port:
            case F::source_port:
                last.push_back(0xffff);
                break;
            case F::destination:
            case F::source:
                last.insert(last.end(), address_levels(), 0xffffffffU);
                break;
        }
    };
    // The state comes first: most rules speak of some states only, and most packets of a state are
    // decided by one rule.
    place(F::state);
    place(F::fragment);
    for (MarkGroup& group : mark_groups_) {
        group.level = static_cast<std::uint32_t>(last.size());
        last.push_back(extract(group.mask, group.mask));
    }
    for (Field field : fields) place(field);
    return last;
}

Intervals PacketSpace::interfaces(std::string_view name, bool wildcard) const {
    if (!wildcard) {
        std::uint32_t v = interface_value(name);
        return {{v, v}};
    }
    // Names that begin with the prefix stand together.
    auto begins = [&](const std::string& key) { return key.starts_with(name); };
    auto first = std::find_if(interface_keys_.begin(), interface_keys_.end(), begins);
    auto last = std::find_if_not(first, interface_keys_.end(), begins);
    return {{static_cast<std::uint32_t>(first - interface_keys_.begin()),
             static_cast<std::uint32_t>(last - interface_keys_.begin()) - 1}};
}

std::uint32_t PacketSpace::interface_value(std::string_view name) const {
    auto find = [&](const std::string& key) {
        auto it = std::lower_bound(interface_keys_.begin(), interface_keys_.end(), key);
        return it != interface_keys_.end() && *it == key ? it - interface_keys_.begin() : -1;
    };
    if (auto at = find(std::string(name)); at >= 0) return static_cast<std::uint32_t>(at);
    // The longest prefix that is told apart; the empty one always is.
    for (std::size_t n = name.size();; --n) {
        if (auto at = find(std::string(name.substr(0, n)) + other); at >= 0)
            return static_cast<std::uint32_t>(at);
    }
}

std::string PacketSpace::interface_name(std::uint32_t value) const {
    const std::string& key = interface_keys_[value];
    if (key.empty() || key.back() != other) return key;
    std::string prefix = key.substr(0, key.size() - 1);
    // Names that the rules tell apart are few, so that one of the next is none of them; but a whole
    // family of names may be another value ("eth+").
    std::vector<std::string> families;
    if (prefix.empty())
        families = {"eth", "wan", "net"};
    else
        families = {prefix};
    for (char c = 'a'; c <= 'z'; ++c) families.push_back(prefix + c);
    for (const std::string& family : families)
        for (unsigned n = 0; n < 1000; ++n) {
            std::string name = family + std::to_string(n);
            if (interface_value(name) == value) return name;
        }
    return families.front();
}

std::uint32_t PacketSpace::extract(std::uint32_t mark, std::uint32_t mask) {
    std::uint32_t out = 0;
    unsigned at = 0;
    for (unsigned bit = 0; bit < 32; ++bit)
        if ((mask >> bit & 1U) != 0) out |= (mark >> bit & 1U) << at++;
    return out;
}

std::uint32_t PacketSpace::predicate(const std::string& key, const Predicate& predicate,
                                     std::uint32_t last_value) {
    auto [it, added] = predicate_keys_.emplace(key, 0);
    if (added) {
        it->second = pool_.add_level(last_value);
        predicates_.emplace(it->second, predicate);
        predicate_levels_.push_back(it->second);
    }
    return it->second;
}

const Predicate* PacketSpace::predicate_at(std::uint32_t level) const {
    auto it = predicates_.find(level);
    return it == predicates_.end() ? nullptr : &it->second;
}

Diagram PacketSpace::possible() {
    auto set = [&](Field field, Intervals intervals) {
        return pool_.values(level(field), normalized(std::move(intervals)));
    };
    auto both = [&](Diagram a, Diagram b) { return pool_.inside(a, b); };
    Diagram no_ports =
        both(set(Field::source_port, {{0, 0}}), set(Field::destination_port, {{0, 0}}));
    Diagram no_flags = set(Field::tcp_flags, {{0, 0}});
    Diagram ported = set(Field::protocol, {{proto_udp, proto_udp},
                                           {proto_dccp, proto_dccp},
                                           {proto_sctp, proto_sctp},
                                           {proto_udplite, proto_udplite}});
    Diagram tcp = value(Field::protocol, proto_tcp);
    std::uint8_t own_icmp = family_ == model::Family::ip ? proto_icmp : proto_icmpv6;
    Diagram icmp = value(Field::protocol, own_icmp);
    Diagram bytes =
        both(set(Field::source_port, {{0, 255}}), set(Field::destination_port, {{0, 255}}));

    auto types = [&](Intervals intervals) {
        return both(icmp, set(Field::source_port, std::move(intervals)));
    };
    Diagram error = family_ == model::Family::ip ? types({{3, 5}, {11, 12}}) : types({{1, 4}});
    Diagram always_untracked =
        family_ == model::Family::ip ? nothing : types({{130, 136}, {143, 143}, {151, 152}});
    Diagram never_valid = family_ == model::Family::ip ? nothing : types({{137, 137}});
    Diagram untracked = value(Field::state, value_untracked);
    Diagram invalid = value(Field::state, value_invalid);
    // What the state of each kind of packet may be, the special ones before the rest.
    Diagram states = nothing;
    auto say = [&](Diagram packets, Diagram allowed) {
        states = pool_.over(pool_.outside(packets, states), pool_.inside(packets, allowed));
    };
    states = pool_.complement_of(untracked);
    say(error, set(Field::state, {{value_related, value_invalid}}));
    say(never_valid, invalid);
    Diagram tcp_whole = pool_.inside(value(Field::fragment, 0), tcp);
    say(pool_.outside(valid_tcp_flags(), tcp_whole), invalid);
    say(always_untracked, untracked);

    Diagram whole = pool_.over(tcp, both(no_flags, pool_.over(ported, both(icmp, bytes))));
    Diagram other_protocols = pool_.complement_of(pool_.over(tcp, pool_.over(ported, icmp)));
    whole = pool_.over(whole, both(other_protocols, both(no_flags, no_ports)));
    Diagram fragments = both(value(Field::fragment, 1), both(no_flags, no_ports));
    Diagram fields = pool_.over(both(value(Field::fragment, 0), whole), fragments);
    return both(fields, states);
}

Diagram PacketSpace::valid_tcp_flags() {
    Intervals flags;
    for (std::uint32_t f = 0; f < 64; ++f) {
        std::uint32_t rest = f & ~std::uint32_t{tcp_psh | tcp_urg};
        bool urgent = (f & tcp_urg) != 0;
        bool valid = rest == tcp_syn || rest == tcp_ack || rest == (tcp_fin | tcp_ack) ||
                     (!urgent && (rest == (tcp_syn | tcp_ack) || rest == tcp_rst ||
                                  rest == (tcp_rst | tcp_ack)));
        if (valid) flags.push_back({f, f});
    }
    return pool_.values(level(Field::tcp_flags), normalized(std::move(flags)));
}

Diagram PacketSpace::on_way(Way way) {
    // What is sent to a loopback address stays on this host.
    auto not_to_loopback = [&] {
        return pool_.complement_of(loopback_addresses(Field::destination));
    };
    std::uint32_t lo = interface_value("lo");
    std::uint32_t last = interface_count() - 1;
    auto any = [&](Field field) {
        Intervals real = normalized({{1, lo - 1}, {lo + 1, last}});
        if (lo == 1) real = normalized({{lo + 1, last}});
        return pool_.values(level(field), real);
    };
    auto is = [&](Field field, std::uint32_t v) { return value(field, v); };
    switch (way) {
        case Way::input:
            return pool_.inside(any(Field::in_interface), is(Field::out_interface, 0));
        case Way::output:
            return pool_.inside(not_to_loopback(), pool_.inside(is(Field::in_interface, 0),
                                                                any(Field::out_interface)));
        case Way::forward:
            return pool_.inside(not_to_loopback(),
                                pool_.inside(any(Field::in_interface), any(Field::out_interface)));
        case Way::loopback:
            break;
    }
    return pool_.inside(is(Field::in_interface, 0), is(Field::out_interface, lo));
}

Diagram PacketSpace::loopback_addresses(Field field) {
    model::Address first;
    model::Address last;
    if (family_ == model::Family::ip) {
        first.bytes[0] = last.bytes[0] = 127;
        last.bytes[1] = last.bytes[2] = last.bytes[3] = 255;
    } else {
        first.bytes[15] = last.bytes[15] = 1;
    }
    return addresses(field, first, last);
}

Diagram PacketSpace::addresses(Field field, const model::Address& first,
                               const model::Address& last) {
    if (first > last) return nothing;
    std::uint32_t top = level(field);
    // From the lowest word up: addresses from `first` on, and addresses up to `last`.
    Diagram from = everything;
    Diagram to = everything;
    for (std::uint32_t word = address_levels(); word-- > 0;) {
        std::uint32_t a = address_word(first, word);
        std::uint32_t b = address_word(last, word);
        Interval at_first{a, a};
        Interval at_last{b, b};
        Interval above{a, 0xffffffffU};
        Interval below{0, b};
        from = pool_.inside(pool_.values(top + word, {&above, 1}),
                            pool_.branch(top + word, {&at_first, 1}, from, everything));
        to = pool_.inside(pool_.values(top + word, {&below, 1}),
                          pool_.branch(top + word, {&at_last, 1}, to, everything));
    }
    return pool_.inside(from, to);
}

namespace {

/// The wanted address, or one like it that is not the packet's other address; else any that a host
/// may have, rather than a network's own.
std::uint32_t friendly_v4(std::span<const Interval> from, std::uint32_t wanted,
                          std::uint32_t other) {
    constexpr std::uint32_t test_net_2 = 0xc6336400, private_10 = 0x0a000000,
                            first_public = 1U << 24;
    std::uint32_t host = wanted & 0xff;
    for (std::uint32_t a : {wanted, test_net_2 + host, private_10 + host, wanted + 1})
        if (a != other && contains(from, a)) return a;
    for (Interval i : from) {
        std::uint32_t first = std::max(i.first, first_public);
        if (first >= i.last) continue;
        first += i.last - first >= 2 ? 1 : 0;
        return first == other ? first + 1 : first;
    }
    return from.front().first;
}

}  // namespace

std::uint32_t PacketSpace::preferred(std::uint32_t at, std::span<const Interval> from,
                                     std::span<const std::uint32_t> chosen) const {
    // Predicates stand below all fields, thousands of them at times.
    if (!predicate_levels_.empty() && at >= predicate_levels_.front()) return from.front().first;
    auto is = [&](Field field) { return at == level(field); };
    auto word_of = [&](Field field) -> std::optional<std::uint32_t> {
        if (at < level(field) || at >= level(field) + address_levels()) return std::nullopt;
        return at - level(field);
    };
    std::uint32_t state = chosen[level(Field::state)];
    if (is(Field::protocol)) return first_of(from, {proto_tcp, proto_udp, proto_icmp});
    if (is(Field::in_interface) || is(Field::out_interface))
        return first_of(from,
                        is(Field::in_interface)
                            ? std::initializer_list<std::uint32_t>{interface_value("eth0"),
                                                                   interface_value("eth1")}
                            : std::initializer_list<std::uint32_t>{interface_value("eth1"),
                                                                   interface_value("eth0")},
                        1);
    if (is(Field::tcp_flags))
        return state == value_new ? first_of(from, {tcp_syn, tcp_ack})
                                  : first_of(from, {tcp_ack, tcp_syn});
    // Of ICMP, where the values end at 255, an echo request.
    if (is(Field::source_port)) return first_of(from, {40000, 8}, 1024);
    if (is(Field::destination_port)) return first_of(from, {8080, 0}, 1024);
    for (Field field : {Field::source, Field::destination}) {
        auto word = word_of(field);
        if (!word) continue;
        model::Address wanted =
            friendly(family_, field == Field::source ? friendly_source : friendly_destination);
        std::uint32_t w = address_word(wanted, *word);
        if (family_ == model::Family::ip)
            return friendly_v4(
                from, w,
                chosen[level(field == Field::source ? Field::destination : Field::source)]);
        if (contains(from, w)) return w;
        // A host rather than a network's own address.
        bool last_word = *word + 1 == address_levels();
        Interval i = from.front();
        return last_word && i.last - i.first >= 2 ? i.first + 1 : i.first;
    }
    return from.front().first;
}

void PacketSpace::set_address(model::Address& address, Field field,
                              std::span<const std::uint32_t> values) const {
    for (std::uint32_t word = 0; word < address_levels(); ++word)
        for (unsigned byte = 0; byte < 4; ++byte)
            address.bytes[std::size_t{4} * word + byte] =
                static_cast<std::uint8_t>(values[level(field) + word] >> (24U - 8U * byte));
}

Packet PacketSpace::packet_of(std::span<const std::uint32_t> values, Way way) const {
    auto get = [&](Field field) { return values[level(field)]; };
    Packet p;
    p.path = path_of(way);
    p.family = family_;
    p.protocol = static_cast<std::uint8_t>(get(Field::protocol));
    set_address(p.source, Field::source, values);
    set_address(p.destination, Field::destination, values);
    bool icmp = p.protocol == (family_ == model::Family::ip ? proto_icmp : proto_icmpv6);
    if (icmp) {
        p.icmp_type = static_cast<std::uint8_t>(get(Field::source_port));
        p.icmp_code = static_cast<std::uint8_t>(get(Field::destination_port));
    } else if (has_ports(p.protocol)) {
        p.source_port = static_cast<std::uint16_t>(get(Field::source_port));
        p.destination_port = static_cast<std::uint16_t>(get(Field::destination_port));
    }
    p.tcp_flags = static_cast<std::uint8_t>(get(Field::tcp_flags));
    p.fragment = get(Field::fragment) != 0;
    p.in_interface = interface_name(get(Field::in_interface));
    p.out_interface = interface_name(get(Field::out_interface));
    for (const MarkGroup& group : mark_groups_) {
        std::uint32_t v = values[group.level];
        for (unsigned bit = 0; bit < 32; ++bit)
            if ((group.mask >> bit & 1U) != 0) {
                p.mark |= (v & 1U) << bit;
                v >>= 1U;
            }
    }
    p.state = state_of(get(Field::state));
    return p;
}

PacketSpace::Witness PacketSpace::witness(Diagram set, Way way) const {
    Witness w;
    std::vector<std::uint32_t> chosen(pool_.level_count());
    w.values = pool_.pick(set, [&](std::uint32_t at, std::span<const Interval> from) {
        return chosen[at] = preferred(at, from, chosen);
    });
    w.packet = packet_of(w.values, way);
    std::vector<std::uint32_t> other = w.values;
    for (std::uint32_t at : pool_.levels_asked(set, w.values)) {
        auto predicate = predicates_.find(at);
        if (predicate == predicates_.end()) continue;
        other[at] = other[at] == 0 ? 1 : 0;
        if (pool_.at(set, other) == 0)
            w.hangs_on.emplace_back(predicate->second, w.values[at] != 0);
        other[at] = w.values[at];
    }
    return w;
}

std::vector<std::uint32_t> PacketSpace::values_of(const Packet& p) const {
    std::vector<std::uint32_t> values(pool_.level_count());
    auto set = [&](Field field, std::uint32_t v) { values[level(field)] = v; };
    constexpr std::uint8_t by_state[] = {value_new,      value_new,     value_established,
                                         value_reply,    value_related, value_invalid,
                                         value_untracked};
    set(Field::state, by_state[static_cast<std::size_t>(p.state)]);
    set(Field::fragment, p.fragment ? 1 : 0);
    set(Field::protocol, p.protocol);
    set(Field::in_interface, interface_value(p.in_interface));
    set(Field::out_interface, interface_value(p.out_interface));
    set(Field::tcp_flags, p.tcp_flags);
    bool ports = has_ports(p.protocol);
    set(Field::source_port, ports ? p.source_port : p.icmp_type);
    set(Field::destination_port, ports ? p.destination_port : p.icmp_code);
    for (std::uint32_t word = 0; word < address_levels(); ++word) {
        values[level(Field::source) + word] = address_word(p.source, word);
        values[level(Field::destination) + word] = address_word(p.destination, word);
    }
    for (const MarkGroup& group : mark_groups_) values[group.level] = extract(p.mark, group.mask);
    return values;
}

}  // namespace untrack::packet
