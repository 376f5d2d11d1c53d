// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/read_iptables.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/conntrack_facts.hpp"

using namespace untrack;

namespace {

struct Read {
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;

    Read(std::string_view text, std::size_t threads, std::size_t piece_size) {
        model::ReadOptions options;
        options.path = "test.iptables";
        options.threads = threads;
        options.piece_size = piece_size;
        model::read(text, options, tree, ruleset);
    }
};

void expect_same(const Read& one, const Read& other) {
    const model::Ruleset& a = one.ruleset;
    const model::Ruleset& b = other.ruleset;
    EXPECT_EQ(one.tree.text, other.tree.text);
    EXPECT_EQ(print(one.tree), print(other.tree));
    EXPECT_EQ(a.family, b.family);
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.order, b.order);
    EXPECT_EQ(a.unusual_options, b.unusual_options);
    EXPECT_EQ(a.unusual.size(), b.unusual.size());
    EXPECT_EQ(a.repeated_tables.size(), b.repeated_tables.size());
    ASSERT_EQ(a.tables.size(), b.tables.size());
    for (std::size_t i = 0; i < a.tables.size(); ++i) {
        EXPECT_EQ(a.tables[i].name, b.tables[i].name);
        EXPECT_EQ(a.tables[i].declared, b.tables[i].declared);
    }
    ASSERT_EQ(a.chains.size(), b.chains.size());
    for (std::size_t i = 0; i < a.chains.size(); ++i) {
        EXPECT_EQ(a.chains[i].name, b.chains[i].name);
        EXPECT_EQ(a.chains[i].table, b.chains[i].table);
        EXPECT_EQ(a.chains[i].declared, b.chains[i].declared);
        EXPECT_EQ(a.chains[i].is_declared, b.chains[i].is_declared);
        EXPECT_EQ(a.chains[i].policy, b.chains[i].policy);
        EXPECT_EQ(a.chains[i].rule_count, b.chains[i].rule_count);
        EXPECT_EQ(a.chains[i].references, b.chains[i].references);
    }
    ASSERT_EQ(a.rules.size(), b.rules.size());
    for (std::size_t i = 0; i < a.rules.size(); ++i) {
        const model::Rule& x = a.rules[i];
        const model::Rule& y = b.rules[i];
        EXPECT_EQ(x.line, y.line);
        EXPECT_EQ(x.chain, y.chain);
        EXPECT_EQ(x.target, y.target);
        EXPECT_EQ(x.live, y.live);
        EXPECT_EQ(x.jump, y.jump);
        EXPECT_EQ(a.target_name(x), b.target_name(y));
        ASSERT_EQ(x.match_count, y.match_count);
        for (std::size_t m = 0; m < x.match_count; ++m)
            EXPECT_TRUE(model::same_match(a, a.matches_of(x)[m], b, b.matches_of(y)[m]));
    }
    ASSERT_EQ(a.problems.size(), b.problems.size());
    for (std::size_t i = 0; i < a.problems.size(); ++i) {
        EXPECT_EQ(a.problems[i].range, b.problems[i].range);
        EXPECT_EQ(a.problems[i].message, b.problems[i].message);
    }
}

/// A table of all that lower() does, again and again.
std::string many_commands(std::string_view address, int times) {
    std::string text;
    for (int i = 0; i < times; ++i)
        text += fmt::format(
            "-N own-{1}\n-A INPUT -s {0} -p tcp --dport {1} -j own-{1}\n"
            "-A own-{1} -m comment --comment \"a \\\"quoted\\\" word {1}\" -j ACCEPT\n"
            "-I INPUT 2 -p udp -m multiport --dports 53,{1} -m state --state NEW -j later\n"
            "-A INPUT -m strange --what {1} -j LOG --log-prefix \"{1} \"\n"
            "-A INPUT -p tcp --dport 99999 -j ACCEPT\n-A INPUT \\\n -j nowhere\n"
            "-E own-{1} renamed-{1}\n-D INPUT 1\n-F renamed-{1}\n-A INPUT -j DROP\n",
            address, i);
    return text;
}

}  // namespace

TEST(ReadIptables, ThreadsAndPiecesDoNotMatter) {
    const std::string four = many_commands("192.0.2.1", 220);
    const std::string six = many_commands("2001:db8::1", 220);
    const std::string none = many_commands("host.example", 30);
    for (const std::string& text : {
             "*filter\n:INPUT DROP [0:0]\n" + four + ":later - [0:0]\n-A later -j DROP\nCOMMIT\n",
             "# of ip6tables\n*filter\n" + six + "COMMIT\n",
             // Too little to settle the family until the end is read.
             "*filter\n" + none + "-A INPUT -s 2001:db8::1 -j DROP\nCOMMIT\n",
             "*filter\n" + four + "COMMIT\n*nat\n" + none + "COMMIT\n*filter\n" + six + "COMMIT\n",
             // A listing: its last line says which table it is of.
             "-P INPUT ACCEPT\n" + four + "-P PREROUTING ACCEPT\n",
             "-A INPUT -j DROP\n*filter\n" + four + "COMMIT\n",
             std::string(),
         }) {
        const Read one(text, 1, 1000);
        for (auto [threads, size] :
             {std::pair{2U, 1U}, std::pair{2U, 1000U}, std::pair{3U, 300U}, std::pair{8U, 20000U}})
            expect_same(one, Read(text, threads, size));
    }
}
