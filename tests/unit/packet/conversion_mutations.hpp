// SPDX-License-Identifier: GPL-2.0-or-later
// A server before and after a sound conversion, and the ways in which tests break it.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>

#include "packet/flows.hpp"
#include "tests/unit/ruleset_text.hpp"

namespace untrack::test {

/// A web server that drops what is INVALID, filters what it sends, and logs.
inline const std::string server_before = R"(*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -s 10.66.0.0/16 -j DROP
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -p udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
)";
inline const std::string server_after = R"(*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -s 10.66.0.0/16 -j DROP
-A INPUT -p icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT
-A INPUT -p icmp --icmp-type 11 -m conntrack --ctstate INVALID -j ACCEPT
-A INPUT -p icmp --icmp-type 12 -m conntrack --ctstate INVALID -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate UNTRACKED -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -p icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT
-A OUTPUT -p icmp --icmp-type 11 -m conntrack --ctstate INVALID -j ACCEPT
-A OUTPUT -p icmp --icmp-type 12 -m conntrack --ctstate INVALID -j ACCEPT
-A OUTPUT ! -d 10.66.0.0/16 -p tcp -m multiport --sports 80,443 -m tcp ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -p udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack
-A OUTPUT -o lo -p tcp -m multiport --dports 80,443 -j CT --notrack
-A OUTPUT -p tcp -m multiport --sports 80,443 -j CT --notrack
COMMIT
)";

/// One place of the conversion broken: the text `from` becomes `to`.
struct Mutation {
    const char* name;
    const char* from;
    const char* to;
    packet::Obligation broken;
};

inline const Mutation mutations[] = {
    {"no mirror", "-A OUTPUT -p tcp -m multiport --sports 80,443 -j CT --notrack\n", "",
     packet::Obligation::coverage},
    {"no questions", "-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack\n", "",
     packet::Obligation::coverage},
    {"no loopback", "-A OUTPUT -o lo -p tcp -m multiport --dports 80,443 -j CT --notrack\n", "",
     packet::Obligation::coverage},
    {"one port is not untracked", "-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT",
     "-A PREROUTING -p tcp -m multiport --dports 80 -j CT", packet::Obligation::coverage},
    {"one port's answers are not", "-A OUTPUT -p tcp -m multiport --sports 80,443 -j CT",
     "-A OUTPUT -p tcp -m multiport --sports 443 -j CT", packet::Obligation::coverage},
    {"SYN only", "--dports 80,443 -j CT --notrack\n-A OUTPUT -o lo",
     "--dports 80,443 -m tcp --syn -j CT --notrack\n-A OUTPUT -o lo", packet::Obligation::coverage},
    {"all but SYN", "--dports 80,443 -j CT --notrack\n-A OUTPUT -o lo",
     "--dports 80,443 -m tcp ! --syn -j CT --notrack\n-A OUTPUT -o lo",
     packet::Obligation::coverage},
    {"one interface only", "-A PREROUTING -p tcp", "-A PREROUTING -i eth0 -p tcp",
     packet::Obligation::coverage},
    {"answers by one interface", "-A OUTPUT -p tcp -m multiport --sports 80,443 -j CT",
     "-A OUTPUT -o eth0 -p tcp -m multiport --sports 80,443 -j CT", packet::Obligation::coverage},
    {"some sources only", "-A PREROUTING -p tcp", "-A PREROUTING -s 192.0.2.0/24 -p tcp",
     packet::Obligation::coverage},
    {"a template before", "-A PREROUTING -p tcp",
     "-A PREROUTING -p tcp --dport 80 -j CT --zone 7\n-A PREROUTING -p tcp",
     packet::Obligation::coverage},
    {"too late", "*raw\n:PREROUTING ACCEPT [0:0]\n",
     "*mangle\n-A PREROUTING -p tcp --dport 8888 -j DROP\nCOMMIT\n*raw\n:PREROUTING ACCEPT [0:0]\n"
     "-A PREROUTING -p tcp --dport 443 -j ACCEPT\n",
     packet::Obligation::coverage},
    {"no accept of questions",
     "-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
     "", packet::Obligation::nothing_lost},
    {"no accept of answers", "--tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j ACCEPT",
     "--tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED -j DROP",
     packet::Obligation::nothing_lost},
    {"answers to those who are refused", "-A OUTPUT ! -d 10.66.0.0/16 -p tcp", "-A OUTPUT -p tcp",
     packet::Obligation::nothing_opened},
    {"accept of SYN only", "--dports 80,443 -m conntrack --ctstate UNTRACKED",
     "--dports 80,443 -m tcp --syn -m conntrack --ctstate UNTRACKED",
     packet::Obligation::nothing_lost},
    {"accept of later packets only", "--dports 80,443 -m conntrack --ctstate UNTRACKED",
     "--dports 80,443 -m tcp ! --syn -m conntrack --ctstate UNTRACKED",
     packet::Obligation::nothing_lost},
    {"one port is not accepted", "--dports 80,443 -m conntrack --ctstate UNTRACKED",
     "--dports 80 -m conntrack --ctstate UNTRACKED", packet::Obligation::nothing_lost},
    {"an address is lost",
     "-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate UNTRACKED",
     "-A INPUT ! -s 198.51.100.7 -p tcp -m multiport --dports 80,443 -m conntrack --ctstate "
     "UNTRACKED",
     packet::Obligation::nothing_lost},
    {"accept by one interface",
     "-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate UNTRACKED",
     "-A INPUT -i eth0 -p tcp -m multiport --dports 80,443 -m conntrack --ctstate UNTRACKED",
     packet::Obligation::nothing_lost},
    {"a drop of UNTRACKED before", "-A INPUT -i lo -j ACCEPT\n",
     "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate UNTRACKED -j DROP\n",
     packet::Obligation::nothing_lost},
    {"a negated state before", "-A INPUT -i lo -j ACCEPT\n",
     "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp --dport 80 -m conntrack ! --ctstate "
     "NEW,RELATED,ESTABLISHED -j DROP\n",
     packet::Obligation::nothing_lost},
    {"ports swapped", "--dports 80,443 -m conntrack --ctstate UNTRACKED",
     "--sports 80,443 -m conntrack --ctstate UNTRACKED", packet::Obligation::nothing_lost},
    {"source and destination swapped in OUTPUT", "--sports 80,443 -m tcp ! --tcp-flags",
     "--dports 80,443 -m tcp ! --tcp-flags", packet::Obligation::nothing_lost},
    {"a limit for every packet", "--dports 80,443 -m conntrack --ctstate UNTRACKED -j",
     "--dports 80,443 -m conntrack --ctstate UNTRACKED -m limit --limit 9/s -j",
     packet::Obligation::per_connection},
    {"a log for every packet", "-A INPUT -i lo -j ACCEPT\n",
     "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j "
     "LOG\n",
     packet::Obligation::per_connection},
    {"NOTRACK of what comes from the ports",
     "-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack\n",
     "-A PREROUTING -p tcp -m multiport --ports 80,443 -j CT --notrack\n",
     packet::Obligation::frame},
    {"another port is untracked", "-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT",
     "-A PREROUTING -p tcp -m multiport --dports 80,443,22 -j CT", packet::Obligation::frame},
    {"accept before a drop", "-A INPUT -s 10.66.0.0/16 -j DROP\n",
     "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j ACCEPT\n"
     "-A INPUT -s 10.66.0.0/16 -j DROP\n",
     packet::Obligation::nothing_opened},
    {"the drop is gone", "-A INPUT -s 10.66.0.0/16 -j DROP\n", "", packet::Obligation::frame},
    {"another rule is gone",
     "-A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT\n", "",
     packet::Obligation::frame},
    {"a rule for others is wider", "-s 192.0.2.0/24 -p tcp --dport 22", "-p tcp --dport 22",
     packet::Obligation::frame},
    {"another policy", ":FORWARD DROP", ":FORWARD ACCEPT", packet::Obligation::frame},
    {"a mark for others", "*raw\n",
     "*mangle\n-A PREROUTING -p udp -j MARK --set-mark 1\nCOMMIT\n*raw\n",
     packet::Obligation::frame},
    {"a log for others", "-A INPUT -i lo -j ACCEPT\n",
     "-A INPUT -p udp -j LOG\n-A INPUT -i lo -j ACCEPT\n", packet::Obligation::frame},
    {"errors after the INVALID drop",
     "-A INPUT -p icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT\n", "",
     packet::Obligation::errors},
    {"errors are not sent",
     "-A OUTPUT -p icmp --icmp-type 11 -m conntrack --ctstate INVALID -j ACCEPT\n", "",
     packet::Obligation::errors},
    {"errors of refused hosts", "-A INPUT -s 10.66.0.0/16 -j DROP\n",
     "-A INPUT -p icmp --icmp-type 3 -j ACCEPT\n-A INPUT -s 10.66.0.0/16 -j DROP\n",
     packet::Obligation::errors},
};

}  // namespace untrack::test
