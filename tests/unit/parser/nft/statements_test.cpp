// SPDX-License-Identifier: GPL-2.0-or-later
// Which nodes the statements of a rule become.
#include <gtest/gtest.h>

#include "tests/unit/parser/nft/tree_text.hpp"

using namespace untrack::parser::nft;

TEST(NftStatements, AMatchIsASelectorAnOperatorAndAValue) {
    EXPECT_EQ(statements("ip saddr 10.0.0.1"), "match(ip saddr, ip4 10.0.0.1)");
    EXPECT_EQ(statements("tcp dport != 22"), "match!=(tcp dport, number 22)");
    EXPECT_EQ(statements("tcp dport ge 1024"), "match>=(tcp dport, number 1024)");
    EXPECT_EQ(statements("ct state ! invalid"), "match!(ct state, word invalid)");
    EXPECT_EQ(statements("iifname \"eth0\""), "match(meta iifname, string \"eth0\")");
    EXPECT_EQ(statements("meta iifname eth*"), "match(meta iifname, wildcard eth*)");
    EXPECT_EQ(statements("ip6 daddr 2001:db8::/32"),
              "match(ip6 daddr, prefix(ip6 2001:db8::, number 32))");
    EXPECT_EQ(statements("ct state established,related"),
              "match(ct state, list(word established, word related))");
}

TEST(NftStatements, ValuesKeepTheirKinds) {
    EXPECT_EQ(statements("ether saddr 00:11:22:33:44:55"),
              "match(ether saddr, mac 00:11:22:33:44:55)");
    EXPECT_EQ(statements("meta priority 1:10"), "match(meta priority, classid 1:10)");
    EXPECT_EQ(statements("tcp dport 0x16"), "match(tcp dport, number 0x16)");
    EXPECT_EQ(statements("ct expiration 1h30m"), "match(ct expiration, time 1h30m)");
    EXPECT_EQ(statements("ether type 8021q"), "match(ether type, word 8021q)");
    EXPECT_EQ(statements("tcp dport $ports"), "match(tcp dport, variable $ports)");
    EXPECT_EQ(statements("ip saddr @blocked"), "match(ip saddr, set_ref @blocked)");
    EXPECT_EQ(statements("tcp dport 20-25"), "match(tcp dport, range(number 20, number 25))");
    EXPECT_EQ(statements("ip saddr 10.0.0.1 - 10.0.0.9"),
              "match(ip saddr, range(ip4 10.0.0.1, ip4 10.0.0.9))");
    EXPECT_EQ(statements("tcp dport ssh-https"), "match(tcp dport, word ssh-https)");
    EXPECT_EQ(statements("ip6 saddr [::1]"), "match(ip6 saddr, ip6 [::1])");
}

TEST(NftStatements, AHeaderNameOnTheRightIsAWord) {
    EXPECT_EQ(statements("ip protocol tcp tcp dport 22"),
              "match(ip protocol, word tcp) match(tcp dport, number 22)");
    EXPECT_EQ(statements("icmp type redirect accept"), "match(icmp type, word redirect) accept");
}

TEST(NftStatements, FlagsMayBeMasked) {
    EXPECT_EQ(statements("tcp flags syn / fin,syn"),
              "match(tcp flags, masked(word syn, list(word fin, word syn)))");
    EXPECT_EQ(statements("tcp flags & (fin | syn) == syn"),
              "match==(binary&(tcp flags, binary|(word fin, word syn)), word syn)");
}

TEST(NftStatements, OperatorsBindAsInNft) {
    EXPECT_EQ(statements("meta mark set meta mark & 0xff | 0x100 ^ 1 << 2"),
              "assign(meta mark, binary|(binary&(meta mark, number 0xff), "
              "binary^(number 0x100, binary<<(number 1, number 2))))");
    EXPECT_EQ(statements("mark and 0x1 == 0x1"),
              "match==(binary&(meta mark, number 0x1), number 0x1)");
}

TEST(NftStatements, Concatenations) {
    EXPECT_EQ(statements("ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.2 . 80-90 }"),
              "match(concat(ip saddr, tcp dport), set_body(concat(ip4 10.0.0.1, number 22), "
              "concat(ip4 10.0.0.2, range(number 80, number 90))))");
    EXPECT_EQ(statements("ip saddr . \"lo\" @s"),
              "match(concat(ip saddr, string \"lo\"), set_ref @s)");
}

TEST(NftStatements, SelectorsThatAreMoreThanAField) {
    EXPECT_EQ(statements("ct original ip saddr 10.0.0.1"), "match(ct ip saddr!1, ip4 10.0.0.1)");
    EXPECT_EQ(statements("ct reply zone 1"), "match(ct zone!2, number 1)");
    EXPECT_EQ(statements("fib saddr . iif oif missing"), "match(fib oif!9, word missing)");
    EXPECT_EQ(statements("fib daddr type local"), "match(fib type!2, word local)");
    EXPECT_EQ(statements("tcp option maxseg size set rt mtu"),
              "assign(tcp option(word maxseg, word size), rt mtu)");
    EXPECT_EQ(statements("tcp option sack-perm exists"),
              "match(tcp option(word sack-perm), word exists)");
    EXPECT_EQ(statements("@th,16,16 80"), "match(raw_payload.2(number 16, number 16), number 80)");
    EXPECT_EQ(statements("rt ip6 nexthop fe80::1"), "match(rt nexthop!2, ip6 fe80::1)");
    EXPECT_EQ(statements("numgen inc mod 10 < 5"), "match<(numgen inc(number 10), number 5)");
    EXPECT_EQ(statements("jhash ip saddr . tcp sport mod 2 seed 0x1 0"),
              "match(jhash!1(concat(ip saddr, tcp sport), number 2, number 0x1), number 0)");
    EXPECT_EQ(statements("socket cgroupv2 level 2 \"a/b\""),
              "match(socket cgroupv2(number 2), string \"a/b\")");
    EXPECT_EQ(statements("vxlan ip saddr 10.0.0.1"), "match(inner.21(ip saddr), ip4 10.0.0.1)");
    EXPECT_EQ(statements("vxlan vni 10"), "match(vxlan vni, number 10)");
    EXPECT_EQ(statements("exthdr frag exists"), "match(exthdr(word frag), word exists)");
    EXPECT_EQ(statements("arp daddr ip 10.0.0.1"), "match(arp daddr ip, ip4 10.0.0.1)");
    EXPECT_EQ(statements("ipsec in reqid 1"), "match(ipsec reqid!1, number 1)");
}

TEST(NftStatements, Verdicts) {
    EXPECT_EQ(statements("accept"), "accept");
    EXPECT_EQ(statements("jump web"), "jump(name web)");
    EXPECT_EQ(statements("goto $chain"), "goto(variable $chain)");
    EXPECT_EQ(statements("jump 1a+b"), "jump(name 1a+b)");
    EXPECT_EQ(statements("jump { tcp dport 22 accept; drop\n }"),
              "subchain.4(rule(match(tcp dport, number 22), accept), rule(drop))");
    EXPECT_EQ(statements("ct state vmap { established : accept, invalid : jump bad }"),
              "vmap(ct state, set_body!1(element(word established, accept), "
              "element(word invalid, jump(name bad))))");
    EXPECT_EQ(statements("iifname vmap @ways"), "vmap(meta iifname, set_ref @ways)");
}

TEST(NftStatements, CountersAndLimits) {
    EXPECT_EQ(statements("counter packets 1 bytes 2"), "counter(number 1, number 2)");
    EXPECT_EQ(statements("counter name \"web\""), "counter!1(string \"web\")");
    EXPECT_EQ(statements("limit rate 10/second burst 5 packets"),
              "limit(number 10, word second, burst(number 5, word packets))");
    EXPECT_EQ(statements("limit rate over 1 mbytes/minute"),
              "limit!2(number 1, word mbytes, word minute)");
    EXPECT_EQ(statements("quota over 25 mbytes used 1 bytes"),
              "quota!2(number 25, word mbytes, used(number 1, word bytes))");
    EXPECT_EQ(statements("ct count over 20"), "connlimit!2(number 20)");
    EXPECT_EQ(statements("last used 5s"), "last(used(time 5s))");
}

TEST(NftStatements, LogAndReject) {
    EXPECT_EQ(statements("log prefix \"a: \" level info flags tcp sequence,options"),
              "log(property(word prefix, string \"a: \"), property(word level, word info), "
              "property(word flags, word tcp, word sequence, word options))");
    EXPECT_EQ(statements("log group 2 drop"), "log(property(word group, number 2)) drop");
    EXPECT_EQ(statements("reject with tcp reset"), "reject.1");
    EXPECT_EQ(statements("reject with icmpx type port-unreachable"),
              "reject.4(word port-unreachable)");
}

TEST(NftStatements, Nat) {
    EXPECT_EQ(statements("dnat to 10.0.0.1:80"), "dnat(ip4 10.0.0.1, port(number 80))");
    EXPECT_EQ(statements("dnat ip6 to [2001:db8::1]:80"),
              "dnat.2(ip6 [2001:db8::1], port(number 80))");
    EXPECT_EQ(statements("snat ip to 10.0.0.1-10.0.0.9 random,persistent"),
              "snat.1!5(range(ip4 10.0.0.1, ip4 10.0.0.9))");
    EXPECT_EQ(statements("snat to ip saddr map { 10.0.0.1 : 192.0.2.1 }"),
              "snat(map_lookup(ip saddr, set_body!1(element(ip4 10.0.0.1, ip4 192.0.2.1))))");
    EXPECT_EQ(statements("dnat ip addr . port to tcp dport map @m"),
              "dnat.1!32(map_lookup(tcp dport, set_ref @m))");
    EXPECT_EQ(statements("masquerade to :1024-65535 fully-random"),
              "masquerade!2(port(range(number 1024, number 65535)))");
    EXPECT_EQ(statements("redirect to :8080"), "redirect(port(number 8080))");
    EXPECT_EQ(statements("tproxy ip to 127.0.0.1:50080"),
              "tproxy.1(ip4 127.0.0.1, port(number 50080))");
}

TEST(NftStatements, Others) {
    EXPECT_EQ(statements("notrack"), "notrack");
    EXPECT_EQ(statements("queue flags bypass to 1-3"), "queue!1(range(number 1, number 3))");
    EXPECT_EQ(statements("queue num 0 bypass"), "queue!1(number 0)");
    EXPECT_EQ(statements("flow add @ft"), "flow_add(set_ref @ft)");
    EXPECT_EQ(statements("dup to 10.0.0.1 device \"eth0\""),
              "dup(ip4 10.0.0.1, device(string \"eth0\"))");
    EXPECT_EQ(statements("synproxy mss 1460 timestamp"),
              "synproxy(property(word mss, number 1460), property(word timestamp))");
    EXPECT_EQ(statements("add @seen { ip saddr timeout 5m limit rate 1/second }"),
              "set_update(set_ref @seen, element(ip saddr, timeout(time 5m), "
              "limit(number 1, word second)))");
    EXPECT_EQ(statements("update @m { ip saddr : tcp dport }"),
              "set_update.1(set_ref @m, element(ip saddr, tcp dport))");
    EXPECT_EQ(statements("meter flood { ip saddr limit rate 10/second } drop"),
              "meter(name flood, element(ip saddr, limit(number 10, word second))) drop");
    EXPECT_EQ(statements("ct helper set \"ftp\""), "object_set.3(string \"ftp\")");
    EXPECT_EQ(statements("ct zone set 1"), "assign(ct zone, number 1)");
    EXPECT_EQ(statements("reset tcp option sack-perm"), "option_reset(word sack-perm)");
    EXPECT_EQ(statements("xt target MASQUERADE"), "xt!1(word MASQUERADE)");
    EXPECT_EQ(statements("accept comment \"why\""), "accept comment(string \"why\")");
}

TEST(NftStatements, WhatIsNotKnownIsOpaqueAndEndsWhereItMust) {
    EXPECT_EQ(statements("quic version { 1, 2 } counter accept"),
              "opaque quic version { 1, 2 } counter accept");
    EXPECT_EQ(statements("tcp dport 443 quic cid \"a b\" drop"),
              "match(tcp dport, number 443) opaque quic cid \"a b\" drop");
    EXPECT_EQ(statements("tcp newfield 1 accept"), "opaque tcp newfield 1 accept");
}
