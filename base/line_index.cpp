// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/line_index.hpp"

#include <algorithm>
#include <cstring>

namespace untrack {

LineIndex::LineIndex(std::string_view text) : text_(text) {
    starts_.reserve(text.size() / 32 + 1);  // what is not used costs no memory
    starts_.push_back(0);
    const char* p = text.data();
    const char* end = p + text.size();
    while (p < end) {
        const void* newline = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
        if (newline == nullptr) break;
        p = static_cast<const char*>(newline) + 1;
        if (p < end) starts_.push_back(static_cast<std::uint32_t>(p - text.data()));
    }
}

LineColumn LineIndex::place(std::uint32_t offset) const {
    // Questions come in order: the line that this thread was last told of, in whatever text, or one
    // of the next few; else a search.
    constexpr std::uint32_t near = 8;
    thread_local std::uint32_t last = 0;
    auto size = static_cast<std::uint32_t>(starts_.size());
    auto from = starts_.begin();
    auto to = starts_.end();
    if (last < size && starts_[last] <= offset) {
        std::uint32_t stop = std::min(last + near, size);
        if (stop == size || offset < starts_[stop]) {
            from += last;
            to = starts_.begin() + stop;
        }
    }
    last = static_cast<std::uint32_t>(std::upper_bound(from, to, offset) - starts_.begin()) - 1;
    return {last + 1, offset - starts_[last] + 1};
}

TextRange LineIndex::line(std::uint32_t n) const {
    std::uint32_t begin = starts_[n - 1];
    auto end = n < starts_.size() ? starts_[n] : static_cast<std::uint32_t>(text_.size());
    if (end > begin && text_[end - 1] == '\n') --end;
    if (end > begin && text_[end - 1] == '\r') --end;
    return {begin, end};
}

}  // namespace untrack
