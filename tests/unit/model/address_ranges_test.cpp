// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/address_ranges.hpp"

#include <gtest/gtest.h>

#include "model/iptables_values.hpp"

using namespace untrack::model;

namespace {

Address address(Family family, const char* text) {
    auto a = parse_numeric_address(family, text);
    EXPECT_TRUE(a) << text;
    return a.value_or(Address{});
}

AddressRanges ranges(Family family, std::initializer_list<std::pair<const char*, const char*>> of) {
    AddressRanges out;
    for (const auto& [first, last] : of)
        out.add(family, {address(family, first), address(family, last)});
    return out;
}

}  // namespace

TEST(AddressRanges, WhatTouchesOrOverlapsIsOneRange) {
    AddressRanges r = ranges(Family::ip, {{"10.0.0.9", "10.0.0.9"},
                                          {"10.0.0.2", "10.0.0.4"},
                                          {"10.0.0.5", "10.0.0.6"},
                                          {"10.0.0.3", "10.0.0.3"},
                                          {"255.255.255.255", "255.255.255.255"},
                                          {"0.0.0.0", "0.0.0.0"}});
    r.merge_from(0);
    ASSERT_EQ(r.size(), 4U);
    EXPECT_EQ(r[1].first, address(Family::ip, "10.0.0.2"));
    EXPECT_EQ(r[1].last, address(Family::ip, "10.0.0.6"));
    EXPECT_EQ(r[2].first, address(Family::ip, "10.0.0.9"));
}

TEST(AddressRanges, NeighboursOfIPv6DifferInTheirLastByte) {
    // Only the first four bytes are set in both, and differ by one.
    AddressRanges r =
        ranges(Family::ip6, {{"2001:db8::", "2001:db8::"}, {"2001:db9::", "2001:db9::"}});
    r.merge_from(0);
    EXPECT_EQ(r.size(), 2U);
    EXPECT_FALSE(r.part(0, 2).contain(address(Family::ip6, "2001:db8:1::1")));

    AddressRanges near = ranges(
        Family::ip6, {{"2001:db8::ffff", "2001:db8::ffff"}, {"2001:db8::1:0", "2001:db8::1:0"}});
    near.merge_from(0);
    EXPECT_EQ(near.size(), 1U);
}

TEST(AddressRanges, APartIsLookedUpByItself) {
    AddressRanges r =
        ranges(Family::ip,
               {{"192.0.2.0", "192.0.2.255"}, {"10.0.0.0", "10.0.0.1"}, {"10.0.0.8", "10.0.0.9"}});
    r.merge_from(1);
    AddressRanges::Part part = r.part(1, 2);
    EXPECT_TRUE(part.contain(address(Family::ip, "10.0.0.1")));
    EXPECT_TRUE(part.contain(address(Family::ip, "10.0.0.9")));
    EXPECT_FALSE(part.contain(address(Family::ip, "10.0.0.2")));
    EXPECT_FALSE(part.contain(address(Family::ip, "192.0.2.1")));
    EXPECT_FALSE(r.part(1, 0).contain(address(Family::ip, "10.0.0.1")));
    r.cut(1);
    EXPECT_EQ(r.size(), 1U);
}
