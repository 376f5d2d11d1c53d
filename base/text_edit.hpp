// SPDX-License-Identifier: GPL-2.0-or-later
// Changes to a file as ranges of the original: what nobody asked to change keeps its bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.hpp"

namespace untrack {

/// Replace the bytes of `range` by `text`. An empty range inserts before the byte at `range.begin`.
struct TextEdit {
    TextRange range;
    std::string text;
    friend bool operator==(const TextEdit&, const TextEdit&) = default;
};

/// Sorts edits by position; insertions at one place keep the order in which they were added.
void sort_edits(std::vector<TextEdit>& edits);

/// The text with all edits done. They must be sorted and must not overlap.
std::string apply_edits(std::string_view text, const std::vector<TextEdit>& edits);

/// One list of edits that does to a text of `size` bytes what `first` does, and then `then` to what
/// comes out. All lists sorted and without overlaps.
std::vector<TextEdit> chain_edits(std::size_t size, const std::vector<TextEdit>& first,
                                  const std::vector<TextEdit>& then);

/// What `diff -u` prints for a text before and after the edits (sorted, not overlapping), with
/// three lines of context and the given names; empty when nothing changes. A last line without a
/// newline is marked as patch(1) expects it.
std::string unified_diff(std::string_view text, const std::vector<TextEdit>& edits,
                         std::string_view before_name, std::string_view after_name);

}  // namespace untrack
