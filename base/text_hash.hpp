// SPDX-License-Identifier: GPL-2.0-or-later
// The hash of short texts: names of chains, options and extensions are looked up for every rule.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace untrack {

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
    std::uint64_t v = 0;
    std::memcpy(&v, p, n);
    h = (h ^ v) * 0xff51afd7ed558ccdULL;
    h ^= h >> 29;
    return static_cast<std::uint32_t>(h ^ (h >> 32));
}

}  // namespace untrack
