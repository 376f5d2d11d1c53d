// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text_edit.hpp"

#include <gtest/gtest.h>

#include "base/line_index.hpp"

using namespace untrack;

TEST(LineIndex, CountsFromOneAndCutsLineEnds) {
    LineIndex lines("one\r\ntwo\n\nfour");
    EXPECT_EQ(lines.line_count(), 4U);
    EXPECT_EQ(lines.place(0), (LineColumn{1, 1}));
    EXPECT_EQ(lines.place(6), (LineColumn{2, 2}));
    EXPECT_EQ(lines.line(1), (TextRange{0, 3}));
    EXPECT_EQ(lines.line(4), (TextRange{10, 14}));
}

TEST(TextEdit, KeepsWhatNobodyAskedToChange) {
    std::vector<TextEdit> edits{{{4, 4}, "new\n"}, {{0, 3}, "ONE"}};
    sort_edits(edits);
    EXPECT_EQ(apply_edits("one\ntwo\n", edits), "ONE\nnew\ntwo\n");
}

TEST(UnifiedDiff, IsEmptyWhenNothingChanges) {
    EXPECT_EQ(unified_diff("a\n", {}, "x", "y"), "");
}

TEST(UnifiedDiff, ShowsAnInsertionWithThreeLinesOfContext) {
    EXPECT_EQ(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n", {{{8, 8}, "new\n"}}, "x", "y"),
              "--- x\n+++ y\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+new\n 5\n 6\n 7\n");
}

TEST(UnifiedDiff, MarksAMissingLineEnd) {
    EXPECT_EQ(unified_diff("1\n2", {{{3, 3}, "\nnew\n"}}, "x", "y"),
              "--- x\n+++ y\n@@ -1,2 +1,3 @@\n 1\n-2\n\\ No newline at end of file\n+2\n+new\n");
}

TEST(TextEdit, ListsDoneOneAfterTheOtherAreOneList) {
    const std::string text = "one two three four";
    // Insertions, deletions and replacements that touch, cover and miss each other.
    const std::vector<std::vector<TextEdit>> lists{
        {},
        {{{0, 0}, "zero "}},
        {{{4, 8}, ""}},
        {{{0, 3}, "ONE"}, {{4, 7}, "TWO"}},
        {{{3, 3}, "!"}, {{3, 5}, "?"}, {{10, 12}, "longer"}},
        {{{0, 12}, ""}},
        {{{12, 12}, "end"}},
    };
    for (const auto& first : lists) {
        std::string middle = apply_edits(text, first);
        for (const auto& then : lists) {
            if (!then.empty() && then.back().range.end > middle.size()) continue;
            auto all = chain_edits(text.size(), first, then);
            EXPECT_EQ(apply_edits(text, all), apply_edits(middle, then));
            for (std::size_t i = 1; i < all.size(); ++i)
                EXPECT_LT(all[i - 1].range.end, all[i].range.begin);
        }
    }
}
