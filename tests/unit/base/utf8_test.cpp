// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf8.hpp"

#include <gtest/gtest.h>

using namespace untrack;

namespace {
const std::string no = "\xef\xbf\xbd";
}

TEST(Utf8, CountsCharacters) {
    EXPECT_EQ(utf8_length(""), 0U);
    EXPECT_EQ(utf8_length("-A INPUT"), 8U);
    EXPECT_EQ(utf8_length("\xc3\xa4"), 1U);
    EXPECT_EQ(utf8_length("\xe2\x82\xac"), 1U);
    EXPECT_EQ(utf8_length("\xf0\x9f\x98\x80!"), 2U);
}

TEST(Utf8, KeepsWhatIsValid) {
    for (const char* text :
         {"", "a\tb", "\xc3\xa4", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"})
        EXPECT_EQ(utf8_text(text), text);
    EXPECT_EQ(utf8_text(std::string_view("a\0b", 3)), std::string_view("a\0b", 3));
    EXPECT_EQ(utf8_piece("\xe2\x82\xac").character, U'\u20ac');
    EXPECT_EQ(utf8_piece("\xf0\x9f\x98\x80").character, U'\U0001f600');
}

TEST(Utf8, ReplacesTheLongestPieceThatCouldHaveBegunACharacter) {
    EXPECT_EQ(utf8_text("\xff"), no);
    EXPECT_EQ(utf8_text("\x80\x80"), no + no);
    EXPECT_EQ(utf8_text("\xc3"), no);
    EXPECT_EQ(utf8_text("\xc3g"), no + "g");
    EXPECT_EQ(utf8_text("\xe2\x82g"), no + "g") << "one for both bytes";
    EXPECT_EQ(utf8_text("\xc0\xaf"), no + no) << "overlong";
    EXPECT_EQ(utf8_text("\xe0\x80\xaf"), no + no + no) << "overlong";
    EXPECT_EQ(utf8_text("\xed\xa0\x80"), no + no + no) << "a surrogate";
    EXPECT_EQ(utf8_text("\xf4\x90\x80\x80"), no + no + no + no) << "beyond the last character";
    EXPECT_EQ(utf8_text("\xf0\x9f\x98"), no);
    EXPECT_EQ(utf8_length("a\xe2\x82\xff"), 3U);
}
