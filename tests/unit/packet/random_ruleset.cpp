// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/packet/random_ruleset.hpp"

#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::test {
namespace {

struct TableShape {
    const char* name;
    std::initializer_list<const char*> chains;
};
const TableShape shapes[] = {
    {"raw", {"PREROUTING", "OUTPUT"}},
    {"mangle", {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}},
    {"nat", {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"}},
    {"filter", {"INPUT", "FORWARD", "OUTPUT"}},
};

}  // namespace

std::string RandomRuleset::address() {
    return family_ == model::Family::ip
               ? pick({"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.0.2.1", "192.0.2.0/25",
                       "0.0.0.0/1", "10.0.0.1/255.255.240.255", "203.0.113.9,192.0.2.1"})
               : pick({"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1", "fe80::/10",
                       "2001:db8:0:0:8000::/65",
                       "2001:db8::1/ffff:ffff:ffff:ffff:ffff:ffff:0fff:ffff",
                       "2001:db8::9,2001:db8:1::1"});
}

std::string RandomRuleset::matches(const std::string& table, const std::string& chain) {
    std::string out;
    auto no = [&] { return below(4) == 0 ? "! " : ""; };
    bool base_in = chain == "PREROUTING" || chain == "INPUT" || chain == "FORWARD";
    bool base_out = chain == "OUTPUT" || chain == "POSTROUTING" || chain == "FORWARD";
    bool user = chain.starts_with("u");
    if (below(3) == 0) out += fmt::format("{}-s {} ", "", address());
    if (below(4) == 0) {
        std::string a = address();
        out += fmt::format("{}-d {} ", a.find(',') == std::string::npos ? no() : "", a);
    }
    if ((base_in || user) && below(5) == 0)
        out += fmt::format("{}-i {} ", no(), pick({"eth0", "eth+", "lo", "ppp0", "et+"}));
    if ((base_out || user) && below(5) == 0)
        out += fmt::format("{}-o {} ", no(), pick({"eth0", "eth1", "lo", "ppp+"}));
    bool six = family_ == model::Family::ip6;
    switch (below(9)) {
        case 0:
            out += fmt::format("-p tcp -m tcp {}--dport {} ", no(),
                               pick({"80", "22", "1024:65535", "0:79"}));
            break;
        case 1:
            out += fmt::format("-p tcp -m tcp {}--sport {} ", no(), pick({"80", "1024:65535"}));
            break;
        case 2:
            out += fmt::format("-p udp -m udp --dport {} ", pick({"53", "123", "1000:2000"}));
            break;
        case 3:
            out += fmt::format("-p tcp -m multiport {}--{} 22,80,443,1000:2000 ", no(),
                               pick({"dports", "sports", "ports"}));
            break;
        case 4:
            out += fmt::format("-p tcp -m tcp {}{} ", no(),
                               pick({"--syn", "--tcp-flags SYN,ACK SYN,ACK", "--tcp-flags ALL NONE",
                                     "--tcp-flags SYN,RST SYN"}));
            break;
        case 5:
            out += six ? fmt::format("-p ipv6-icmp -m icmp6 {}--icmpv6-type {} ", no(),
                                     pick({"1", "2", "128", "135", "1/4"}))
                       : fmt::format("-p icmp -m icmp {}--icmp-type {} ", no(),
                                     pick({"3", "3/4", "8", "11"}));
            break;
        case 6:
            out += fmt::format("{}-p {} ", no(), pick({"tcp", "udp", "47"}));
            break;
        default:
            break;
    }
    if (below(3) == 0)
        out += fmt::format("-m conntrack {}--ctstate {} ", no(),
                           pick({"NEW", "RELATED,ESTABLISHED", "INVALID", "UNTRACKED",
                                 "NEW,UNTRACKED", "ESTABLISHED"}));
    if (below(14) == 0)
        out += fmt::format("-m conntrack {} ",
                           pick({"--ctdir REPLY", "--ctdir ORIGINAL", "--ctproto 6",
                                 "--ctorigdstport 80", "--ctstate NEW,ESTABLISHED --ctdir ORIGINAL",
                                 "--ctstatus SEEN_REPLY", "! --ctproto 17"}));
    if (below(8) == 0)
        out +=
            fmt::format("-m mark {}--mark {} ", no(), pick({"0x1", "0x0", "0x10/0x10", "0x1/0xf"}));
    if (below(12) == 0)
        out += fmt::format("-m addrtype {}--dst-type {} ", no(),
                           pick({"LOCAL", "BROADCAST", "MULTICAST", "UNICAST", "LOCAL,BROADCAST"}));
    if (below(20) == 0) out += "-m limit --limit 3/s ";
    if (below(20) == 0) out += "-m length --length 100 ";
    if (below(25) == 0) out += fmt::format("-m connmark {}--mark 0x1 ", no());
    if (!six && below(25) == 0) out += fmt::format("{}-f ", no());
    if (table == "raw" && below(3) != 0) return out;
    if (below(20) == 0)
        out += six ? "-m iprange --src-range 2001:db8::5-2001:db8:1::ffff "
                   : "-m iprange --src-range 10.0.0.77-10.1.2.3 ";
    return out;
}

std::string RandomRuleset::rule(const std::string& table, const std::string& chain) {
    std::string target;
    bool user = chain.starts_with("u");
    if (table == "raw")
        target = pick({"-j CT --notrack", "-j CT --notrack", "-j CT --zone 3", "-j ACCEPT",
                       "-j DROP", "-j RETURN", "-j u1"});
    else if (table == "mangle")
        target = pick({"-j MARK --set-xmark 0x1/0xffffffff", "-j MARK --set-xmark 0x10/0x10",
                       "-j MARK --set-xmark 0x0/0xf", "-j ACCEPT", "-j DROP", "-j RETURN", "-j u1",
                       "-j CONNMARK --restore-mark", "-j MARK --or-mark 0x2"});
    else if (table == "nat")
        target =
            chain == "PREROUTING" || chain == "OUTPUT"
                ? (family_ == model::Family::ip ? "-p tcp -j DNAT --to-destination 10.9.9.9"
                                                : "-p tcp -j DNAT --to-destination 2001:db8::99")
            : chain == "POSTROUTING" ? "-j MASQUERADE"
                                     : "-j ACCEPT";
    else
        target = pick({"-j ACCEPT", "-j ACCEPT", "-j DROP", "-j REJECT", "-j RETURN", "-j u1",
                       "-j u2", "-g u2", "-j LOG", ""});
    // Chains lead on in one direction only.
    if (chain == "u2" && target.size() >= 2 && target.ends_with("u1")) target = "-j ACCEPT";
    if (chain == "u2" && target.ends_with("u2")) target = "-j DROP";
    if (chain == "u1" && target.ends_with("u1")) target = "-j RETURN";
    std::string m = matches(table, chain);
    if (target.find("-p tcp") != std::string::npos && m.find("-p ") != std::string::npos)
        target = "-j ACCEPT";
    (void)user;
    return fmt::format("-A {} {}{}\n", chain, m, target);
}

std::string RandomRuleset::table(const std::string& name) {
    std::string out = "*" + name + "\n";
    std::string rules;
    for (const TableShape& shape : shapes) {
        if (name != shape.name) continue;
        for (const char* chain : shape.chains) {
            bool drop = name == "filter" && below(2) == 0;
            out += fmt::format(":{} {} [0:0]\n", chain, drop ? "DROP" : "ACCEPT");
            for (std::uint32_t n = below(name == "filter" ? 9 : 4); n > 0; --n)
                rules += rule(name, chain);
        }
    }
    if (name != "nat") {
        out += ":u1 - [0:0]\n:u2 - [0:0]\n";
        for (std::uint32_t n = below(5); n > 0; --n) rules += rule(name, "u1");
        for (std::uint32_t n = below(5); n > 0; --n) rules += rule(name, "u2");
    }
    return out + rules + "COMMIT\n";
}

std::string RandomRuleset::text() {
    std::string out;
    if (below(3) != 0) out += table("raw");
    if (below(3) != 0) out += table("mangle");
    if (below(3) == 0) out += table("nat");
    return out + table("filter");
}

packet::Packet RandomRuleset::packet() {
    packet::Packet p;
    p.family = family_;
    bool six = family_ == model::Family::ip6;
    auto any_address = [&] {
        std::string a =
            six ? pick({"2001:db8::9", "2001:db8:1::1", "fe80::1", "2001:db8:0:0:8000::7",
                        "2a00::1", "ff02::1", "2001:db8:1::ff"})
                : pick({"10.1.2.3", "10.1.9.9", "192.0.2.1", "192.0.2.200", "203.0.113.9",
                        "10.0.0.1", "224.0.0.1", "10.0.0.78", "255.255.255.255", "192.0.2.7"});
        model::Family family{};
        model::Address address;
        packet::parse_address(a, family, address);
        return address;
    };
    p.source = any_address();
    p.destination = any_address();
    constexpr std::uint8_t protocols[] = {packet::proto_tcp, packet::proto_tcp, packet::proto_udp,
                                          packet::proto_icmp, 47};
    p.protocol = protocols[below(5)];
    if (six && p.protocol == packet::proto_icmp) p.protocol = packet::proto_icmpv6;
    if (packet::has_ports(p.protocol)) {
        constexpr std::uint16_t ports[] = {22, 80, 443, 53, 123, 1500, 40000, 79};
        p.source_port = ports[below(8)];
        p.destination_port = ports[below(8)];
    } else if (p.protocol != 47) {
        constexpr std::uint8_t types[] = {3, 8, 11, 1, 2, 128, 135, 137, 0};
        p.icmp_type = types[below(9)];
        p.icmp_code = static_cast<std::uint8_t>(below(5));
    }
    if (p.protocol == packet::proto_tcp) {
        constexpr std::uint8_t flags[] = {2, 16, 18, 4, 17, 0, 24};
        p.tcp_flags = flags[below(7)];
    }
    if (below(12) == 0) {
        p.fragment = true;
        p.source_port = p.destination_port = 0;
        p.icmp_type = p.icmp_code = p.tcp_flags = 0;
    }
    switch (below(4)) {
        case 0:
            p.path = packet::Path::input;
            break;
        case 1:
            p.path = packet::Path::output;
            break;
        case 2:
            p.path = packet::Path::forward;
            break;
        default:
            p.path = packet::Path::output;
            p.out_interface = "lo";
            return p;
    }
    if (p.path != packet::Path::output) p.in_interface = pick({"eth0", "eth1", "ppp0", "wlan0"});
    if (p.path != packet::Path::input) p.out_interface = pick({"eth0", "eth1", "ppp0", "wlan0"});
    if (below(3) == 0) p.mark = below(2) == 0 ? 1 : 0x10;
    return p;
}

}  // namespace untrack::test
