// SPDX-License-Identifier: GPL-2.0-or-later
// The hash of short texts: names of chains, options and extensions are looked up for every rule.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace untrack {

/// Up to seven bytes as a number that tells those of one length apart; loads of fixed sizes,
/// because a memcpy() of n bytes is a call.
inline std::uint64_t last_bytes(const char* p, std::size_t n) {
    if (n >= 4) {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::memcpy(&first, p, 4);
        std::memcpy(&last, p + n - 4, 4);
        return first | std::uint64_t{last} << 32U;
    }
    if (n == 0) return 0;
    auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
    return byte(0) | byte(n / 2) << 8U | byte(n - 1) << 16U;
}

/// Eight bytes a step; the same text and seed give the same hash on every run of one machine.
inline std::uint32_t hash_text(std::string_view s, std::uint32_t seed = 0) {
    std::uint64_t h = seed + 0x9e3779b97f4a7c15ULL + s.size();
    const char* p = s.data();
    std::size_t n = s.size();
    for (; n >= 8; n -= 8, p += 8) {
        std::uint64_t v = 0;
        std::memcpy(&v, p, 8);
        h = (h ^ v) * 0xff51afd7ed558ccdULL;
        h ^= h >> 32;
    }
    h = (h ^ last_bytes(p, n)) * 0xff51afd7ed558ccdULL;
    h ^= h >> 29;
    return static_cast<std::uint32_t>(h ^ (h >> 32));
}

}  // namespace untrack
