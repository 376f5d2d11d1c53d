// SPDX-License-Identifier: GPL-2.0-or-later
// A sound conversion, and what is found when it is broken; and edits that change nothing.
#include "packet/flows.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "packet/words.hpp"
#include "rewriter/rewrite.hpp"
#include "tests/unit/packet/conversion_mutations.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using packet::Obligation;
using packet::Sameness;
using test::mutations;
using test::replaced;
using test::server_after;
using test::server_before;
using test::WithTexts;

namespace {

packet::Services services(const char* ports, packet::Role role = packet::Role::server) {
    packet::Services s;
    s.list.push_back(rewriter::parse_service(ports).value());
    s.role = role;
    return s;
}

packet::Proof prove(const std::string& before, const std::string& after,
                    const packet::Services& s) {
    WithTexts b(before);
    WithTexts a(after);
    EXPECT_TRUE(a.tree.errors.empty() && a.ruleset.problems.empty()) << after;
    const model::Ruleset* old_host[] = {&b.ruleset};
    const model::Ruleset* new_host[] = {&a.ruleset};
    return packet::prove(model::Family::ip, old_host, new_host, s, {});
}

packet::Comparison compare(const std::string& before, const std::string& after,
                           bool effects = false) {
    WithTexts b(before);
    WithTexts a(after);
    EXPECT_TRUE(a.tree.errors.empty() && a.ruleset.problems.empty()) << after;
    const model::Ruleset* old_host[] = {&b.ruleset};
    const model::Ruleset* new_host[] = {&a.ruleset};
    packet::CompareOptions options;
    options.effects = effects;
    return packet::compare(model::Family::ip, old_host, new_host, options);
}

}  // namespace

TEST(Flows, ASoundConversionIsSound) {
    packet::Proof p = prove(server_before, server_after, services("80,443/tcp"));
    EXPECT_EQ(p.result, Sameness::same) << p.violations.front().message << ": "
                                        << packet::to_words(p.violations.front().shown.witness);
    EXPECT_TRUE(p.undecided.empty());
    EXPECT_FALSE(p.residue.empty()) << "what is open by nature is named";
}

TEST(Flows, EveryMutationIsFound) {
    EXPECT_GE(std::size(mutations), 30U);
    for (const test::Mutation& m : mutations) {
        packet::Proof p =
            prove(server_before, replaced(server_after, m.from, m.to), services("80,443/tcp"));
        EXPECT_EQ(p.result, Sameness::different) << m.name;
        std::string found;
        bool as_expected = false;
        for (const packet::Violation& v : p.violations) {
            found += std::string(name(v.obligation)) + ": " + v.message + ": " +
                     packet::to_words(v.shown.witness) + "\n";
            as_expected = as_expected || v.obligation == m.broken;
        }
        EXPECT_TRUE(as_expected) << m.name << "\n" << found;
    }
}

TEST(Flows, HelpersAndNatAreNamed) {
    std::string nat = "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n";
    packet::Proof p = prove(server_before + nat, server_after + nat, services("80,443/tcp"));
    EXPECT_TRUE(std::any_of(p.violations.begin(), p.violations.end(), [](const auto& v) {
        return v.obligation == Obligation::nat && v.shown.witness.destination_port == 80;
    }));
    p = prove(server_before, server_before, services("21/tcp"));
    EXPECT_TRUE(std::any_of(p.violations.begin(), p.violations.end(),
                            [](const auto& v) { return v.obligation == Obligation::helpers; }));
}

TEST(Flows, PacketsOfTheServiceThatStayTrackedAreEverythingElses) {
    // A network that was dropped comes to be let in, tracked: none of its flows had worked, so that
    // only the rest of the rules can tell.
    std::string after =
        replaced(server_after, "-A PREROUTING -p tcp", "-A PREROUTING ! -s 10.66.0.0/16 -p tcp");
    EXPECT_EQ(prove(server_before, after, services("80,443/tcp")).result, Sameness::same);
    packet::Proof p =
        prove(server_before, replaced(after, "-A INPUT -s 10.66.0.0/16 -j DROP\n", ""),
              services("80,443/tcp"));
    EXPECT_TRUE(std::any_of(p.violations.begin(), p.violations.end(), [](const auto& v) {
        return v.obligation == Obligation::frame && v.shown.witness.source.bytes[1] == 66 &&
               v.shown.witness.destination_port == 80;
    }));
}

TEST(Compare, EditsThatChangeNothing) {
    struct {
        const char* from;
        const char* to;
    } const edits[] = {
        // disjoint rules in another order
        {"-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j ACCEPT\n-A "
         "INPUT "
         "-s 192.0.2.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT\n",
         "-A INPUT -s 192.0.2.0/24 -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT\n-A "
         "INPUT "
         "-p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j ACCEPT\n"},
        // a multiport split
        {"-A INPUT -p tcp -m multiport --dports 80,443 -m conntrack --ctstate NEW -j ACCEPT\n",
         "-A INPUT -p tcp --dport 443 -m conntrack --ctstate NEW -j ACCEPT\n-A INPUT -p tcp "
         "--dport "
         "80 -m conntrack --ctstate NEW -j ACCEPT\n"},
        // a network in halves
        {"-A INPUT -s 10.66.0.0/16 -j DROP\n",
         "-A INPUT -s 10.66.128.0/17 -j DROP\n-A INPUT -s 10.66.0.0/17 -j DROP\n"},
        // states one by one, in the old spelling
        {"-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n",
         "-A OUTPUT -m state --state ESTABLISHED -j ACCEPT\n-A OUTPUT -m state --state RELATED -j "
         "ACCEPT\n"},
        // a rule that is said twice
        {"-A OUTPUT -o lo -j ACCEPT\n", "-A OUTPUT -o lo -j ACCEPT\n-A OUTPUT -o lo -j ACCEPT\n"},
        // a policy as a rule
        {"COMMIT\n", "-A FORWARD -j DROP\nCOMMIT\n"},
        // into a chain of its own
        {"-A INPUT -s 10.66.0.0/16 -j DROP\n",
         "-N away\n-A away -j DROP\n-A INPUT -s 10.66.0.0/16 -g away\n"},
        // a comment, a counter
        {"-A INPUT -i lo -j ACCEPT\n",
         "[7:9] -A INPUT -i lo -m comment --comment \"own\" -j ACCEPT\n"},
        // a negation the other way round
        {"-A INPUT -s 10.66.0.0/16 -j DROP\n",
         "-N own\n-A own ! -s 10.66.0.0/16 -j RETURN\n-A own -j DROP\n-A INPUT -j own\n"},
    };
    for (const auto& e : edits) {
        packet::Comparison c = compare(server_before, replaced(server_before, e.from, e.to));
        EXPECT_EQ(c.result, Sameness::same)
            << e.to << (c.differences.empty() ? "" : packet::to_words(c.differences[0].witness));
    }
}

TEST(Compare, SaysWhatDiffersAndWhere) {
    packet::Comparison c = compare(server_before, replaced(server_before, "-s 10.66.0.0/16 -j DROP",
                                                           "-s 10.66.0.0/17 -j DROP"));
    ASSERT_EQ(c.result, Sameness::different);
    const packet::Difference& d = c.differences.front();
    EXPECT_EQ(d.kind, packet::DifferenceKind::opened);
    EXPECT_EQ(d.witness.source.bytes[0], 10);
    EXPECT_EQ(d.witness.source.bytes[1], 66);
    EXPECT_GE(d.witness.source.bytes[2], 128);
    ASSERT_TRUE(d.before.step);
    EXPECT_TRUE(d.before.step->rule.valid());
    EXPECT_TRUE(d.hangs_on.empty());
}

TEST(Compare, TwoNamesOfOnePredicateAreUndecided) {
    auto with = [](const char* match) {
        return replaced(server_before, "-s 10.66.0.0/16 -j DROP", std::string(match) + " -j DROP");
    };
    EXPECT_EQ(compare(with("-m owner --uid-owner 0"), with("-m owner --uid-owner root")).result,
              Sameness::undecided);
    EXPECT_EQ(compare(with("-m set --match-set a src"), with("-m set --match-set a src")).result,
              Sameness::same);
    // A drop that hangs on something is a drop all the same.
    packet::Comparison c = compare(server_before, with("-m set --match-set a src"));
    EXPECT_EQ(c.result, Sameness::different);
}

TEST(Compare, EffectsCountWhenAsked) {
    std::string logged = replaced(server_before, "-A INPUT -i lo -j ACCEPT\n",
                                  "-A INPUT -i lo -j LOG\n-A INPUT -i lo -j ACCEPT\n");
    EXPECT_EQ(compare(server_before, logged).result, Sameness::same);
    packet::Comparison c = compare(server_before, logged, true);
    ASSERT_EQ(c.result, Sameness::different);
    EXPECT_EQ(c.differences[0].kind, packet::DifferenceKind::effect);
}

TEST(Compare, PacketsThatNatChangesAreNotGuessed) {
    // The two filters agree on what comes in untranslated: 8080 is dropped early or late.
    std::string nat = "*nat\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n";
    std::string early =
        nat +
        "*mangle\n-A PREROUTING -p tcp --dport 8080 -j DROP\nCOMMIT\n*filter\n:FORWARD DROP\n-A "
        "INPUT -p udp -j DROP\nCOMMIT\n";
    std::string late =
        nat +
        "*filter\n:FORWARD DROP\n-A INPUT -p udp -j DROP\n-A INPUT -p tcp --dport 8080 -j "
        "DROP\nCOMMIT\n";
    EXPECT_EQ(compare(early, late).result, Sameness::undecided);
}

TEST(Flows, AnyPacketMayAnswerButNotAsk) {
    // The host may ask from port 123 whom it likes; that does not admit everybody's questions.
    const std::string before =
        "*filter\n:INPUT DROP\n:FORWARD DROP\n-A INPUT -m conntrack --ctstate "
        "ESTABLISHED,UNTRACKED "
        "-j ACCEPT\n-A INPUT -s 192.0.2.0/24 -p udp --dport 123 -m conntrack --ctstate NEW -j "
        "ACCEPT\nCOMMIT\n";
    const std::string raw =
        "*raw\n-A PREROUTING -p udp --dport 123 -j CT --notrack\n-A OUTPUT -p udp --sport 123 -j "
        "CT "
        "--notrack\n-A OUTPUT -o lo -p udp --dport 123 -j CT --notrack\nCOMMIT\n";
    packet::Proof p = prove(before, before + raw, services("123/udp"));
    EXPECT_TRUE(std::any_of(p.violations.begin(), p.violations.end(), [](const auto& v) {
        return v.obligation == Obligation::nothing_opened && v.shown.way == packet::Way::input;
    }));
}

TEST(Flows, AnswersThatNatMustTranslateBackAreTheirs) {
    // A gateway that serves 80/tcp, and its conversion; what NAT does besides makes it sound or
    // not.
    const std::string filter =
        "*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n{}-A INPUT "
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp -m multiport "
        "--dports 80,8080 -m conntrack --ctstate NEW{} -j ACCEPT\n-A FORWARD -m conntrack "
        "--ctstate "
        "RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -s 10.0.0.0/8 -i eth1 -o eth0 -j ACCEPT\n-A "
        "FORWARD -o eth1 -d 10.0.0.8 -p tcp --dport 80 -j ACCEPT\nCOMMIT\n";
    const std::string errors =
        "-A INPUT -p icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT\n-A INPUT -p icmp "
        "--icmp-type 11 -m conntrack --ctstate INVALID -j ACCEPT\n-A INPUT -p icmp --icmp-type 12 "
        "-m conntrack --ctstate INVALID -j ACCEPT\n";
    const std::string raw =
        "*raw\n-A PREROUTING -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n-A "
        "OUTPUT -o lo -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT "
        "--notrack\nCOMMIT\n";
    const struct {
        const char* nat;
        Sameness result;
        packet::Way answer;  ///< the way of the answer that is lost
    } cases[] = {
        // A client's own port is kept.
        {"-A POSTROUTING -o eth0 -j MASQUERADE", Sameness::different, packet::Way::input},
        {"-A POSTROUTING -o eth0 -j SNAT --to-source 203.0.113.1", Sameness::different,
         packet::Way::input},
        {"-A POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 60-90", Sameness::different,
         packet::Way::input},
        // Or it is not.
        {"-A POSTROUTING -o eth0 -p tcp -j MASQUERADE --to-ports 1024-65535", Sameness::same, {}},
        {"-A POSTROUTING -o eth0 -p udp -j MASQUERADE", Sameness::same, {}},
        {"-A POSTROUTING -o eth0 -p tcp --sport 1024: -j MASQUERADE", Sameness::same, {}},
        // Where it is taken, the client gets another below 512.
        {"-A POSTROUTING -o eth0 -p tcp --sport 81:511 -j MASQUERADE", Sameness::different,
         packet::Way::input},
        {"-A POSTROUTING -o eth0 -p tcp --sport 512: -j MASQUERADE --random", Sameness::same, {}},
        // Nobody is forwarded there.
        {"-A POSTROUTING -o eth7 -j MASQUERADE", Sameness::same, {}},
        // But this host's own programs get other ports there.
        {"-A POSTROUTING -o eth7 -p tcp -j MASQUERADE --random", Sameness::different,
         packet::Way::input},
        {"-A POSTROUTING -o eth0 -s 10.0.0.0/8 -p tcp --sport 1024: -j MASQUERADE",
         Sameness::same,
         {}},
        // What is asked of another port comes to the service.
        {"-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80", Sameness::different,
         packet::Way::output},
        {"-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 81", Sameness::same, {}},
        {"-A OUTPUT -p tcp --dport 8080 -j REDIRECT --to-ports 80", Sameness::different,
         packet::Way::loopback},
        // Whether that address is this host's, nobody says.
        {"-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.8:80",
         Sameness::undecided,
         {}},
        {"-A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.8:81",
         Sameness::same,
         {}},
    };
    for (const auto& c : cases) {
        std::string nat = fmt::format("*nat\n{}\nCOMMIT\n", c.nat);
        packet::Proof p = prove(fmt::format(fmt::runtime(filter), "", "") + nat,
                                fmt::format(fmt::runtime(filter), errors, ",UNTRACKED") + nat + raw,
                                services("80/tcp"));
        std::string said;
        for (const packet::Violation& v : p.violations)
            said += v.message + ": " + packet::to_words(v.shown.witness) + "\n";
        for (const packet::Doubt& d : p.undecided) said += d.message + "\n";
        EXPECT_EQ(p.result, c.result) << c.nat << "\n" << said;
        if (c.result != Sameness::different || p.violations.empty()) continue;
        EXPECT_EQ(p.violations.front().obligation, Obligation::nat) << c.nat << "\n" << said;
        EXPECT_EQ(p.violations.front().shown.way, c.answer) << c.nat;
        EXPECT_TRUE(p.violations.front().shown.after.untracked) << c.nat;
    }
}

TEST(Flows, WhatAServersHostAsksItselfIsTranslatedStill) {
    // As ntpd does: from the service's port.
    for (const char* protocol : {"udp", "tcp"}) {
        const std::string before = fmt::format(
            "*filter\n:FORWARD DROP\n-A FORWARD -p icmp -j ACCEPT\n-A FORWARD -m conntrack "
            "--ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -d 10.0.0.8 -p {0} --dport 123 -j "
            "ACCEPT\n-A FORWARD -s 10.0.0.8 -p {0} -j ACCEPT\nCOMMIT\n",
            protocol);
        const std::string raw = fmt::format(
            "*raw\n-A PREROUTING -d 10.0.0.8 -p {0} --dport 123 -j CT --notrack\n-A PREROUTING -s "
            "10.0.0.8 -p {0} --sport 123 -j CT --notrack\nCOMMIT\n",
            protocol);
        packet::Services s =
            services(fmt::format("123/{}", protocol).c_str(), packet::Role::router);
        model::MaskedAddress own;
        own.value.bytes = {10, 0, 0, 8};
        own.mask.bytes = {255, 255, 255, 255};
        s.address = own;
        for (const char* nat : {"-s 10.0.0.0/8 -d 203.0.113.0/24 -j MASQUERADE",
                                "-s 10.0.0.9 -d 203.0.113.0/24 -j MASQUERADE"}) {
            std::string with = fmt::format("*nat\n-A POSTROUTING {}\nCOMMIT\n", nat);
            packet::Proof p = prove(before + with, before + with + raw, s);
            bool lost = std::any_of(p.violations.begin(), p.violations.end(), [](const auto& v) {
                return v.obligation == Obligation::nat && v.shown.witness.source_port == 123;
            });
            EXPECT_EQ(lost, std::string_view(nat).starts_with("-s 10.0.0.0/8")) << nat;
        }
    }
}

TEST(Flows, ClientsOfATranslatedServerMayGetTheServicesPort) {
    // Who asks 8080 comes to a host behind, as this host itself, with the port that it has. No
    // packet goes there but by the translation, and the answers' way is closed to everybody else.
    const std::string before =
        "*filter\n:INPUT DROP\n:FORWARD DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -p icmp -j "
        "ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp "
        "--dport 80 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT\n-A FORWARD -m conntrack "
        "--ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -d 10.0.0.8 -o eth1 -p tcp --dport "
        "8081 -j ACCEPT\nCOMMIT\n*mangle\n-A PREROUTING -i eth1 ! -d 192.0.2.1 -j DROP\nCOMMIT\n"
        "*nat\n-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination "
        "10.0.0.8:8081\n-A POSTROUTING -o eth1 -p tcp -j MASQUERADE{}\nCOMMIT\n*raw\n-A PREROUTING "
        "-i eth0 -d 10.0.0.0/8 -j DROP\n{}COMMIT\n";
    const std::string raw =
        "-A PREROUTING -p tcp --dport 80 -m addrtype --dst-type LOCAL -j CT --notrack\n-A OUTPUT "
        "-o "
        "lo -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT --notrack\n";
    for (const char* ports : {"", " --to-ports 1024-65535"}) {
        packet::Proof p = prove(fmt::format(fmt::runtime(before), ports, ""),
                                fmt::format(fmt::runtime(before), ports, raw), services("80/tcp"));
        bool kept = *ports == '\0';
        EXPECT_EQ(p.result, kept ? Sameness::different : Sameness::same) << ports;
        EXPECT_EQ(p.violations.size(), kept ? 1U : 0U);
        for (const packet::Violation& v : p.violations) {
            EXPECT_EQ(v.obligation, Obligation::nat);
            EXPECT_EQ(v.shown.way, packet::Way::input);
            EXPECT_EQ(v.shown.witness.source_port, 8081);
        }
    }
}

TEST(Compare, WhatRulesWriteIsReadAfterwards) {
    const std::string drop = "-A INPUT -m connmark --mark 0x1 -j DROP\n";
    const std::string write = "-A INPUT -p tcp --dport 99 -j CONNMARK --set-xmark 0x1/0xffffffff\n";
    const std::string head = "*filter\n:INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n";
    EXPECT_NE(compare(head + drop + write + "COMMIT\n", head + write + drop + "COMMIT\n").result,
              Sameness::same);
    // In an order of their own, however the chains are cut.
    EXPECT_EQ(compare(head + write + drop + "COMMIT\n",
                      head + "-N w\n" +
                          "-A w -p tcp --dport 99 -j CONNMARK --set-xmark "
                          "0x1/0xffffffff\n-A w -m connmark --mark 0x1 -j DROP\n-A INPUT -j "
                          "w\nCOMMIT\n")
                  .result,
              Sameness::same);
    // Two writes before a read, with a chain's end between them.
    const std::string second = "-A {} -p tcp --dport 99 -j CONNMARK --set-xmark 0x2/0xffffffff\n";
    EXPECT_EQ(compare(head + write + fmt::format(fmt::runtime(second), "INPUT") + drop + "COMMIT\n",
                      head + write + "-N w\n" + fmt::format(fmt::runtime(second), "w") +
                          "-A w -m connmark --mark 0x1 -j DROP\n-A INPUT -j w\nCOMMIT\n")
                  .result,
              Sameness::same);
    EXPECT_NE(compare(head + write + fmt::format(fmt::runtime(second), "INPUT") + drop + "COMMIT\n",
                      head + fmt::format(fmt::runtime(second), "INPUT") + write + drop + "COMMIT\n")
                  .result,
              Sameness::same);
    // Sets, too; and marks that are restored.
    EXPECT_NE(
        compare(head + "-A INPUT -j SET --add-set a src\n-A INPUT -m set --match-set a src -j "
                       "DROP\nCOMMIT\n",
                head + "-A INPUT -m set --match-set a src -j DROP\n-A INPUT -j SET --add-set "
                       "a src\nCOMMIT\n")
            .result,
        Sameness::same);
    const std::string restore =
        "-A INPUT -j CONNMARK --restore-mark\n-A INPUT -m mark --mark 0x1 -j DROP\n";
    EXPECT_NE(
        compare(head + restore + write + "COMMIT\n", head + write + restore + "COMMIT\n").result,
        Sameness::same);
}

TEST(Flows, WhatRulesWriteIsReadAfterwards) {
    const std::string write =
        "*mangle\n:PREROUTING ACCEPT\n{}-A PREROUTING -p udp --dport 99 -j CONNMARK --set-xmark "
        "0x1/0xffffffff\n{}COMMIT\n";
    const std::string drop = "-A PREROUTING -p udp -m connmark --mark 0x1 -j DROP\n";
    const std::string early = fmt::format(fmt::runtime(write), drop, "");
    const std::string late = fmt::format(fmt::runtime(write), "", drop);
    packet::Services web = services("80,443/tcp");
    EXPECT_EQ(prove(server_before + early, server_after + early, web).result, Sameness::same);
    EXPECT_NE(prove(server_before + early, server_after + late, web).result, Sameness::same);
    // On the service itself it is lost.
    const std::string own =
        "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --dport 80 -j CONNMARK --set-xmark "
        "0x1/0xffffffff\nCOMMIT\n";
    packet::Proof p = prove(server_before + own, server_after + own, web);
    EXPECT_TRUE(std::any_of(p.violations.begin(), p.violations.end(),
                            [](const auto& v) { return v.code == "UT215"; }));
}

TEST(Compare, MarksThatGoToAndFroAreFollowedInTime) {
    // Levels for what was written are made only where somebody asks; their values are any.
    auto rules = [](const char* port, const char* restore) {
        std::string text = "*mangle\n";
        for (const char* chain : {"PREROUTING", "OUTPUT"})
            text += fmt::format(
                "-A {0} -m conntrack --ctstate RELATED,ESTABLISHED -j CONNMARK {2}\n"
                "-A {0} -p tcp --dport 22 -j MARK --set-xmark 0x111/0xffffffff\n"
                "-A {0} -p tcp --dport {1} -j MARK --set-xmark 0x1/0xffffffff\n"
                "-A {0} -j CONNMARK --save-mark\n",
                chain, port, restore);
        return text +
               "COMMIT\n*filter\n:INPUT DROP\n-A INPUT -m mark --mark 0x111 -j ACCEPT\n-A INPUT -m "
               "connmark --mark 0x1 -j ACCEPT\nCOMMIT\n*nat\n-A POSTROUTING -m mark --mark 0x1 -j "
               "MASQUERADE\nCOMMIT\n";
    };
    std::string one = rules("80", "--restore-mark");
    EXPECT_EQ(compare(one, one + "#\n").result, Sameness::same);
    EXPECT_EQ(compare(one, rules("81", "--restore-mark")).result, Sameness::different);
    EXPECT_NE(compare(one, rules("80", "--restore-mark --nfmask 0xff --ctmask 0xff")).result,
              Sameness::same);
}
