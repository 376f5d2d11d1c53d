// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/example.hpp"

#include <array>
#include <string>

#include "model/iptables_values.hpp"
#include "packet/trace.hpp"
#include "packet/words.hpp"

namespace untrack::packet {
namespace {

using model::Match;
using model::MatchKind;
using model::Ruleset;

/// Fields are chosen one after the other; every match but either_port reads only one of them.
enum class Field : std::uint8_t {
    protocol,
    source,
    destination,
    in_interface,
    out_interface,
    source_port,
    destination_port,
    flags,
    icmp,
    mark
};

bool reads(const Match& m, Field f) {
    switch (m.kind) {
        case MatchKind::protocol:
            return f == Field::protocol;
        case MatchKind::source:
        case MatchKind::source_range:
            return f == Field::source;
        case MatchKind::destination:
        case MatchKind::destination_range:
            return f == Field::destination;
        case MatchKind::in_interface:
            return f == Field::in_interface;
        case MatchKind::out_interface:
            return f == Field::out_interface;
        case MatchKind::source_port:
            return f == Field::source_port;
        case MatchKind::destination_port:
        case MatchKind::either_port:
            return f == Field::destination_port;
        case MatchKind::tcp_flags:
            return f == Field::flags;
        case MatchKind::icmp:
            return f == Field::icmp;
        case MatchKind::mark:
            return f == Field::mark;
        default:
            return false;
    }
}

/// Tests of state and everything a packet does not tell are taken to hold.
bool is_assumed(const Match& m) {
    return m.kind == MatchKind::state || m.kind == MatchKind::conntrack ||
           m.kind == MatchKind::opaque;
}

View view_of(const Packet& p) {
    View view;
    view.hook = p.path == Path::input    ? model::Hook::input
                : p.path == Path::output ? model::Hook::output
                                         : model::Hook::forward;
    view.in_interface = p.in_interface;
    view.out_interface = p.out_interface;
    view.mark = p.mark;
    return view;
}

class Search {
  public:
    Search(model::Family family, Path path, std::span<const Condition> conditions)
        : conditions_(conditions) {
        p_.family = family;
        p_.path = path;
        static const std::array<model::Address, 3> four{
            address("203.0.113.9"), address("192.0.2.1"), address("198.51.100.2")};
        static const std::array<model::Address, 3> six{
            address("2001:db8:ffff::9"), address("2001:db8:1::1"), address("2001:db8:2::2")};
        const auto& places = family == model::Family::ip ? four : six;
        outside_ = places[0];
        own_ = places[1];
        inside_ = places[2];
        p_.source = path == Path::output ? own_ : outside_;
        p_.destination = path == Path::output ? outside_ : path == Path::input ? own_ : inside_;
        p_.source_port = 40000;
        p_.destination_port = 40001;
    }

    std::optional<Packet> run() {
        if (!choose(Field::protocol, proto_tcp, [&] { return protocols(); })) return std::nullopt;
        if (!has_ports(p_.protocol)) p_.source_port = p_.destination_port = 0;
        if (!choose(Field::source, p_.source,
                    [&] { return addresses(MatchKind::source, MatchKind::source_range); }) ||
            !choose(Field::destination, p_.destination, [&] {
                return addresses(MatchKind::destination, MatchKind::destination_range);
            }))
            return std::nullopt;
        bool in = p_.path != Path::output;
        bool out = p_.path != Path::input;
        if (!choose(Field::in_interface, std::string(in ? "eth0" : ""),
                    [&] { return interfaces(MatchKind::in_interface, in); }) ||
            !choose(Field::out_interface,
                    std::string(!out ? ""
                                : in ? "eth1"
                                     : "eth0"),
                    [&] { return interfaces(MatchKind::out_interface, out); }))
            return std::nullopt;
        if (has_ports(p_.protocol) && (!choose(Field::source_port, p_.source_port, [&] {
                return ports(MatchKind::source_port);
            }) || !choose(Field::destination_port, p_.destination_port, [&] {
                return ports(MatchKind::destination_port);
            })))
            return std::nullopt;
        if (p_.protocol == proto_tcp && !choose(Field::flags, std::uint8_t{tcp_syn}, flags))
            return std::nullopt;
        bool icmp = p_.protocol == proto_icmp || p_.protocol == proto_icmpv6;
        std::uint8_t echo = p_.family == model::Family::ip ? 8 : 128;
        if (icmp && !choose(Field::icmp, static_cast<std::uint16_t>(echo << 8U),
                            [&] { return icmp_types(); }))
            return std::nullopt;
        if (!choose(Field::mark, std::uint32_t{0}, [&] { return marks(); })) return std::nullopt;
        bool all = true;
        each([&](const Ruleset& r, const Match& m) {
            all = all && (is_assumed(m) || matches(r, m, p_, view_of(p_)) != Truth::no);
        });
        if (!all) return std::nullopt;
        return p_;
    }

  private:
    static model::Address address(const char* text) {
        model::Family family{};
        model::Address a;
        parse_address(text, family, a);
        return a;
    }

    template <typename F>
    void each(F f) const {
        for (const Condition& c : conditions_)
            for (const Match& m : c.matches) f(*c.ruleset, m);
    }

    void set(Field f, const model::Address& a) {
        (f == Field::source ? p_.source : p_.destination) = a;
    }
    void set(Field f, const std::string& name) {
        (f == Field::in_interface ? p_.in_interface : p_.out_interface) = name;
    }
    void set(Field, std::uint8_t flags_or_protocol) {
        (setting_protocol_ ? p_.protocol : p_.tcp_flags) = flags_or_protocol;
    }
    void set(Field f, std::uint16_t n) {
        if (f == Field::icmp) {
            p_.icmp_type = static_cast<std::uint8_t>(n >> 8);
            p_.icmp_code = static_cast<std::uint8_t>(n);
        } else {
            (f == Field::source_port ? p_.source_port : p_.destination_port) = n;
        }
    }
    void set(Field, std::uint32_t mark) { p_.mark = mark; }

    /// The friendly value when the matches allow it, else the first that they do of the others.
    template <typename T, typename Others>
    bool choose(Field f, const T& friendly, Others others) {
        setting_protocol_ = f == Field::protocol;
        if (fits(f, friendly)) return true;
        for (const T& candidate : others())
            if (fits(f, candidate)) return true;
        return false;
    }
    template <typename T>
    bool fits(Field f, const T& candidate) {
        set(f, candidate);
        for (const Condition& c : conditions_)
            for (const Match& m : c.matches)
                if (reads(m, f) && matches(*c.ruleset, m, p_, view_of(p_)) == Truth::no)
                    return false;
        return true;
    }

    static std::vector<std::uint8_t> flags() {
        std::vector<std::uint8_t> list{tcp_ack, tcp_syn | tcp_ack, tcp_rst, tcp_fin | tcp_ack, 0,
                                       63};
        for (std::uint8_t f = 1; f < 64; ++f) list.push_back(f);
        return list;
    }

    std::vector<std::uint16_t> icmp_types() const {
        std::vector<std::uint16_t> list;
        each([&](const Ruleset&, const Match& m) {
            if (m.kind == MatchKind::icmp)
                list.push_back(static_cast<std::uint16_t>((m.payload.icmp.type << 8U) |
                                                          m.payload.icmp.code_first));
        });
        list.push_back(0);
        return list;
    }

    std::vector<std::uint32_t> marks() const {
        std::vector<std::uint32_t> list;
        each([&](const Ruleset&, const Match& m) {
            if (m.kind == MatchKind::mark) list.push_back(m.payload.mark.value);
        });
        list.push_back(0xdeadbeef);
        return list;
    }

    std::vector<std::uint8_t> protocols() const {
        std::vector<std::uint8_t> list{proto_udp,
                                       p_.family == model::Family::ip ? proto_icmp : proto_icmpv6};
        each([&](const Ruleset&, const Match& m) {
            if (m.kind == MatchKind::protocol && !m.negated)
                list.insert(list.begin(), m.payload.number);
        });
        list.push_back(253);
        return list;
    }

    std::vector<model::Address> addresses(MatchKind masked, MatchKind range) const {
        std::vector<model::Address> list;
        list.reserve(16);
        list.insert(list.end(), {outside_, own_, inside_});
        each([&](const Ruleset& r, const Match& m) {
            if (m.kind == masked && m.count == 0) {
                std::uint32_t host = ~m.payload.masked_v4.mask;
                for (std::uint32_t n :
                     {std::uint32_t{host != 0 ? 9U : 0U}, std::uint32_t{1}, std::uint32_t{0}})
                    list.push_back(model::v4_address(m.payload.masked_v4.value | (n & host)));
            } else if (m.kind == masked) {
                for (std::uint32_t i = 0; i < m.count; ++i) {
                    const model::MaskedAddress& a = r.addresses[m.payload.pool.first + i];
                    model::Address host = a.value;
                    std::size_t last = p_.family == model::Family::ip ? 3 : 15;
                    host.bytes[last] =
                        static_cast<std::uint8_t>(host.bytes[last] | (9 & ~a.mask.bytes[last]));
                    list.push_back(host);
                    list.push_back(a.value);
                }
            } else if (m.kind == range) {
                auto ranges = r.ranges_of(m);  // of a set: perhaps a hundred thousand
                for (std::uint32_t i = 0; i < std::min(ranges.size(), 4U); ++i) {
                    list.push_back(ranges[i].first);
                    list.push_back(ranges[i].last);
                }
            }
        });
        static const std::array<model::Address, 3> four{address("100.64.7.7"), address("8.8.8.8"),
                                                        address("172.31.255.9")};
        static const model::Address six = address("2a00:1:2::3");
        if (p_.family == model::Family::ip) list.insert(list.end(), four.begin(), four.end());
        if (p_.family == model::Family::ip6) list.push_back(six);
        return list;
    }

    std::vector<std::string> interfaces(MatchKind kind, bool has_one) const {
        std::vector<std::string> list;
        if (!has_one) return list;
        each([&](const Ruleset& r, const Match& m) {
            if (m.kind != kind || m.negated) return;
            std::string name(r.string(m.payload.interface.name));
            list.push_back(m.payload.interface.wildcard ? name + "0" : name);
        });
        list.insert(list.end(), {"eth7", "wan0", "lan0", "x9"});
        return list;
    }

    std::vector<std::uint16_t> ports(MatchKind kind) const {
        std::vector<std::uint16_t> list;
        list.reserve(16);
        list.push_back(50000);
        auto add = [&](const model::PortRange& range) {
            for (int n : {int{range.first}, int{range.last}, range.first - 1, range.last + 1})
                if (n > 0 && n <= 0xffff) list.push_back(static_cast<std::uint16_t>(n));
        };
        each([&](const Ruleset& r, const Match& m) {
            if (m.kind != kind && m.kind != MatchKind::either_port) return;
            if (m.count == 0) return add(m.payload.ports);
            for (std::uint32_t i = 0; i < m.count; ++i) add(r.ports[m.payload.pool.first + i]);
        });
        list.push_back(0);
        return list;
    }

    std::span<const Condition> conditions_;
    Packet p_;
    model::Address outside_, own_, inside_;
    bool setting_protocol_ = false;
};

}  // namespace

std::optional<Packet> example(model::Family family, Path path,
                              std::span<const Condition> conditions) {
    return Search(family, path, conditions).run();
}

}  // namespace untrack::packet
