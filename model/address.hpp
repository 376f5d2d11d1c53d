// SPDX-License-Identifier: GPL-2.0-or-later
// IP addresses of both families, as values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace untrack::model {

enum class Family : std::uint8_t { ip, ip6 };
/// "4" or "6", as reports write it.
constexpr std::string_view family_digit(Family f) {
    return f == Family::ip ? "4" : "6";
}

/// An IP address of either family in network order: an IPv4 address fills the first four bytes.
struct Address {
    std::array<std::uint8_t, 16> bytes{};
    friend constexpr bool operator==(const Address&, const Address&) = default;
    friend constexpr auto operator<=>(const Address&, const Address&) = default;
};
/// Addresses a with (a & mask) == value. The mask need not be a prefix.
struct MaskedAddress {
    Address value;
    Address mask;
    friend constexpr bool operator==(const MaskedAddress&, const MaskedAddress&) = default;
};
/// First and last address, both included.
struct AddressRange {
    Address first;
    Address last;
};
/// IPv4 in the first four bytes of an Address, as a number in host order, and back.
constexpr std::uint32_t v4_number(const Address& a) {
    return (std::uint32_t{a.bytes[0]} << 24) | (std::uint32_t{a.bytes[1]} << 16) |
           (std::uint32_t{a.bytes[2]} << 8) | a.bytes[3];
}
constexpr Address v4_address(std::uint32_t n) {
    Address a;
    for (unsigned i = 0; i < 4; ++i) a.bytes[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
    return a;
}

}  // namespace untrack::model
