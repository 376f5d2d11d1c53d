// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/address_ranges.hpp"

#include <algorithm>

namespace untrack::model {
namespace {

std::uint32_t next(std::uint32_t address) {
    return address + 1;
}
Address next(Address address) {
    for (std::size_t i = address.bytes.size(); i-- > 0;)
        if (++address.bytes[i] != 0) break;
    return address;
}

template <typename Range>
void merge(std::vector<Range>& ranges, std::size_t from) {
    auto begin = ranges.begin() + static_cast<std::ptrdiff_t>(from);
    std::sort(begin, ranges.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    std::size_t kept = from;
    for (std::size_t i = from; i < ranges.size(); ++i) {
        const Range r = ranges[i];
        if (kept != from &&
            (r.first <= ranges[kept - 1].last || next(ranges[kept - 1].last) == r.first)) {
            ranges[kept - 1].last = std::max(ranges[kept - 1].last, r.last);
        } else {
            ranges[kept++] = r;
        }
    }
    ranges.resize(kept);
}

}  // namespace

void AddressRanges::add(Family family, const AddressRange& range) {
    if (family == Family::ip)
        four_.push_back({v4_number(range.first), v4_number(range.last)});
    else
        six_.push_back(range);
}

void AddressRanges::reserve(Family family, std::size_t more) {
    if (family == Family::ip)
        four_.reserve(four_.size() + more);
    else
        six_.reserve(six_.size() + more);
}

void AddressRanges::merge_from(std::uint32_t first) {
    if (first < four_.size()) merge(four_, first);
    if (first < six_.size()) merge(six_, first);
}

void AddressRanges::cut(std::uint32_t first) {
    if (first < four_.size()) four_.resize(first);
    if (first < six_.size()) six_.resize(first);
}

bool AddressRanges::Part::contain(const Address& address) const {
    std::uint32_t low = 0;
    for (std::uint32_t high = size_; low < high;) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (address < (*this)[middle].first)
            high = middle;
        else
            low = middle + 1;
    }
    return low != 0 && address <= (*this)[low - 1].last;
}

}  // namespace untrack::model
