// SPDX-License-Identifier: GPL-2.0-or-later
// Conversions of nftables text: what is put where, what is refused, and that the second run has
// nothing to do. That they are sound the gate has proven before the test sees them.
#include <gtest/gtest.h>

#include "model/iptables_values.hpp"
#include "model/nft_text.hpp"
#include "packet/flows.hpp"
#include "rewriter/rewrite.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
using rewriter::Status;

namespace {

/// A text as both families meet it.
struct Host {
    test::LoadedNft four, six;
    model::NftText text_four{four.tree, four.ruleset};
    model::NftText text_six{six.tree, six.ruleset};

    explicit Host(std::string_view text)
        : four(text, model::Family::ip), six(text, model::Family::ip6) {
        EXPECT_TRUE(four.tree.errors.empty()) << text;
    }
    rewriter::Outcome rewrite(const rewriter::Request& request) const {
        // Not the family that it has no table for.
        std::vector<const model::RulesetText*> views;
        for (const model::NftText* t : {&text_four, &text_six})
            if (!t->ruleset.rules.empty()) views.push_back(t);
        return rewriter::rewrite(four.tree, views, request);
    }
};

rewriter::Request request(std::string_view ports = "80/tcp") {
    rewriter::Request r;
    r.services.push_back(rewriter::parse_service(ports).value());
    return r;
}

/// What a conversion adds, line for line; the second run must add nothing.
std::string added(const std::string& text, const rewriter::Request& asked = request()) {
    Host host(text);
    rewriter::Outcome outcome = host.rewrite(asked);
    EXPECT_EQ(outcome.status, Status::rewritten)
        << (outcome.reasons.empty() ? "" : outcome.reasons[0].message);
    std::string changed = apply_edits(text, outcome.edits);
    EXPECT_EQ(Host(changed).rewrite(asked).status, Status::unchanged) << changed;
    std::string out;
    for (const TextEdit& e : outcome.edits) {
        EXPECT_EQ(e.range.size(), 0U) << "only insertions";
        out += e.text;
    }
    return out;
}

std::string refusal(const std::string& text, const rewriter::Request& asked = request()) {
    Host host(text);
    rewriter::Outcome outcome = host.rewrite(asked);
    EXPECT_EQ(outcome.status, Status::refused);
    EXPECT_TRUE(outcome.edits.empty());
    return outcome.reasons.empty() ? ""
                                   : outcome.reasons[0].code + " " + outcome.reasons[0].message;
}

std::string server(const std::string& rules, const std::string& more = "") {
    return "table ip filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy "
           "drop;\n" +
           rules +
           "\t}\n\tchain forward {\n\t\ttype filter hook forward priority 0; policy "
           "drop;\n\t}\n}\n" +
           more;
}
const std::string plain = "\t\tiif lo accept\n\t\tct state established,related accept\n";
const std::string raw_table =
    "table ip untrack {\n\tchain prerouting {\n\t\ttype filter hook prerouting priority raw; "
    "policy "
    "accept;\n\t\ttcp dport 80 notrack\n\t}\n\tchain output {\n\t\ttype filter hook output "
    "priority "
    "raw; policy accept;\n\t\toifname \"lo\" tcp dport 80 notrack\n\t\ttcp sport 80 "
    "notrack\n\t}\n}\n";
const std::string errors =
    "\t\ticmp type { destination-unreachable, time-exceeded, parameter-problem } ct state invalid "
    "accept\n";

}  // namespace

TEST(NftRewrite, ACopyStandsBehindTheRuleItIsFor) {
    EXPECT_EQ(added(server(plain + "\t\tip saddr 192.0.2.0/24 tcp dport 80 ct state new counter "
                                   "packets 7 bytes 9 accept comment \"web\"\n")),
              errors +
                  "\t\tct state untracked ip saddr 192.0.2.0/24 tcp dport 80 counter accept\n" +
                  raw_table);
}

TEST(NftRewrite, ARuleForManyPortsIsCopiedForTheServices) {
    EXPECT_EQ(added(server(plain + "\t\ttcp dport 1-1023 ct state new accept\n")),
              errors + "\t\ttcp dport 80 ct state untracked tcp dport 1-1023 accept\n" + raw_table);
}

TEST(NftRewrite, ARuleWithoutAStateNeedsNoCopy) {
    EXPECT_EQ(added(server(plain + "\t\ttcp dport 80 accept\n")), errors + raw_table);
}

TEST(NftRewrite, AMapOfStatesGetsItsVerdict) {
    std::string out = added(
        server("\t\tct state vmap { established : accept, related : accept, new : jump web }\n",
               "table ip filter {\n\tchain web {\n\t\ttcp dport 80 accept\n\t}\n}\n"));
    EXPECT_NE(out.find("\t\ttcp dport 80 ct state untracked jump web\n"), std::string::npos) << out;
}

TEST(NftRewrite, AnswersAskForWhatQuestionsWereLetInBy) {
    std::string out = added(server(
        plain + "\t\tip saddr 192.0.2.0/24 iifname \"eth0\" tcp dport 80 ct state new accept\n",
        "table ip out {\n\tchain output {\n\t\ttype filter hook output priority 0; policy "
        "drop;\n\t\tct state established accept\n\t}\n}\n"));
    EXPECT_NE(out.find("\t\tip daddr 192.0.2.0/24 oifname \"eth0\" tcp sport 80 tcp flags & (syn | "
                       "ack) != syn ct state untracked accept\n"),
              std::string::npos)
        << out;
}

TEST(NftRewrite, RawChainsThatAreThereAreUsed) {
    std::string out = added(server(
        plain + "\t\ttcp dport 80 accept\n",
        "table ip raw {\n\tchain pre {\n\t\ttype filter hook prerouting priority raw;\n\t\tudp "
        "dport "
        "53 notrack\n\t}\n\tchain out {\n\t\ttype filter hook output priority -300;\n\t}\n}\n"));
    EXPECT_EQ(out, errors +
                       "\t\ttcp dport 80 notrack\n\t\toifname \"lo\" tcp dport 80 "
                       "notrack\n\t\ttcp sport 80 notrack\n");
}

TEST(NftRewrite, ATableOfThatNameIsNotTakenOver) {
    std::string out = added(server(plain + "\t\ttcp dport 80 accept\n", "table ip untrack {\n}\n"));
    EXPECT_NE(out.find("table ip untrack2 {"), std::string::npos) << out;
}

TEST(NftRewrite, WhatAFileAddsItReplacesWhereItReplacesItsOwnTables) {
    const std::string rules = server(plain + "\t\ttcp dport 80 accept\n");
    const std::string replaced = "table ip untrack\ndelete table ip untrack\n" + raw_table;
    for (const char* command :
         {"flush table ip filter\n", "delete table ip filter\n", "flush ruleset ip6\n"})
        EXPECT_EQ(added("table ip filter\n" + std::string(command) + rules), errors + replaced)
            << command;
    EXPECT_EQ(added("table ip filter { chain input { }; }\nflush chain ip filter input\n" + rules),
              errors + replaced);
    EXPECT_EQ(added(rules), errors + raw_table);
    for (const char* all : {"flush ruleset\n", "flush ruleset ip\n"})
        EXPECT_EQ(added(all + rules), errors + raw_table) << all;
    EXPECT_EQ(added("table ip filter\nflush table ip filter\nflush ruleset\n" + rules),
              errors + raw_table)
        << "this empties everything";
}

TEST(NftRewrite, TheLastLineMayGoOn) {
    std::string text = server(plain + "\t\ttcp dport 80 accept\n");
    text.insert(text.size() - 1, " \\");
    EXPECT_EQ(added(text), errors + "\n" + raw_table);
}

TEST(NftRewrite, InetTablesAreConvertedForBothFamilies) {
    std::string text = server(plain + "\t\ttcp dport 80 ct state new accept\n");
    text.replace(0, 8, "table inet");
    std::string out = added(text);
    EXPECT_NE(out.find("icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
                       "parameter-problem } ct state invalid accept"),
              std::string::npos)
        << out;
    EXPECT_NE(out.find("table inet untrack {"), std::string::npos);
    EXPECT_EQ(out.find("ct state untracked", out.find("ct state untracked") + 1), std::string::npos)
        << "one copy for both\n"
        << out;
}

TEST(NftRewrite, AnAddressBindsTheServiceOfItsFamily) {
    std::string text = server(plain + "\t\ttcp dport 80 ct state new accept\n");
    text.replace(0, 8, "table inet");
    rewriter::Request r = request();
    r.address = model::MaskedAddress{};
    r.address->value = model::v4_address(0xc0000201);
    r.address->mask = model::v4_address(0xffffffff);
    r.address_text = "192.0.2.1";
    std::string out = added(text, r);
    EXPECT_NE(out.find("\t\tip daddr 192.0.2.1 tcp dport 80 notrack\n"), std::string::npos) << out;
    EXPECT_EQ(out.find("icmpv6"), std::string::npos) << "IPv6 stays as it is\n" << out;
}

TEST(NftRewrite, RulesOnOneLineStayThere) {
    std::string out = added(
        "table ip filter {\n chain input { type filter hook input priority 0; policy drop; ct "
        "state established,related accept; tcp dport 80 ct state new accept; }\n chain forward "
        "{ type filter hook forward priority 0; policy drop; }\n}\n");
    EXPECT_NE(out.find("; ct state untracked tcp dport 80 accept"), std::string::npos) << out;
}

TEST(NftRewrite, CommandsGetCommands) {
    std::string out = added(
        "add table ip filter\nadd chain ip filter input { type filter hook input priority 0; "
        "policy "
        "drop; }\nadd chain ip filter forward { type filter hook forward priority 0; policy drop; "
        "}\nadd rule ip filter input ct state established,related accept\nadd rule ip filter input "
        "tcp dport 80 ct state new accept\n");
    EXPECT_NE(out.find("add rule ip filter input ct state untracked tcp dport 80 accept\n"),
              std::string::npos)
        << out;
}

TEST(NftRewrite, RefusesWhatItCannotProveOrPlace) {
    EXPECT_EQ(refusal(server(plain + "\t\ttcp dport 80 ct state new accept\n",
                             "include \"/nowhere/at/all.nft\"\n"))
                  .substr(0, 5),
              "UT903");
    EXPECT_EQ(refusal(server(plain + "\t\tct mark 7 drop\n\t\ttcp dport 80 ct state new accept\n"))
                  .substr(0, 5),
              "UT215");
    EXPECT_EQ(refusal(server(plain + "\t\tct state . tcp dport vmap { new . 80 : accept }\n"))
                  .substr(0, 5),
              "UT903");
    EXPECT_EQ(refusal(server(plain + "\t\ttcp dport 80 ct state new accept\n",
                             "table ip nat {\n\tchain pre {\n\t\ttype nat hook prerouting priority "
                             "dstnat;\n\t\ttcp dport 80 dnat to 192.0.2.8\n\t}\n}\n"))
                  .substr(0, 5),
              "UT205");
}

TEST(NftRewrite, LimitsSeeNoMorePacketsThanBefore) {
    std::string out =
        added(server(plain + "\t\ttcp dport 80 ct state new limit rate 5/second accept\n"));
    EXPECT_NE(out.find("tcp flags & (syn | ack) == syn ct state untracked tcp dport 80 limit rate "
                       "5/second accept\n"),
              std::string::npos)
        << out;
    EXPECT_NE(out.find("tcp flags & (syn | ack) != syn ct state untracked tcp dport 80 accept\n"),
              std::string::npos)
        << out;
}

namespace {

const std::string office =
    "define web = { 80, 443 }\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input "
    "priority filter; policy drop;\n\t\tiif lo accept\n\t\tct state vmap { established : accept, "
    "related : accept, invalid : drop }\n\t\tip saddr 203.0.113.128/25 drop\n\t\ttcp dport $web ct "
    "state new accept\n\t\tip saddr 192.0.2.0/24 tcp dport 22 ct state new accept\n\t\ticmpv6 type "
    "{ "
    "nd-neighbor-solicit, nd-neighbor-advert } accept\n\t}\n\tchain forward { type filter hook "
    "forward priority filter; policy drop; }\n}\n";

packet::Sameness proven(const std::string& before, const std::string& after) {
    packet::Services services;
    services.list.push_back(rewriter::parse_service("80,443/tcp").value());
    packet::Sameness worst = packet::Sameness::same;
    for (model::Family family : {model::Family::ip, model::Family::ip6}) {
        test::LoadedNft a(before, family);
        test::LoadedNft b(after, family);
        EXPECT_TRUE(b.tree.errors.empty()) << after;
        const model::Ruleset* old_host[] = {&a.ruleset};
        const model::Ruleset* new_host[] = {&b.ruleset};
        packet::Proof proof = packet::prove(family, old_host, new_host, services, {});
        if (proof.result != packet::Sameness::same && worst != packet::Sameness::different)
            worst = proof.result;
    }
    return worst;
}

struct Break {
    const char* from;
    const char* to;
};
/// The first `from` of the conversion becomes `to`.
const Break breaks[] = {
    {"\t\ttcp sport { 80, 443 } notrack\n", ""},
    {"\t\toifname \"lo\" tcp dport { 80, 443 } notrack\n", ""},
    {"\t\ttcp dport { 80, 443 } notrack\n", ""},
    {"tcp sport { 80, 443 } notrack", "tcp sport { 80, 444 } notrack"},
    {"tcp sport { 80, 443 } notrack", "tcp sport 80 notrack"},
    {"hook prerouting priority raw", "hook prerouting priority mangle"},
    {"hook output priority raw", "hook output priority -150"},
    {"table inet untrack", "table ip untrack"},
    {"table inet untrack {", "table inet untrack { flags dormant;\n"},
    {"ct state untracked tcp dport $web accept", "ct state untracked accept"},
    {"ct state untracked tcp dport $web accept", "ct state untracked tcp sport $web accept"},
    {"ct state untracked tcp dport $web accept", "ct state untracked tcp dport 80 accept"},
    {"ct state untracked tcp dport $web accept", "ct state untracked log tcp dport $web accept"},
    {"ct state untracked tcp dport $web accept",
     "limit rate 5/second ct state untracked tcp dport $web accept"},
    {"\t\tct state untracked tcp dport $web accept\n", ""},
    {"icmp type { destination-unreachable, time-exceeded, parameter-problem } ct state invalid",
     "ct state invalid"},
    {"icmp type { destination-unreachable, time-exceeded, parameter-problem }",
     "icmp type { time-exceeded, parameter-problem }"},
    {"packet-too-big, ", ""},
    {"\t\ttcp dport { 80, 443 } notrack", "\t\tnotrack"},
    {"\t\ttcp dport { 80, 443 } notrack", "\t\tip daddr 192.0.2.1 tcp dport { 80, 443 } notrack"},
    {"\t\ttcp dport { 80, 443 } notrack", "\t\tiifname eth0 tcp dport { 80, 443 } notrack"},
    {"\t\ttcp dport { 80, 443 } notrack", "\t\tmeta nfproto ipv4 tcp dport { 80, 443 } notrack"},
    {"\t\ttcp dport { 80, 443 } notrack",
     "\t\ttcp dport { 80, 443 } tcp flags syn / syn,ack notrack"},
    {"\t\ttcp dport { 80, 443 } notrack",
     "\t\ttcp dport 80 accept\n\t\ttcp dport { 80, 443 } notrack"},
    {"\t\ttcp dport { 80, 443 } notrack",
     "\t\ttcp dport 80 ct zone set 1\n\t\ttcp dport { 80, 443 } notrack"},
    {"prerouting priority raw; policy accept", "prerouting priority raw; policy drop"},
    {"203.0.113.128/25", "203.0.113.128/26"},
};
const Break spellings[] = {
    {"\t\ttcp dport { 80, 443 } notrack", "\t\ttcp dport 80 notrack\n\t\ttcp dport 443 notrack"},
    {"\t\ttcp dport { 80, 443 } notrack",
     "\t\tmeta l4proto tcp th dport { 443, 80 } counter notrack"},
    {"ct state untracked tcp dport $web accept",
     "tcp dport 80 jump { ct state 0x40 accept; }\n\t\ttcp dport 443 ct state vmap { untracked : "
     "accept }"},
    {"table inet untrack", "table inet other"},
};

}  // namespace

TEST(NftRewrite, EveryWayToBreakAConversionIsFound) {
    rewriter::Outcome outcome = Host(office).rewrite(request("80,443/tcp"));
    ASSERT_EQ(outcome.status, Status::rewritten);
    const std::string sound = apply_edits(office, outcome.edits);
    EXPECT_EQ(proven(office, sound), packet::Sameness::same);
    for (const Break& b : breaks)
        EXPECT_EQ(proven(office, test::replaced(sound, b.from, b.to)), packet::Sameness::different)
            << b.from << " -> " << b.to;
    for (const Break& b : spellings) {
        EXPECT_EQ(proven(office, test::replaced(sound, b.from, b.to)), packet::Sameness::same)
            << b.from << " -> " << b.to;
    }
}
