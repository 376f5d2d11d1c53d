// SPDX-License-Identifier: GPL-2.0-or-later
// What lint says of several files that one host loads, and of the families of one.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <list>

#include "analyzer/back_ends.hpp"
#include "analyzer/driver.hpp"
#include "model/nft_text.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;

namespace {

/// Files of one host, in the order in which they are loaded.
class Host {
  public:
    Host& v4(const std::string& text) { return iptables(text, model::Family::ip); }
    Host& v6(const std::string& text) { return iptables(text, model::Family::ip6); }
    Host& nft(const std::string& text) {
        auto& file = files_.emplace_back();
        for (model::Family family : {model::Family::ip, model::Family::ip6}) {
            auto& loaded = nft_.emplace_back(text, family);
            EXPECT_TRUE(loaded.tree.errors.empty()) << text;
            texts_.push_back(std::make_unique<model::NftText>(loaded.tree, loaded.ruleset));
            file.push_back(texts_.back().get());
        }
        return *this;
    }

    /// "0:4 1:3": file and line of each finding of the rule.
    [[nodiscard]] std::string lint(const std::string& code) const {
        std::list<analyzer::FileContext> contexts;
        std::vector<analyzer::HostFile> files;
        for (const auto& texts : files_) {
            files.emplace_back();
            for (const model::RulesetText* text : texts)
                files.back().push_back(&contexts.emplace_back(*text, model::KernelProfile::modern));
        }
        auto found = analyzer::lint_host(files, analyzer::Selection::make({code}, {}).value());
        std::string out;
        for (std::size_t i = 0; i < found.size(); ++i)
            for (const analyzer::Finding& f : found[i].list)
                out += fmt::format("{}{}:{}", out.empty() ? "" : " ", i,
                                   files_[i].front()->place(f.range.begin).at.line);
        return out;
    }
    [[nodiscard]] bool fit() const {
        return analyzer::may_be_one_host(*files_.front().front(), *files_.back().front());
    }

  private:
    Host& iptables(const std::string& text, model::Family family) {
        auto& loaded = iptables_.emplace_back(text, family);
        EXPECT_TRUE(loaded.tree.errors.empty()) << text;
        texts_.push_back(std::make_unique<model::IptablesText>(loaded.tree, loaded.ruleset));
        files_.push_back({texts_.back().get()});
        return *this;
    }

    std::list<test::Loaded> iptables_;
    std::list<test::LoadedNft> nft_;
    std::list<std::unique_ptr<model::RulesetText>> texts_;
    std::vector<std::vector<const model::RulesetText*>> files_;
};

std::string raw(const std::string& port) {
    return fmt::format(
        "*raw\n-A PREROUTING -p tcp --dport {0} -j CT --notrack\n"
        "-A OUTPUT -p tcp --sport {0} -j CT --notrack\nCOMMIT\n",
        port);
}
std::string filter(const std::string& input) {
    return "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n" + input + "COMMIT\n";
}
const std::string web = "-A INPUT -p tcp --dport 80 -j ACCEPT\n";
const std::string established = "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
const std::string half = raw("80") + filter(web + established);

std::string nft_raw(const std::string& family, const std::string& question = "tcp dport 80",
                    const std::string& answer = "tcp sport 80") {
    return fmt::format(
        "table {} raw {{\nchain prerouting {{\ntype filter hook prerouting priority raw;\n"
        "{} notrack\n}}\nchain output {{\ntype filter hook output priority raw;\n"
        "{} notrack\n}}\n}}\n",
        family, question, answer);
}
std::string nft_input(const std::string& table, const std::string& rules,
                      const std::string& chain = "input") {
    return fmt::format(
        "table {} {{\nchain {} {{\ntype filter hook input priority filter; policy drop;\n{}\n}}\n"
        "}}\n",
        table, chain, rules);
}

}  // namespace

TEST(OtherFamily, IsSaidOnTheRuleOfTheFamilyThatIsUntracked) {
    EXPECT_EQ(Host().v4(half).v6(filter(web + established)).lint("UT213"), "0:2");
    EXPECT_EQ(Host().v4(filter(web + established)).v6(half).lint("UT213"), "1:2");
    EXPECT_EQ(Host()
                  .nft(nft_raw("ip") + nft_input("inet filter",
                                                 "tcp dport 80 accept\nct state "
                                                 "established accept"))
                  .lint("UT213"),
              "0:4");
    // One file raw, the other one filter, in two languages.
    EXPECT_EQ(Host()
                  .v4(raw("80"))
                  .nft(nft_input("inet filter", "tcp dport 80 accept\nct state established accept"))
                  .lint("UT213"),
              "0:2");
}

TEST(OtherFamily, OnlyPortsThatItForgotCount) {
    std::string both = "-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT\n" + established;
    std::string two =
        "*raw\n-A PREROUTING -p tcp -m multiport --dports 80,443 -j CT --notrack\n"
        "-A OUTPUT -p tcp -m multiport --sports 80,443 -j CT --notrack\nCOMMIT\n" +
        filter(both);
    EXPECT_EQ(Host().v4(two).v6(raw("80") + filter(both)).lint("UT213"), "0:2");
    EXPECT_EQ(Host().v4(two).v6(two).lint("UT213"), "");
    // The answers' rule of another port does not make the question untracked.
    EXPECT_EQ(Host().v4(half).v6(raw("443") + filter(web + established)).lint("UT213"), "0:2");
}

TEST(OtherFamily, NothingIsSaidOfWhatIsNotKnown) {
    EXPECT_EQ(Host().v4(half).lint("UT213"), "");
    EXPECT_EQ(Host().v4(half).v6("").lint("UT213"), "");
    EXPECT_EQ(Host()
                  .nft(nft_raw("ip") + nft_input("ip filter",
                                                 "tcp dport 80 accept\nct state "
                                                 "established accept"))
                  .lint("UT213"),
              "");
}

TEST(OtherFamily, NothingIsSaidWhereItIsNotServedOrTracksNothing) {
    EXPECT_EQ(Host().v4(half).v6(filter(established)).lint("UT213"), "");
    EXPECT_EQ(Host().v4(half).v6(filter(web)).lint("UT213"), "");
    EXPECT_EQ(
        Host().v4(half).v6(filter("-A INPUT -p tcp -j DROP\n" + web + established)).lint("UT213"),
        "");
    // Nor where the family that is untracked refuses it itself.
    EXPECT_EQ(
        Host().v4(raw("80") + filter(established)).v6(filter(web + established)).lint("UT213"), "");
}

TEST(OtherFamily, AnotherAddressOrInterfaceThereIsStillConverted) {
    std::string at =
        "*raw\n-A PREROUTING -d 192.0.2.1 -p tcp --dport 80 -j CT --notrack\n"
        "-A OUTPUT -s 192.0.2.1 -p tcp --sport 80 -j CT --notrack\nCOMMIT\n" +
        filter(web + established);
    std::string there =
        "*raw\n-A PREROUTING -d 2001:db8::1 -i wan -p tcp --dport 80 -j CT --notrack\n"
        "-A OUTPUT -s 2001:db8::1 -o wan -p tcp --sport 80 -j CT --notrack\nCOMMIT\n" +
        filter(web + established);
    EXPECT_EQ(Host().v4(at).v6(there).lint("UT213"), "");
    EXPECT_EQ(Host().v4(at).v6(filter(web + established)).lint("UT213"), "0:2");
}

TEST(OtherFamily, OnlyAServiceAsSuchIsMissed) {
    auto with = [](const std::string& match) {
        return Host()
            .v4("*raw\n-A PREROUTING " + match +
                " -p tcp --dport 80 -j CT --notrack\n-A OUTPUT -p tcp --sport 80 -j CT --notrack\n"
                "COMMIT\n" +
                filter(web + established))
            .v6(filter(web + established))
            .lint("UT213");
    };
    EXPECT_EQ(with("-i eth0"), "0:2");
    EXPECT_EQ(with("-m addrtype --dst-type LOCAL"), "0:2");
    EXPECT_EQ(with("-s 203.0.113.0/24"), "");
    EXPECT_EQ(with("-m mark --mark 1"), "");
    EXPECT_EQ(with("-m set --match-set clients src"), "");
    EXPECT_EQ(with("-i lo"), "");
    // One direction alone is UT201.
    EXPECT_EQ(Host()
                  .v4("*raw\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\nCOMMIT\n" +
                      filter(web + established))
                  .v6(filter(web + established))
                  .lint("UT213"),
              "");
}

TEST(OtherFamily, ClientsAndRoutersHaveServices) {
    const std::string client =
        "*raw\n-A OUTPUT -p udp --dport 53 -j CT --notrack\n"
        "-A PREROUTING -p udp --sport 53 -j CT --notrack\nCOMMIT\n";
    EXPECT_EQ(Host().v4(client).v6(filter(established)).lint("UT213"), "0:2");
    const std::string router =
        "*raw\n-A PREROUTING -p udp --dport 53 -j CT --notrack\n"
        "-A PREROUTING -p udp --sport 53 -j CT --notrack\nCOMMIT\n";
    const std::string forward = "-A FORWARD -p udp --dport 53 -j ACCEPT\n" + established;
    EXPECT_EQ(Host().v4(router + filter(forward)).v6(filter(forward)).lint("UT213"), "0:2");
    EXPECT_EQ(Host().v4(router + filter(forward)).v6(filter(established)).lint("UT213"), "");
}

TEST(OtherFamily, ARuleOfTwoProtocolsIsSaidOnce) {
    EXPECT_EQ(Host()
                  .nft(nft_raw("ip", "meta l4proto { tcp, udp } th dport 53",
                               "meta l4proto { tcp, udp } th sport 53") +
                       nft_input("inet filter",
                                 "meta l4proto { tcp, udp } th dport 53 accept\nct "
                                 "state established accept"))
                  .lint("UT213"),
              "0:4");
}

TEST(BackEnds, WhatOneAcceptsTheOtherDrops) {
    const std::string host = nft_input("inet host", "tcp dport 22 accept");
    EXPECT_EQ(Host().v4(filter(web)).nft(host).lint("UT505"), "0:4 1:4");
    EXPECT_EQ(Host()
                  .v4(filter(web + "-A INPUT -p tcp --dport 22 -j ACCEPT\n"))
                  .nft(nft_input("inet host", "tcp dport { 22, 80 } accept"))
                  .lint("UT505"),
              "");
    EXPECT_EQ(
        Host().nft(nft_input("ip filter", "tcp dport 80 accept", "INPUT") + host).lint("UT505"),
        "0:4 0:10");
    // Two tables that are both of nft's are one admin's.
    EXPECT_EQ(Host().nft(nft_input("ip filter", "tcp dport 80 accept") + host).lint("UT505"), "");
    EXPECT_EQ(Host().v4(filter(web)).v6(filter(established)).lint("UT505"), "");
    // Another family's packets do not meet them.
    EXPECT_EQ(Host().v6(filter(web)).nft(nft_input("ip host", "tcp dport 22 accept")).lint("UT505"),
              "");
}

TEST(BackEnds, WhatIsTakenBySourceIsMeantToBe) {
    for (const char* drop : {"ip saddr 203.0.113.0/24 drop", "ip saddr @bad drop"})
        EXPECT_EQ(Host()
                      .v4(filter(web))
                      .nft(std::string(
                               "table ip f2b {\nset bad {\ntype ipv4_addr\n}\nchain input {\ntype "
                               "filter hook input priority -1;\n") +
                           drop + "\n}\n}\n")
                      .lint("UT505"),
                  "")
            << drop;
}

TEST(BackEnds, UntrackedByTheOneIsUntrackedForTheOther) {
    const std::string accept =
        "-A INPUT -p tcp --dport 80 -m conntrack --ctstate UNTRACKED -j "
        "ACCEPT\n";
    const std::string other = nft_input("inet host", "tcp dport 22 accept");
    EXPECT_EQ(Host().v4(filter(accept)).nft(nft_raw("ip") + other).lint("UT505"), "0:4 1:14");
    EXPECT_EQ(Host().v4(filter(accept)).nft(other).lint("UT505"), "1:4");
}

TEST(BackEnds, OneConnectionIsTranslatedOnce) {
    const std::string nat =
        "*nat\n-A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80\nCOMMIT\n";
    auto pre = [](const std::string& rule) {
        return "table ip host {\nchain pre {\ntype nat hook prerouting priority -110;\n" + rule +
               "\n}\n}\n";
    };
    EXPECT_EQ(Host().v4(nat).nft(pre("tcp dport 8080 redirect to :81")).lint("UT505"), "0:2");
    EXPECT_EQ(Host().v4(nat).nft(pre("tcp dport 8081 redirect to :81")).lint("UT505"), "");
    // The source at one hook, the destination at another.
    EXPECT_EQ(Host()
                  .v4(nat)
                  .nft("table ip host {\nchain post {\ntype nat hook postrouting priority srcnat;\n"
                       "masquerade\n}\n}\n")
                  .lint("UT505"),
              "");
    EXPECT_EQ(Host()
                  .v4("*nat\n-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE\nCOMMIT\n")
                  .nft("table ip host {\nchain post {\ntype nat hook postrouting priority srcnat;\n"
                       "masquerade\n}\n}\n")
                  .lint("UT505"),
              "");
}

TEST(BackEnds, IptablesSaysItselfThatThereAreTwo) {
    const std::string warned =
        "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n";
    EXPECT_EQ(Host().v4(warned + filter(web)).lint("UT505"), "0:1");
    const std::string other = filter("-A INPUT -p tcp --dport 22 -j ACCEPT\n");
    EXPECT_EQ(Host().v4(warned + filter(web)).v4(other).lint("UT505"), "0:5 1:4");
    EXPECT_TRUE(Host().v4(warned + filter(web)).v4(other).fit());
    EXPECT_FALSE(Host().v4(filter(web)).v4(other).fit());
    const std::string by_nft = "# Generated by iptables-save v1.8.9 (nf_tables) on Mon\n";
    EXPECT_FALSE(Host().v4(warned + filter(web)).v4(by_nft + other).fit());
}

TEST(BackEnds, FilesThatCannotBeLoadedTogetherAreNoHost) {
    EXPECT_TRUE(Host().v4(half).v6(half).fit());
    EXPECT_TRUE(Host().v4(raw("80")).v4(filter(web)).fit());
    EXPECT_FALSE(Host().v4(half).v4(filter(web)).fit());
    EXPECT_TRUE(Host().v4(half).nft(nft_raw("inet")).fit());
    EXPECT_TRUE(Host().nft(nft_raw("ip")).nft(nft_raw("ip6")).fit());
    EXPECT_FALSE(Host().nft(nft_raw("ip")).nft(nft_raw("ip")).fit());
    EXPECT_FALSE(Host().nft(nft_raw("ip")).nft("flush ruleset\n" + nft_raw("ip6")).fit());
    EXPECT_TRUE(Host().nft("flush ruleset\n" + nft_raw("ip")).nft(nft_raw("ip6")).fit());
}
