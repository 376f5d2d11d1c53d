// SPDX-License-Identifier: GPL-2.0-or-later
// Which nodes tables, chains, sets, objects and commands become.
#include <gtest/gtest.h>

#include "tests/unit/parser/nft/tree_text.hpp"

using namespace untrack::parser::nft;

TEST(NftBlocks, ATableWithAChain) {
    EXPECT_EQ(file_shape("table inet filter {\n\tchain input {\n"
                         "\t\ttype filter hook input priority filter - 5; policy drop;\n"
                         "\t\taccept\n\t}\n}\n"),
              "table!1(family.3, name filter, chain!1(name input, hook!1(word filter, word input, "
              "priority.2(word filter, number 5)), policy(word drop), rule(accept)))");
}

TEST(NftBlocks, Priorities) {
    auto hook = [](const std::string& priority) {
        return file_shape("table t { chain c { type filter hook input priority " + priority +
                          "; }; }\n");
    };
    auto expected = [](const std::string& priority) {
        return "table!1(name t, chain!1(name c, hook!1(word filter, word input, " + priority +
               ")))";
    };
    EXPECT_EQ(hook("0"), expected("priority(number 0)"));
    EXPECT_EQ(hook("-300"), expected("priority.2(number 300)"));
    EXPECT_EQ(hook("raw"), expected("priority(word raw)"));
    EXPECT_EQ(hook("mangle + 10"), expected("priority.1(word mangle, number 10)"));
    EXPECT_EQ(hook("$p"), expected("priority(variable $p)"));
}

TEST(NftBlocks, DevicesOfChainsAndFlowtables) {
    EXPECT_EQ(file_shape("table netdev t {\n chain c {\n"
                         "  type filter hook ingress device \"eth0\" priority 0\n }\n"
                         " flowtable f {\n  hook ingress priority filter\n"
                         "  devices = { eth0, \"eth1\" }\n  flags offload\n  counter\n }\n}\n"),
              "table!1(family.6, name t, chain!1(name c, hook!1(word filter, word ingress, "
              "device(string \"eth0\"), priority(number 0))), flowtable!1(name f, "
              "hook(word ingress, priority(word filter)), devices(set_body(word eth0, "
              "string \"eth1\")), table_flags(word offload), counter))");
}

TEST(NftBlocks, SetsAndMaps) {
    EXPECT_EQ(file_shape("table t {\n set s {\n  type ipv4_addr . inet_service\n"
                         "  flags interval,timeout\n  timeout 1h\n  gc-interval 5m\n"
                         "  size 65535\n  policy memory\n  auto-merge\n  counter\n"
                         "  comment \"c\"\n }\n}\n"),
              "table!1(name t, set!1(name s, type(concat(word ipv4_addr, word inet_service)), "
              "set_flags(word interval, word timeout), timeout(time 1h), gc_interval(time 5m), "
              "size(number 65535), set_policy(word memory), auto_merge, counter, "
              "comment(string \"c\")))");
    EXPECT_EQ(file_shape("table t {\n map m {\n  typeof ip saddr . meta iifname : verdict\n"
                         "  elements = { 10.0.0.1 . \"lo\" timeout 1h expires 5m : accept,\n"
                         "               * : drop }\n }\n}\n"),
              "table!1(name t, set.1!1(name m, type_of(concat(ip saddr, meta iifname), "
              "word verdict), elements(set_body!1(element(concat(ip4 10.0.0.1, string \"lo\"), "
              "timeout(time 1h), expires(time 5m), accept), element(any *, drop)))))");
    EXPECT_EQ(file_shape("table t { map m { type ipv4_addr : interval ipv4_addr; }; }\n"),
              "table!1(name t, set.1!1(name m, type!1(word ipv4_addr, word ipv4_addr)))");
}

TEST(NftBlocks, Objects) {
    EXPECT_EQ(file_shape("table t {\n counter c {\n  packets 1 bytes 2\n }\n"
                         " quota q {\n  over 25 mbytes used 0 bytes\n }\n"
                         " ct helper h {\n  type \"ftp\" protocol tcp\n  l3proto ip\n }\n"
                         " limit l {\n  rate 400/hour\n }\n}\n"),
              "table!1(name t, object!1(name c, property(word packets, number 1, word bytes, "
              "number 2)), object.1!1(name q, property(word over, number 25, word mbytes, "
              "word used, number 0, word bytes)), object.3!1(name h, property(word type, "
              "string \"ftp\", word protocol, word tcp), property(word l3proto, word ip)), "
              "object.2!1(name l, property(word rate, number 400, word hour)))");
}

TEST(NftBlocks, Commands) {
    EXPECT_EQ(file_shape("flush ruleset\n"), "command.7(ruleset)");
    EXPECT_EQ(file_shape("delete table ip6 x\n"), "command.5(table(family.2, name x))");
    EXPECT_EQ(file_shape("delete chain t handle 5\n"),
              "command.5(chain(table_name t, handle(number 5)))");
    EXPECT_EQ(file_shape("add chain inet t c { type nat hook output priority -100; }\n"),
              "command.1(chain!1(family.3, table_name t, name c, hook!1(word nat, word output, "
              "priority.2(number 100))))");
    EXPECT_EQ(file_shape("insert rule ip t c position 7 tcp dport 22 accept\n"),
              "command.3(rule(family.1, table_name t, chain_name c, position.1(number 7), "
              "match(tcp dport, number 22), accept))");
    EXPECT_EQ(file_shape("add t c ip saddr 10.0.0.1 drop; t c drop\n"),
              "command.1(rule(table_name t, chain_name c, match(ip saddr, ip4 10.0.0.1), drop)) "
              "rule(table_name t, chain_name c, drop)");
    EXPECT_EQ(file_shape("add element ip t s { 10.0.0.1, 10.0.0.2 }\n"),
              "command.1(elements_command(family.1, table_name t, name s, "
              "elements(set_body(ip4 10.0.0.1, ip4 10.0.0.2))))");
    EXPECT_EQ(file_shape("add set t s { type ipv4_addr; flags interval; }\n"),
              "command.1(set!1(table_name t, name s, type(word ipv4_addr), "
              "set_flags(word interval)))");
    EXPECT_EQ(file_shape("rename chain t a b\n"),
              "command.10(chain(table_name t, name a, name b))");
    EXPECT_EQ(file_shape("add counter t c\nreset counters ip t\n"),
              "command.1(object(table_name t, name c)) "
              "command.8(many(word counters, family.1, name t))");
    EXPECT_EQ(file_shape("monitor new rules xml\n"), "command.12(opaque new rules xml)");
}

TEST(NftBlocks, IncludesAndVariables) {
    EXPECT_EQ(file_shape("include \"/etc/nft.d/*.nft\"\ndefine a = { 1, 2 }\n"
                         "redefine b = 10.0.0.0/8\ndefine c = -5\nundefine a\n"),
              "include(string \"/etc/nft.d/*.nft\") define(name a, set_body(number 1, number 2)) "
              "define!1(name b, prefix(ip4 10.0.0.0, number 8)) define(name c, minus(number 5)) "
              "undefine(name a)");
    EXPECT_EQ(file_shape("table t {\n define x = 1\n chain c {\n  include \"rules\"\n }\n}\n"),
              "table!1(name t, define(name x, number 1), chain!1(name c, "
              "include(string \"rules\")))");
}

TEST(NftBlocks, AFileMayBeAPartOfABlock) {
    std::string text = "tcp dport 22 accept\ndrop\n";
    SyntaxTree tree = parse(text, Context::chain);
    EXPECT_TRUE(tree.errors.empty());
    EXPECT_EQ(shape(tree, tree.root()),
              "file(rule(match(tcp dport, number 22), accept), rule(drop))");
    EXPECT_FALSE(parse(text).errors.empty());
    EXPECT_TRUE(parse("chain c {\n}\nset s {\n}\n", Context::table).errors.empty());
    EXPECT_TRUE(parse("type ipv4_addr\nelements = { 10.0.0.1 }\n", Context::set).errors.empty());
}

TEST(NftBlocks, ListingsMayHaveNamesThatNftDoesNotTake) {
    EXPECT_EQ(
        file_shape("table ip filter {\n\tchain 1abc {\n\t}\n\tchain a+b {\n\t\tjump log\n\t}\n"
                   "\tchain x\"y {\n\t}\n}\n"),
        "table!1(family.1, name filter, chain!1(name 1abc), chain!1(name a+b, "
        "rule(jump(name log))), chain!1(name x\"y))");
}

TEST(NftBlocks, HandlesAreFoundInComments) {
    std::string text =
        "table ip t { # handle 3\n\tchain c { # handle 1\n\t\taccept # handle 4\n"
        "\t\tdrop # not a handle\n\t}\n}\n";
    SyntaxTree tree = parse(text);
    std::vector<std::string_view> handles;
    std::vector<std::string_view> comments;
    for (const Node& node : tree.nodes) {
        if (node.kind != Kind::table && node.kind != Kind::chain && node.kind != Kind::rule)
            continue;
        handles.push_back(tree.text_of(tree.listed_handle(node)));
        comments.push_back(tree.text_of(tree.comment_after(node)));
    }
    EXPECT_EQ(handles, (std::vector<std::string_view>{"3", "1", "4", ""}));
    EXPECT_EQ(comments.back(), "# not a handle");
    EXPECT_EQ(tree.comments.size(), 4U);
}

TEST(NftBlocks, LinesMayGoOnAndEndInSeveralWays) {
    EXPECT_EQ(
        file_shape("table t \\\n{\r\n chain c \\\n {\r\n  tcp dport \\\r\n 22 accept\r\n }\r\n}"),
        "table!1(name t, chain!1(name c, rule(match(tcp dport, number 22), accept)))");
}
