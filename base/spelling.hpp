// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody may have meant who wrote a word that is none.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace untrack {

/// How many letters must be changed, added or taken away to make one word of the other.
std::size_t distance(std::string_view a, std::string_view b);
/// The word of the list that this is the beginning of, or that is nearest; empty when at least half
/// of it would have to change.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace untrack
