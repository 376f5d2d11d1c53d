// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include "parser/iptables/syntax.hpp"

using namespace untrack;
using namespace untrack::parser::iptables;

namespace {

/// The options of the only rule in a filter table, as "name=value,value" words.
std::string options(const std::string& rule) {
    std::string text = "*filter\n" + rule + "\nCOMMIT\n";
    SyntaxTree tree = parse(text);
    EXPECT_EQ(print(tree), text);
    if (!tree.errors.empty()) return "error: " + tree.errors.front().message;
    std::string out;
    for (const Option& option : tree.options_of(tree.lines[1])) {
        if ((option.flags & (Option::negated | Option::negated_after)) != 0) out += "! ";
        out += option.key == unknown_option ? "?" : std::string(option_info(option.key).name);
        OptionWords words(tree, tree.lines[1], option);
        std::string storage;
        const char* sign = "=";
        TextRange whole = words.name();
        for (Word word; words.next(word); sign = ",") {
            bool first = *sign == '=';
            if (first && option.value_size != 0) {
                EXPECT_EQ(tree.plain_value(option), word_value(tree.text, word, storage));
            }
            out += sign + std::string(word_value(tree.text, word, storage));
            whole.end = word.range.end;
        }
        EXPECT_EQ(OptionWords::whole(tree, tree.lines[1], option), whole);
        if (option.value_count == 0) {
            EXPECT_EQ(option.value_size, 0);
        }
        out += ' ';
    }
    return out;
}

/// The value of the last option of a rule as the option itself tells it.
std::string plain_value(const std::string& rule) {
    std::string text = "*filter\n" + rule + "\nCOMMIT\n";
    SyntaxTree tree = parse(text);
    EXPECT_TRUE(tree.errors.empty());
    return std::string(tree.plain_value(tree.options_of(tree.lines[1]).back()));
}

std::vector<NoteKind> notes(const std::string& text) {
    std::string kept = text;
    SyntaxTree tree = parse(kept);
    EXPECT_EQ(print(tree), kept);
    std::vector<NoteKind> kinds;
    for (const Note& note : tree.notes) kinds.push_back(note.kind);
    return kinds;
}

}  // namespace

TEST(IptablesParse, ReadsOptionsWithTheirValues) {
    EXPECT_EQ(options("-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 80 -j ACCEPT"),
              "--append=INPUT --source=192.0.2.0/24 --protocol=tcp --match=tcp --dport=80 "
              "--jump=ACCEPT ");
}

TEST(IptablesParse, TakesQuotesAsIptablesDoes) {
    EXPECT_EQ(options(R"(-A INPUT -m comment --comment "it \"is\" so" -j LOG --log-prefix "-x ")"),
              "--append=INPUT --match=comment --comment=it \"is\" so --jump=LOG --log-prefix=-x  ");
}

TEST(IptablesParse, AnOptionKnowsItsPlainValue) {
    EXPECT_EQ(plain_value("-A INPUT -j ACCEPT"), "ACCEPT");
    EXPECT_EQ(plain_value("-A INPUT -j \t  ACCEPT  "), "ACCEPT");
    EXPECT_EQ(plain_value("-A INPUT -p tcp --tcp-flags SYN,ACK SYN"), "SYN,ACK");
    EXPECT_EQ(plain_value("-A INPUT ! -s 192.0.2.1"), "192.0.2.1");
    // Where the value is not simply the next word, OptionWords tells.
    for (const char* rule :
         {"-A INPUT -s ! 192.0.2.1", "-A INPUT -s192.0.2.1", "-A INPUT --source=192.0.2.1",
          "-A INPUT -s \"192.0.2.1\"", "-A INPUT -f"})
        EXPECT_EQ(plain_value(rule), "") << rule;
    std::string far = "-A INPUT -s" + std::string(70000, ' ') + "192.0.2.1";
    EXPECT_EQ(plain_value(far), "");
    EXPECT_EQ(options(far), "--append=INPUT --source=192.0.2.1 ");
}

TEST(IptablesParse, NegationStandsBeforeTheOptionOrAfterIt) {
    EXPECT_EQ(options("-A INPUT ! -s 192.0.2.1 -j DROP"),
              "--append=INPUT ! --source=192.0.2.1 --jump=DROP ");
    EXPECT_EQ(options("-A INPUT -s ! 192.0.2.1 -j DROP"),
              "--append=INPUT ! --source=192.0.2.1 --jump=DROP ");
}

TEST(IptablesParse, AProtocolBringsItsMatchOnlyWhenNeeded) {
    EXPECT_EQ(options("-A INPUT -p tcp --dport 80"), "--append=INPUT --protocol=tcp --dport=80 ");
    EXPECT_EQ(options("-A INPUT -p tcp -m multiport --dport 80,443"),
              "--append=INPUT --protocol=tcp --match=multiport --dports=80,443 ");
    EXPECT_TRUE(options("-A INPUT --dport 80").starts_with("error: `--dport' belongs to"));
}

TEST(IptablesParse, AbbreviationsMustBeUnambiguous) {
    EXPECT_EQ(options("-A PREROUTING -p tcp -j DNAT --to 192.0.2.1:80"),
              "--append=PREROUTING --protocol=tcp --jump=DNAT --to-destination=192.0.2.1:80 ");
    EXPECT_TRUE(
        options("-A INPUT -m conntrack --ctst NEW").starts_with("error: `--ctst' may be any of"));
}

TEST(IptablesParse, UnknownExtensionsKeepTheirWords) {
    EXPECT_EQ(options("-A INPUT -m geoip ! --src-cc DE,FR -j DROP"),
              "--append=INPUT --match=geoip ! ?=DE,FR --jump=DROP ");
}

TEST(IptablesParse, ErrorsSayWhereAndGoOnAtTheNextLine) {
    std::string text = "*filter\n-A INPUT -s\n-A INPUT -j ACCEPT # why\n-A INPUT -j DROP\nCOMMIT\n";
    SyntaxTree tree = parse(text);
    ASSERT_EQ(tree.errors.size(), 2U);
    EXPECT_EQ(tree.errors[0].message, "expected a value after `--source'");
    EXPECT_EQ(tree.errors[0].range.begin, text.find("-s") + 2);
    EXPECT_EQ(tree.errors[1].range.begin, text.find('#'));
    EXPECT_EQ(tree.lines[3].kind, LineKind::command);
}

TEST(IptablesParse, NotesWhatTodaysToolsRefuseOrCut) {
    EXPECT_EQ(notes("*filter\r\nCOMMIT\r\n"), std::vector{NoteKind::carriage_return});
    EXPECT_EQ(notes("*filter\nCOMMIT"), std::vector{NoteKind::commit_without_newline});
    EXPECT_EQ(notes("*filter\n-A INPUT -j DROP\n"), std::vector{NoteKind::missing_commit});
    EXPECT_EQ(notes("*filter\n-A INPUT -ieth0 -j DROP\nCOMMIT\n"),
              std::vector{NoteKind::glued_interface});
    EXPECT_EQ(notes("*filter\n-A INPUT -s 192.0.2.1 \\\n -j DROP\nCOMMIT\n"),
              std::vector{NoteKind::backslash_at_end});
    EXPECT_EQ(notes("*filter\n-A INPUT -m comment --comment \"open\nCOMMIT\n"),
              std::vector{NoteKind::unterminated_quote});
    EXPECT_EQ(notes("-P INPUT ACCEPT\n-A INPUT -j DROP\n"), std::vector{NoteKind::no_table_line});
}

TEST(IptablesParse, AByteOrderMarkAloneComesBack) {
    EXPECT_EQ(print(parse("\xef\xbb\xbf")), "\xef\xbb\xbf");
}

TEST(IptablesParse, AnyBytesComeBack) {
    // A generator of our own choice: every run sees the same bytes.
    std::uint64_t state = 7;
    const std::string alphabet = std::string("*:-A INPUT!\"\\#\n\r\t[]0=jsCOMIT") + '\0';
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (int i = 0; i < 60; ++i) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            text += alphabet[(state >> 33U) % alphabet.size()];
        }
        ASSERT_EQ(print(parse(text)), text);
    }
}
