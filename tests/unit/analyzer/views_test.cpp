// SPDX-License-Identifier: GPL-2.0-or-later
// What lint says of nftables text, whose rules two families meet and are several of the model.
#include <gtest/gtest.h>

#include "analyzer/driver.hpp"
#include "model/nft_text.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;

namespace {

/// "UT304 5,": codes and lines, of these rules alone.
std::string lint(const std::string& text, const std::string& select) {
    test::LoadedNft four(text, model::Family::ip);
    test::LoadedNft six(text, model::Family::ip6);
    EXPECT_TRUE(four.tree.errors.empty()) << text;
    model::NftText texts[] = {{four.tree, four.ruleset}, {six.tree, six.ruleset}};
    std::vector<std::unique_ptr<analyzer::FileContext>> views;
    for (const model::NftText& t : texts)
        views.push_back(std::make_unique<analyzer::FileContext>(t, model::KernelProfile::modern));
    auto selection = analyzer::Selection::make({select}, {}).value();
    std::string out;
    for (const analyzer::Finding& f : analyzer::lint(views, selection, 1).list)
        out += std::string(analyzer::rules()[f.code].code) + " " +
               std::to_string(texts[0].place(f.range.begin).at.line) + ",";
    return out;
}

std::string in_input(const std::string& rules, const std::string& more = "") {
    return "table inet t {\nchain input {\ntype filter hook input priority 0; policy drop;\n" +
           rules + "\n}\n" + more + "}\n";
}

}  // namespace

TEST(Views, ARuleOfOneFamilyIsNotIdleInTheOther) {
    EXPECT_EQ(lint(in_input("ip saddr 192.0.2.1 accept\nip6 saddr 2001:db8::1 accept"), "UT3"), "");
    EXPECT_EQ(lint(in_input("meta nfproto ipv4 ip6 saddr ::1 accept"), "UT304"), "UT304 4,");
    EXPECT_EQ(
        lint(in_input("meta nfproto ipv6 tcp dport 80 counter\ntcp dport 80 accept"), "UT304"), "");
    // Never of IPv4, and of IPv6 the line before again.
    const std::string six = "meta nfproto ipv6 tcp dport 80 counter";
    EXPECT_EQ(lint(in_input(six + "\n" + six), "UT3"), "UT308 5,");
}

TEST(Views, ARuleOfManyPartsIsIdleWhenAllOfThemAre) {
    // 81 is taken before, 80 is not.
    EXPECT_EQ(
        lint(in_input("tcp dport 81 drop\ntcp dport vmap { 80 : accept, 81 : accept }"), "UT301"),
        "");
    EXPECT_EQ(lint(in_input("tcp dport 81 drop\ntcp dport vmap { 81 : accept }"), "UT301"),
              "UT301 5,");
}

TEST(Views, SetsAndMapsWithNamesMayChange) {
    const std::string set = "set s { type ipv4_addr; }\n";
    EXPECT_EQ(lint(in_input("ip saddr @s accept", set), "UT3"), "");
    const std::string map =
        "map m { type inet_service : verdict; }\nchain later { ct state new "
        "accept; }\n";
    for (const char* code : {"UT303", "UT106"})
        EXPECT_EQ(lint(in_input("tcp dport vmap @m", map), code), "");
    EXPECT_EQ(lint(in_input("tcp dport 80 accept", map), "UT303"), "UT303 7,");
    EXPECT_EQ(lint(in_input("numgen random mod 2 vmap { 0 : goto a, 1 : goto b }",
                            "chain a { accept; }\nchain b { drop; }\n"),
                   "UT303"),
              "");
    EXPECT_EQ(lint(in_input("ip ttl vmap { 1 : jump a }", "chain a {\naccept; }\n"), "UT303"), "");
}

TEST(Views, APlaceIsSaidOnce) {
    EXPECT_EQ(lint(in_input("ct state vmap { established : accept, new : drop }"), "UT101"),
              "UT101 4,");
}
