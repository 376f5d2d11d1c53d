// SPDX-License-Identifier: GPL-2.0-or-later
// untrack verify and rewrite --force: exit codes and what is said.
#include <gtest/gtest.h>

#include "tests/cli/run.hpp"

using namespace untrack::test;

namespace {

const std::string web =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
    "ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp "
    "--dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";

}  // namespace

TEST(Verify, SameDifferentUndecided) {
    Folder f;
    f.file("a", web);
    f.file("same", "# a comment\n" + web);
    f.file("other", web + "*mangle\n-A PREROUTING -p udp -j DROP\nCOMMIT\n");
    f.file("zero", web + "*mangle\n-A OUTPUT -m owner --uid-owner 0 -j DROP\nCOMMIT\n");
    f.file("root", web + "*mangle\n-A OUTPUT -m owner --uid-owner root -j DROP\nCOMMIT\n");
    EXPECT_EQ(shell("untrack verify a same", f.path()).code, 0);
    Ran different = shell("untrack verify a other", f.path());
    EXPECT_EQ(different.code, 1);
    EXPECT_NE(different.out.find("lost: udp "), std::string::npos) << different.out;
    EXPECT_NE(different.out.find("other:10: -A PREROUTING -p udp -j DROP"), std::string::npos)
        << different.out;
    Ran undecided = shell("untrack verify zero root", f.path());
    EXPECT_EQ(undecided.code, 4);
    EXPECT_NE(undecided.out.find("`owner --uid-owner root'"), std::string::npos) << undecided.out;
}

TEST(Verify, FamiliesMustBeTheSame) {
    Folder f;
    f.file("rules.v4", web);
    f.file("rules.v6", web);
    Ran ran = shell("untrack verify rules.v4 rules.v6", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("--family"), std::string::npos) << ran.err;
    EXPECT_EQ(shell("untrack verify --family 4 rules.v4 rules.v6", f.path()).code, 0);
}

TEST(Force, TakesANamedRefusalOn) {
    Folder f;
    f.file("gateway", "*nat\n-A POSTROUTING -o ppp0 -j MASQUERADE\nCOMMIT\n" +
                          std::string(web).replace(web.find("FORWARD DROP"), 12, "FORWARD ACCEPT"));
    Ran refused = shell("untrack rewrite --port 80/tcp gateway", f.path());
    EXPECT_EQ(refused.code, 1);
    EXPECT_TRUE(refused.out.empty());
    Ran forced = shell("untrack rewrite --port 80/tcp --force UT205 gateway", f.path());
    EXPECT_EQ(forced.code, 0) << forced.err;
    EXPECT_NE(forced.out.find("--notrack"), std::string::npos);
    EXPECT_NE(forced.err.find("forced [UT205]"), std::string::npos) << forced.err;
    Ran wrong = shell("untrack rewrite --port 80/tcp --force UT999 gateway", f.path());
    EXPECT_EQ(wrong.code, 2);
    EXPECT_NE(wrong.err.find("UT205"), std::string::npos) << "the codes there are: " << wrong.err;
}

TEST(Rewrite, LeavesPortsAloneThatNothingConnectsTo) {
    Folder f;
    std::string text = web;
    text.erase(text.find("-A INPUT -i lo"), 24);
    f.file("a", text);
    Ran ran = shell("untrack rewrite --port 80,443/tcp --diff a", f.path());
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.err.find("443/tcp: no connection to it gets through"), std::string::npos)
        << ran.err;
    EXPECT_EQ(ran.out.find("443"), std::string::npos) << ran.out;
}
