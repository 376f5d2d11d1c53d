// SPDX-License-Identifier: GPL-2.0-or-later
// What is refused and what is taken. Each row was loaded with iptables-legacy-restore and
// iptables-nft-restore 1.8.9 in an empty network namespace: both refuse, or one of them takes it.
#include "model/refusals.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using test::Loaded;

namespace {

struct Row {
    std::string_view table;
    std::string_view rule;     ///< "INPUT -m ..."
    std::string_view refused;  ///< what the range covers; empty: nothing is refused
    model::Family family = model::Family::ip;
};
constexpr auto six = model::Family::ip6;

void check(std::span<const Row> rows) {
    for (const Row& row : rows) {
        Loaded l(fmt::format("*{}\n-A {}\nCOMMIT\n", row.table, row.rule), row.family);
        EXPECT_TRUE(l.tree.errors.empty()) << row.rule << ": " << l.tree.errors.front().message;
        EXPECT_TRUE(l.ruleset.problems.empty())
            << row.rule << ": " << l.ruleset.problems.front().message;
        auto found = model::refusals(l.tree, l.ruleset, model::ChainJumps(l.ruleset));
        if (row.refused.empty()) {
            EXPECT_TRUE(found.empty()) << row.rule << ": " << found.front().message;
        } else if (found.size() != 1) {
            ADD_FAILURE() << row.rule << ": " << found.size() << " refusals";
        } else {
            EXPECT_EQ(l.file.text(found[0].range), row.refused) << row.rule;
            EXPECT_TRUE(found[0].rule.valid()) << row.rule;
        }
    }
}

std::string message(std::string_view text, model::Family family = model::Family::ip) {
    Loaded l(text, family);
    auto found = model::refusals(l.tree, l.ruleset, model::ChainJumps(l.ruleset));
    return found.size() == 1 ? found[0].message : fmt::format("{} refusals", found.size());
}

}  // namespace

TEST(Refusals, Values) {
    static constexpr Row rows[] = {
        {"filter", "INPUT -m limit --limit 10000/s", ""},
        {"filter", "INPUT -m limit --limit 10001/s", "10001/s"},
        {"filter", "INPUT -m limit --limit 3x/MIN", ""},
        {"filter", "INPUT -m limit --limit 1/fortnight", "1/fortnight"},
        {"filter", "INPUT -m limit --limit 1/mi --limit-burst +0x5", ""},
        {"filter", "INPUT -m limit --limit-burst 10001", "10001"},
        {"filter", "INPUT -m limit --limit-burst 08", "08"},
        {"filter", "INPUT -m hashlimit --hashlimit-upto 512kb/s --hashlimit-name a", ""},
        {"filter", "INPUT -m hashlimit --hashlimit-upto 0/s --hashlimit-name a", "0/s"},
        {"filter", "INPUT -m hashlimit --hashlimit-upto 1/s --hashlimit-name a/b", "a/b"},
        {"filter",
         "INPUT -m hashlimit --hashlimit-upto 1/s --hashlimit-name a --hashlimit-mode srcip,", ""},
        {"filter",
         "INPUT -m hashlimit --hashlimit-upto 1/s --hashlimit-name a --hashlimit-mode SRCIP",
         "SRCIP"},
        {"filter",
         "INPUT -m hashlimit --hashlimit-upto 1/s --hashlimit-name a --hashlimit-srcmask "
         "255.255.0.0",
         ""},
        {"filter",
         "INPUT -m hashlimit --hashlimit-upto 1/s --hashlimit-name a --hashlimit-srcmask 33", "33"},
        {"filter", "INPUT -m connmark --mark 0x1/0xffffffff", ""},
        {"filter", "INPUT -m connmark --mark 1/4294967296", "1/4294967296"},
        {"filter", "INPUT -m connlimit --connlimit-above -1", "-1"},
        {"filter", "INPUT -m length --length :5", ""},
        {"filter", "INPUT -m length --length 1:2:3", "1:2:3"},
        {"filter", "INPUT -p tcp -m tcpmss --mss 5:3", "5:3"},
        {"filter", "INPUT -m mac --mac-source 0:1:2:3:4:aF", ""},
        {"filter", "INPUT -m mac --mac-source 00-01-02-03-04-05", "00-01-02-03-04-05"},
        {"filter", "INPUT -m pkttype --pkt-type UNICAST", ""},
        {"filter", "INPUT -m pkttype --pkt-type uni", "uni"},
        {"filter", "INPUT -m tos --tos minimize-delay", ""},
        {"filter", "INPUT -m tos --tos 1/256", "1/256"},
        {"filter", "INPUT -m dscp --dscp-class ef", ""},
        {"filter", "INPUT -m dscp --dscp-class CS8", "CS8"},
        {"filter", "INPUT -m statistic --mode random --probability 1e-1", ""},
        {"filter", "INPUT -m statistic --mode random --probability 0,5", "0,5"},
        {"filter", "INPUT -m string --algo bm --hex-string \"a|41 42|\"", ""},
        {"filter", "INPUT -m string --algo bm --hex-string \"|414|\"", "\"|414|\""},
        {"filter", "INPUT -m time --weekdays Monday,Tu,3", ""},
        {"filter", "INPUT -m time --weekdays mon", "mon"},
        {"filter", "INPUT -m time --timestart 24:00", "24:00"},
        {"filter", "INPUT -m time --datestart 2020-01-01T10", ""},
        {"filter", "INPUT -m time --datestart 2039-01-01", "2039-01-01"},
        {"filter", "INPUT -m u32 --u32 \"0>>22&0x3C@0>>24=0:5,7&&4=1\"", ""},
        {"filter", "INPUT -m u32 --u32 0=0&4=5", "0=0&4=5"},
        {"filter", "OUTPUT -m owner --uid-owner 0-10", ""},
        {"filter", "OUTPUT -m owner --uid-owner 10-0", "10-0"},
        {"filter", "OUTPUT -m owner --uid-owner some-user", ""},  // where there is one
        {"filter", "OUTPUT -m owner --pid-owner 1", "--pid-owner 1"},
        {"filter", "INPUT -p sctp -m sctp --chunk-types any DATA:UBEI,init", ""},
        {"filter", "INPUT -p sctp -m sctp --chunk-types any INIT:T", "INIT:T"},
        {"filter", "INPUT -p sctp -m sctp --chunk-types some INIT", "--chunk-types some INIT"},
        {"filter", "INPUT -p dccp -m dccp --dport 0x50", "0x50"},
        {"filter", "INPUT -j LOG --log-level error", ""},
        {"filter", "INPUT -j LOG --log-level err", "err"},
        {"filter", "INPUT -j LOG --log-prefix \"\"", "\"\""},
        {"filter", "INPUT -j NFQUEUE --queue-balance 0:65534", ""},
        {"filter", "INPUT -j NFQUEUE --queue-balance 1:1", "1:1"},
        {"filter", "INPUT -j REJECT --reject-with port-unr", ""},
        {"filter", "INPUT -j REJECT --reject-with icmp6-port-unreachable",
         "icmp6-port-unreachable"},
        {"filter", "INPUT -j REJECT --reject-with icmp6-port-unreachable", "", six},
        {"filter", "INPUT -p icmpv6 -m icmp6 --icmpv6-type mld-listener-query",
         "mld-listener-query", six},
        {"filter", "INPUT -p mh -m mh --mh-type hoti:cot", "", six},
        {"filter", "INPUT -p mh -m mh --mh-type 5:1", "5:1", six},
        {"raw", "PREROUTING -j CT --zone mark", ""},
        {"raw", "PREROUTING -j CT --zone 65536", "65536"},
        {"raw", "PREROUTING -j CT --ctevents new,", "new,"},
        {"mangle", "POSTROUTING -j CLASSIFY --set-class 1", "1"},
        {"mangle", "FORWARD -p tcp -j TCPOPTSTRIP --strip-options 3,3", "3,3"},
        {"mangle", "PREROUTING -j TTL --ttl-inc 0", "0"},
        {"filter", "FORWARD -p tcp --syn -j TCPMSS --set-mss 65515", ""},
        {"filter", "FORWARD -p tcp --syn -j TCPMSS --set-mss 65496", "65496", six},
        {"nat", "PREROUTING -j NETMAP --to 192.0.2.0/33", ""},  // the mask 0.0.0.33
        {"nat", "PREROUTING -j NETMAP --to 2001:db8::/129", "2001:db8::/129", six},
        {"filter", "INPUT -c 1,2", ""},
        {"filter", "INPUT -c 3,", "-c 3,"},
    };
    check(rows);
}

TEST(Refusals, Nat) {
    static constexpr Row rows[] = {
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination 192.0.2.1:80-90/http", ""},
        {"nat", "PREROUTING -j DNAT --to-destination 192.0.2.1-192.0.2.5", ""},
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination :80", ""},
        {"nat", "PREROUTING -j DNAT --to-destination 192.0.2.1:80", "192.0.2.1:80"},
        {"nat", "PREROUTING -p udplite -j DNAT --to-destination 192.0.2.1:80", "192.0.2.1:80"},
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination 192.0.2.1:90-80", "192.0.2.1:90-80"},
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination 192.0.2.1:echo-ssh",
         "192.0.2.1:echo-ssh"},
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination 192.0.2.1:ftp-data", ""},
        {"nat", "PREROUTING -j DNAT --to-destination 192.0.2", "192.0.2"},
        {"nat", "PREROUTING -j DNAT --to-destination 192.0.02.1", "192.0.02.1"},
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination [2001:db8::1-2001:db8::5]:80", "", six},
        {"nat", "PREROUTING -p tcp -j DNAT --to-destination [2001:db8::1", "[2001:db8::1", six},
        {"nat", "POSTROUTING -p tcp -j MASQUERADE --to-ports 80:90", "80:90"},
        {"nat", "PREROUTING -p tcp -j REDIRECT --to-ports 80-90/80", "80-90/80"},
        {"nat", "POSTROUTING -p tcp -j MASQUERADE --to-ports 80-90/80", ""},
        {"mangle", "POSTROUTING -j SNPT --src-pfx fd00::/60 --dst-pfx 2001:db8::/64", "", six},
        {"mangle", "POSTROUTING -j SNPT --src-pfx fd00::1/64 --dst-pfx 2001:db8::/64", "fd00::1/64",
         six},
    };
    check(rows);
}

TEST(Refusals, OptionsThatAreMissingOrTooMany) {
    static constexpr Row rows[] = {
        {"filter", "INPUT -m comment", "-m comment"},
        {"filter", "INPUT -m comment -p tcp --dport 80", "-m comment"},
        {"filter", "INPUT -m conntrack -j ACCEPT", "-m conntrack"},
        {"filter", "INPUT -p tcp -m tcp -j ACCEPT", ""},
        {"filter", "INPUT -m limit", ""},
        {"filter", "INPUT -m addrtype --limit-iface-in", "-m addrtype"},
        {"filter", "INPUT -m string --string a", "-m string"},
        {"filter", "INPUT -m string --algo bm --string a --hex-string b", "--hex-string b"},
        {"filter", "INPUT -m statistic --mode nth --every 5", "--every 5"},
        {"filter", "INPUT -m statistic --mode nth --every 5 --packet 5", "5"},
        {"filter", "INPUT -m statistic --mode random", "--mode random"},
        {"filter", "INPUT -m recent --set --rcheck", "--rcheck"},
        {"filter", "INPUT -m recent --set --rsource --rdest", ""},
        {"filter", "INPUT -m recent --set --seconds 5", "--seconds 5"},
        {"filter", "INPUT -p tcp --dport 80 --dport 90", "--dport 90"},
        {"filter", "INPUT -p tcp --dport 80 --destination-port 90", "--destination-port 90"},
        {"filter", "INPUT -p tcp -m tcp --dport 80 -m tcp --dport 90", ""},
        {"filter", "INPUT -p tcp --syn --tcp-flags SYN SYN", "--tcp-flags SYN SYN"},
        {"filter", "INPUT -p tcp -m multiport --dports 1 --sports 2", "--sports 2"},
        {"filter", "INPUT -m state --state NEW --state NEW", "--state NEW"},
        {"filter", "INPUT -m state --state NEW -m state --state NEW", ""},
        {"filter", "INPUT -m policy --dir in --pol ipsec --strict --reqid 1 --next --reqid 2", ""},
        {"filter", "INPUT -m policy --dir in --pol ipsec --strict --reqid 1 --next", "--strict"},
        {"filter", "INPUT -m policy --dir in --pol ipsec --tunnel-src 192.0.2.1",
         "--tunnel-src 192.0.2.1"},
        {"filter", "OUTPUT -m owner --suppl-groups --gid-owner 0", "--suppl-groups"},
        {"filter", "INPUT -m time --contiguous --timestart 03:00 --timestop 02:00", ""},
        {"filter", "INPUT -m time --contiguous", "--contiguous"},
        {"filter", "INPUT -m rt --rt-type 0 --rt-0-res", "", six},
        {"filter", "INPUT -m rt --rt-0-res --rt-type 0", "--rt-0-res", six},
        {"filter", "INPUT -m ttl ! --ttl 5", ""},
        {"filter", "INPUT -j LOG --log-uid --log-uid", "--log-uid"},
        {"filter", "INPUT -j MARK", "-j MARK"},
        {"filter", "INPUT -j MARK --set-mark 1 --or-mark 1", "--or-mark 1"},
        {"mangle", "INPUT -j CONNMARK --save-mark --nfmask 1 --ctmask 1", ""},
        {"nat", "POSTROUTING -j SNAT --random", "-j SNAT"},
        {"filter", "INPUT -j SET --exist", "-j SET"},
    };
    check(rows);
}

TEST(Refusals, Places) {
    static constexpr Row rows[] = {
        {"mangle", "PREROUTING -p tcp -j TPROXY --on-port 80", ""},
        {"mangle", "PREROUTING -j TPROXY --on-port 80", "-j TPROXY"},
        {"mangle", "INPUT -p tcp -j TPROXY --on-port 80", "-j TPROXY"},
        {"filter", "INPUT -p tcp -j TPROXY --on-port 80", "-j TPROXY"},
        {"nat", "PREROUTING -j MASQUERADE", "-j MASQUERADE"},
        {"nat", "POSTROUTING -j MASQUERADE", ""},
        {"nat", "INPUT -j REJECT", "-j REJECT"},
        {"filter", "INPUT -p tcp -j REJECT --reject-with tcp-rst", ""},
        {"filter", "INPUT -j REJECT --reject-with tcp-reset", "tcp-reset"},
        {"filter", "INPUT -m owner --uid-owner 0", "-m owner"},
        {"filter", "INPUT -m tcp --dport 80", "-m tcp"},
        {"filter", "INPUT -p 6 -m tcp --dport 80", ""},
        {"filter", "INPUT ! -p tcp -m tcp --dport 80", ""},  // iptables-nft takes it
        {"filter", "INPUT ! -p tcp -m multiport --dports 80", "-m multiport"},
        {"filter", "INPUT -m ah --ahspi 1", "-m ah"},
        {"filter", "INPUT -m ah --ahspi 1", "", six},
        {"filter", "OUTPUT -m devgroup --src-group 1", "--src-group 1"},
        {"filter", "OUTPUT -m physdev --physdev-out a", "--physdev-out a"},
        {"filter", "OUTPUT -m physdev --physdev-out a --physdev-is-bridged", ""},
        {"filter", "OUTPUT -m policy --dir in --pol none", "in"},
        {"mangle", "OUTPUT -j TTL --ttl-set 1", "-j TTL", six},
        {"filter", "OUTPUT -j TRACE", ""},        // iptables-nft takes it
        {"filter", "INPUT -j CT --notrack", ""},  // UT208 says it
    };
    check(rows);
}

TEST(Refusals, ChainsAreJudgedByTheHooksThatReachThem) {
    EXPECT_EQ(message("*nat\n:X - [0:0]\n-A X -j MASQUERADE\n-A PREROUTING -j X\nCOMMIT\n"),
              "the kernel refuses `-j MASQUERADE' in a chain that is reached from PREROUTING: it "
              "may stand in POSTROUTING");
    EXPECT_EQ(message("*nat\n:X - [0:0]\n-A X -j MASQUERADE\n-A POSTROUTING -j X\nCOMMIT\n"),
              "0 refusals");
    EXPECT_EQ(message("*nat\n:X - [0:0]\n-A X -j MASQUERADE\nCOMMIT\n"), "0 refusals");
    EXPECT_EQ(message("*filter\n:X - [0:0]\n:Y - [0:0]\n-A Y -m owner --uid-owner 0\n-A X -j Y\n"
                      "-A INPUT -g X\nCOMMIT\n"),
              "the kernel refuses `-m owner' in a chain that is reached from INPUT: it may stand "
              "in OUTPUT or POSTROUTING");
    // iptables-nft takes what a match asks for itself, in other chains than the built-in ones.
    EXPECT_EQ(message("*filter\n:X - [0:0]\n-A X -m devgroup --src-group 1\n-A OUTPUT -j X\n"
                      "COMMIT\n"),
              "0 refusals");
}

TEST(Refusals, SayWhatToWrite) {
    EXPECT_EQ(message("*filter\n-A INPUT -m limit --limit 1/week\nCOMMIT\n"),
              "iptables 1.8.9 refuses `1/week' for `--limit': expected N/second, /minute, /hour "
              "or /day, at most 10000 a second");
    EXPECT_EQ(message("*filter\n-A INPUT -m connbytes --connbytes 1 --connbytes-dir x "
                      "--connbytes-mode bytes\nCOMMIT\n"),
              "iptables 1.8.9 refuses `x' for `--connbytes-dir': expected original, reply or both");
    EXPECT_EQ(message("*filter\n-A INPUT -m string --algo bm\nCOMMIT\n"),
              "iptables 1.8.9 refuses `-m string' without `--hex-string' or `--string'");
    EXPECT_EQ(message("*mangle\n-A FORWARD -j TTL --ttl-inc 1\nCOMMIT\n", six),
              "iptables 1.8.9 has no `-j TTL' for IPv6");
}

TEST(Refusals, LinesThatAreReportedAnywayHaveNone) {
    EXPECT_EQ(message("*filter\n-A INPUT -p tcp --dport 99999 -m limit --limit x\nCOMMIT\n"),
              "0 refusals");
    // A rule that the file deletes is parsed all the same.
    EXPECT_EQ(message("*filter\n-A INPUT -j LOG\n-D INPUT -j LOG\nCOMMIT\n"), "0 refusals");
    // Lines of the other family are not for this tool.
    EXPECT_EQ(message("*filter\n-6 -A INPUT -m limit --limit x\nCOMMIT\n"), "0 refusals");
}
