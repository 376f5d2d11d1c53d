// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text_hash.hpp"

#include <gtest/gtest.h>
#include <set>
#include <string>

using untrack::hash_text;

TEST(TextHash, EveryByteCounts) {
    for (std::size_t length = 1; length <= 24; ++length) {
        std::string text(length, 'a');
        std::set<std::uint32_t> hashes{hash_text(text)};
        for (std::size_t at = 0; at < length; ++at) {
            std::string other = text;
            other[at] = 'b';
            hashes.insert(hash_text(other));
        }
        EXPECT_EQ(hashes.size(), length + 1) << length;
    }
}

TEST(TextHash, LengthAndSeedCount) {
    std::set<std::uint32_t> hashes;
    for (std::size_t length = 0; length <= 24; ++length) {
        std::string text(length, '\0');
        hashes.insert(hash_text(text));
        EXPECT_NE(hash_text(text), hash_text(text, 1));
    }
    EXPECT_EQ(hashes.size(), 25U);
}
