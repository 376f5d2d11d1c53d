// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lsp_positions.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>

using namespace untrack::report;

namespace {

// Two, three and four bytes; one, one and two units.
const std::string letters = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";

}  // namespace

TEST(LspPositions, CountUnitsOrBytes) {
    LspLines units(letters, PositionEncoding::utf16);
    LspLines bytes(letters, PositionEncoding::utf8);
    struct Row {
        std::uint32_t offset;
        std::uint32_t units;
    };
    for (const Row& row : {Row{0, 0}, Row{1, 1}, Row{3, 2}, Row{6, 3}, Row{10, 5}, Row{11, 6}}) {
        EXPECT_EQ(units.position(row.offset), (LspPosition{0, row.units})) << row.offset;
        EXPECT_EQ(units.offset({0, row.units}), row.offset);
        EXPECT_EQ(bytes.position(row.offset), (LspPosition{0, row.offset}));
        EXPECT_EQ(bytes.offset({0, row.offset}), row.offset);
    }
    EXPECT_EQ(units.offset({0, 4}), 6U) << "in the middle of a pair: its begin";
    EXPECT_EQ(bytes.offset({0, 8}), 6U) << "in the middle of a character: its begin";
    EXPECT_EQ(units.position(8), (LspPosition{0, 3}));
}

TEST(LspPositions, LinesEndInThreeWays) {
    LspLines lines("a\nb\r\nc\rd\r\n", PositionEncoding::utf16);
    EXPECT_EQ(lines.position(2), (LspPosition{1, 0}));
    EXPECT_EQ(lines.position(5), (LspPosition{2, 0}));
    EXPECT_EQ(lines.position(7), (LspPosition{3, 0}));
    EXPECT_EQ(lines.position(10), (LspPosition{4, 0}));
    EXPECT_EQ(lines.offset({1, 99}), 3U) << "before the line's end";
    EXPECT_EQ(lines.offset({2, 1}), 6U);
    EXPECT_EQ(lines.offset({4, 1}), 10U);
    EXPECT_EQ(lines.offset({5, 0}), 10U) << "behind the last line";
    EXPECT_EQ(lines.position(1000), (LspPosition{4, 0}));
}

TEST(LspPositions, BytesThatAreNoUtf8AreOneEach) {
    LspLines lines("\xff\xc3(\xf0\x9f\x98", PositionEncoding::utf16);
    for (std::uint32_t i = 0; i <= 6; ++i) {
        EXPECT_EQ(lines.position(i), (LspPosition{0, i}));
        EXPECT_EQ(lines.offset({0, i}), i);
    }
}

RC_GTEST_PROP(LspPositions, OfCharactersComeBack, (const std::vector<std::uint8_t>& choice)) {
    static const std::string pieces[] = {
        "a", "\n", "\xc3\xa9", "\xe2\x82\xac", "\r\n", "\xf0\x9f\x98\x80", " ", "-A"};
    std::string text;
    std::vector<std::uint32_t> starts;
    for (std::uint8_t c : choice) {
        if (pieces[c % 8] != "-A") starts.push_back(static_cast<std::uint32_t>(text.size()));
        text += pieces[c % 8];
    }
    for (PositionEncoding encoding : {PositionEncoding::utf8, PositionEncoding::utf16}) {
        LspLines lines(text, encoding);
        for (std::uint32_t offset : starts)
            RC_ASSERT(lines.offset(lines.position(offset)) == offset);
    }
}
