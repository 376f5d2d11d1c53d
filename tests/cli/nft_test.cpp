// SPDX-License-Identifier: GPL-2.0-or-later
// nftables rulesets on the command line: both families of one file, other languages beside them,
// and what they include.
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

const std::string nft =
    "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy "
    "drop;\n\t\tct state established accept\n\t\ttcp dport 80 ct state new accept\n\t}\n}\n";
const std::string iptables =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m "
    "conntrack --ctstate ESTABLISHED -j ACCEPT\n-A INPUT -p tcp --dport 80 -m conntrack --ctstate "
    "NEW -j ACCEPT\nCOMMIT\n";

}  // namespace

TEST(Nft, FindingsOfBothFamiliesAreSaidOnce) {
    Folder f;
    f.file("x.nft", nft);
    Ran ran = shell("untrack lint --select UT101 --format json x.nft", f.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    Json j = Json::parse(ran.out);
    EXPECT_EQ(j["files"][0]["language"], "nft");
    EXPECT_EQ(j["files"][0]["family"], "46");
    EXPECT_EQ(j["findings"].size(), 2U);
    EXPECT_EQ(j["findings"][0]["table"], "inet filter");
    ASSERT_EQ(j["conntrack"].size(), 2U);
    for (const Json& family : j["conntrack"]) EXPECT_EQ(family["by"].size(), 2U);
}

TEST(Nft, ComparesWithIptablesWhatBothSpeakOf) {
    Folder f;
    f.file("x.nft", nft);
    f.file("x.rules", iptables);
    Ran ran = shell("untrack verify x.rules x.nft", f.path());
    EXPECT_EQ(ran.code, 0) << ran.out;
    EXPECT_EQ(ran.err, "x.nft: what it says of IPv6 is compared with nothing\n");
    f.file("y.rules", "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 2001:db8::1 -j ACCEPT\nCOMMIT\n");
    f.file("four.nft", "table ip t {\n}\n");
    ran = shell("untrack verify y.rules four.nft", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("y.rules is read as IPv6, four.nft as IPv4"), std::string::npos)
        << ran.err;
}

TEST(Nft, OneHostMayHaveBoth) {
    Folder f;
    f.file("x.nft", nft);
    f.file("x.rules", "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.9 -j DROP\nCOMMIT\n");
    const std::string packet =
        "untrack trace -q --packet 'tcp 192.0.2.9:40000 > 192.0.2.1:80 syn' ";
    EXPECT_NE(shell(packet + "x.nft", f.path()).out.find("accept"), std::string::npos);
    EXPECT_NE(shell(packet + "x.nft x.rules", f.path()).out.find("drop"), std::string::npos);
    f.file("y.nft", nft);
    Ran ran = shell(packet + "x.nft y.nft", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("both hold the IPv4 table inet filter"), std::string::npos) << ran.err;
}

TEST(Nft, IncludedFilesHaveTheirOwnPlaces) {
    Folder f;
    fs::create_directories(f.path() / "d");
    f.file("d/b.nft", "tcp dport 81 ct state new accept\n");
    f.file("d/a.nft", "# first\ntcp dport $port ct state new accept\n");
    f.file("vars.nft", "define port = 80\n");
    std::string main =
        "include \"./vars.nft\"\ntable ip filter {\n\tchain input {\n\t\ttype filter hook input "
        "priority 0; policy drop;\n\t\tinclude \"./d/*.nft\"\n\t}\n\tinclude \"./none/*.nft\"\n}\n";
    f.file("main.nft", main);
    Ran ran = shell("untrack lint --select UT101 --format json main.nft", f.path());
    Json j = Json::parse(ran.out);
    EXPECT_EQ(ran.err, "") << "a pattern that nothing fits includes nothing";
    ASSERT_EQ(j["findings"].size(), 2U) << ran.out;
    EXPECT_EQ(j["findings"][0]["path"], "./d/a.nft");
    EXPECT_EQ(j["findings"][0]["line"], 2);
    EXPECT_EQ(j["findings"][1]["path"], "./d/b.nft");
    EXPECT_EQ(j["conntrack"][0]["by"][1]["path"], "./d/b.nft");
    EXPECT_NE(
        shell("untrack trace --packet 'tcp 192.0.2.9:1 > 192.0.2.1:80 syn' main.nft", f.path())
            .out.find("./d/a.nft:2"),
        std::string::npos);
    ran = shell("untrack rewrite --port 80/tcp main.nft", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("this file includes others"), std::string::npos) << ran.err;
    EXPECT_EQ(shell("untrack dump --stage text main.nft", f.path()).out, main);
    // An error in one of them is an error, where it stands.
    f.file("d/b.nft", "\ntcp dport {\n");
    ran = shell("untrack verify main.nft main.nft", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("./d/b.nft:"), std::string::npos) << ran.err;
}

TEST(Nft, WhatIsNotFollowedIsSaid) {
    Folder f;
    f.file("x.nft", "include \"/nowhere/at/all.nft\"\n" + nft);
    Ran ran = shell("untrack trace --packet 'tcp 192.0.2.9:1 > 192.0.2.1:80 syn' x.nft", f.path());
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("verdict: unknown"), std::string::npos) << ran.out;
    EXPECT_EQ(ran.err,
              "x.nft:1:1: note: /nowhere/at/all.nft is not here: what it would add is not known\n");
    EXPECT_EQ(shell("untrack verify -q x.nft x.nft", f.path()).code, 4);
    EXPECT_EQ(shell("untrack lint --select UT1 x.nft", f.path()).code, 0);
}

TEST(Nft, RewritesInPlaceAndTheSecondTimeNothing) {
    Folder f;
    f.file("x.nft", nft);
    Ran ran = shell("untrack rewrite --port 80/tcp --in-place x.nft", f.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    std::string once = read(f.path() / "x.nft");
    EXPECT_NE(once.find("table inet untrack {"), std::string::npos);
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp --in-place x.nft", f.path()).code, 0);
    EXPECT_EQ(read(f.path() / "x.nft"), once);
    f.file("before.nft", nft);
    EXPECT_EQ(shell("untrack verify -q --port 80/tcp before.nft x.nft", f.path()).code, 0);
    ran = shell("untrack rewrite --port 80/tcp --address example before.nft", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("--address example is no address"), std::string::npos) << ran.err;
}

TEST(Nft, ErrorsHavePlacesAndStopARewrite) {
    Folder f;
    f.file("x.nft", "table inet filter {\n\tchain input {\n\t\ttcp dport { 80, accept\n\t}\n}\n");
    Ran ran = shell("untrack lint x.nft", f.path());
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.out.find("x.nft:3:"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("error[UT901]"), std::string::npos) << ran.out;
    EXPECT_EQ(shell("untrack rewrite --port 80/tcp x.nft", f.path()).code, 2);
}
