// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "tests/unit/parser/nft/tree_text.hpp"

using namespace untrack::parser::nft;

namespace {

struct Read {
    std::vector<std::string> elements;
    std::size_t nodes = 0;
    std::size_t errors = 0;
};

Read read(const std::string& body) {
    std::string text = "define x = { " + body + " }\n";
    SyntaxTree tree = parse(text);
    EXPECT_EQ(print(tree), text);
    Read result;
    result.nodes = tree.nodes.size();
    result.errors = tree.errors.size();
    for (const Node& node : tree.nodes) {
        if (node.kind != Kind::set_body) continue;
        Elements elements(tree, node);
        for (Element e; elements.next(e);) {
            std::string s = shape(tree, *e.key);
            if (e.data != nullptr) s += " : " + shape(tree, *e.data);
            for (const Node& part : children(*e.node))
                if (e.node != e.key && &part != e.key && &part != e.data)
                    s += " + " + shape(tree, part);
            result.elements.push_back(s);
        }
        break;
    }
    return result;
}

}  // namespace

TEST(NftElements, KeysDataAndOptions) {
    EXPECT_EQ(read("10.0.0.1 timeout 5m comment \"a\" : accept counter packets 1 bytes 2, 22,\n"
                   "# between\n eth0, ")
                  .elements,
              (std::vector<std::string>{"ip4 10.0.0.1 : accept + timeout(time 5m) + "
                                        "comment(string \"a\") + counter(number 1, number 2)",
                                        "number 22", "word eth0"}));
    EXPECT_TRUE(read("").elements.empty());
}

TEST(NftElements, LongListsHaveNoNodesAndAreReadAllTheSame) {
    std::string body;
    std::vector<std::string> expected;
    for (int i = 0; i < 1000; ++i) {
        std::string address = "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250);
        switch (i % 3) {
            case 0:
                body += address + ",\n  ";
                expected.push_back("ip4 " + address);
                break;
            case 1:
                body += address + " . 80 : jump c" + std::to_string(i) + ", # why\n";
                expected.push_back("concat(ip4 " + address + ", number 80) : jump(name c" +
                                   std::to_string(i) + ')');
                break;
            default:
                body += address + "/31 timeout 1h,";
                expected.push_back("prefix(ip4 " + address + ", number 31) + timeout(time 1h)");
        }
    }
    Read result = read(body);
    EXPECT_EQ(result.elements, expected);
    EXPECT_LT(result.nodes, 10U);
    EXPECT_EQ(result.errors, 0U);
}

TEST(NftElements, AWrongElementIsOneErrorAndTheOthersAreRead) {
    Read result = read("10.0.0.1, 10.0.0.2 = 3, 10.0.0.4");
    EXPECT_EQ(result.errors, 1U);
    EXPECT_EQ(result.elements,
              (std::vector<std::string>{"ip4 10.0.0.1", "error 10.0.0.2 = 3", "ip4 10.0.0.4"}));
    std::string body;
    for (int i = 0; i < 200; ++i) body += i == 100 ? "1 2 3, " : "10.0.0.1, ";
    result = read(body);
    EXPECT_EQ(result.errors, 1U);
    EXPECT_EQ(result.elements.size(), 200U);
    EXPECT_EQ(result.elements[100], "error 1 2 3");
}

TEST(NftElements, QuirksOfTheLexer) {
    EXPECT_EQ(read("::1:accept").elements, std::vector<std::string>{"ip6 ::1 : accept"});
    EXPECT_EQ(read("80:10.0.0.1").elements, std::vector<std::string>{"number 80 : ip4 10.0.0.1"});
    EXPECT_EQ(read("2001:db8::1-2001:db8::5").elements,
              std::vector<std::string>{"range(ip6 2001:db8::1, ip6 2001:db8::5)"});
    EXPECT_EQ(read("dead:beef::/32").elements,
              std::vector<std::string>{"prefix(ip6 dead:beef::, number 32)"});
    EXPECT_EQ(read("::ffff:192.0.2.1").elements, std::vector<std::string>{"ip6 ::ffff:192.0.2.1"});
    EXPECT_EQ(read("\"17:00\"-\"19:00\"").elements,
              std::vector<std::string>{"range(string \"17:00\", string \"19:00\")"});
}
