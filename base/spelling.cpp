// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/spelling.hpp"

#include <algorithm>
#include <vector>

namespace untrack {

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t corner = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            corner = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row[b.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
    std::string_view best;
    std::size_t least = word.size() / 2 + 1;
    for (std::string_view other : words) {
        if (word.size() >= 3 && other.starts_with(word)) return other;
        std::size_t d = distance(word, other);
        if (d >= least) continue;
        least = d;
        best = other;
    }
    return best;
}

}  // namespace untrack
