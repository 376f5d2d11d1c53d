// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges of addresses in few bytes: sets of a million are usual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

#include "model/address.hpp"

namespace untrack::model {

/// A list of ranges of one family: eight bytes each for IPv4, 32 for IPv6.
class AddressRanges {
  public:
    [[nodiscard]] std::uint32_t size() const {
        return static_cast<std::uint32_t>(four_.size() + six_.size());
    }
    [[nodiscard]] AddressRange operator[](std::uint32_t i) const {
        if (four_.empty()) return six_[i];
        return {v4_address(four_[i].first), v4_address(four_[i].last)};
    }
    void add(Family family, const AddressRange& range);
    /// Room for so many more.
    void reserve(Family family, std::size_t more);
    /// Puts those from `first` on in order, and what touches or overlaps together.
    void merge_from(std::uint32_t first);
    /// Takes back those from `first` on.
    void cut(std::uint32_t first);

    /// Some of them, one behind the other. Valid as long as the list.
    class Part {
      public:
        class Iterator {
          public:
            using value_type = AddressRange;
            using difference_type = std::ptrdiff_t;
            using reference = AddressRange;
            using pointer = void;
            using iterator_category = std::input_iterator_tag;
            Iterator(const AddressRanges& all, std::uint32_t at) : all_(&all), at_(at) {}
            AddressRange operator*() const { return (*all_)[at_]; }
            Iterator& operator++() {
                ++at_;
                return *this;
            }
            Iterator operator++(int) {
                Iterator before = *this;
                ++at_;
                return before;
            }
            friend bool operator==(Iterator a, Iterator b) { return a.at_ == b.at_; }

          private:
            const AddressRanges* all_;
            std::uint32_t at_;
        };
        Part(const AddressRanges& all, std::uint32_t first, std::uint32_t size)
            : all_(all), first_(first), size_(size) {}
        [[nodiscard]] std::uint32_t size() const { return size_; }
        [[nodiscard]] AddressRange operator[](std::uint32_t i) const { return all_[first_ + i]; }
        [[nodiscard]] Iterator begin() const { return {all_, first_}; }
        [[nodiscard]] Iterator end() const { return {all_, first_ + size_}; }
        /// Whether one of them has the address; they must be in order.
        [[nodiscard]] bool contain(const Address& address) const;

      private:
        const AddressRanges& all_;
        std::uint32_t first_;
        std::uint32_t size_;
    };
    [[nodiscard]] Part part(std::uint32_t first, std::uint32_t size) const {
        return {*this, first, size};
    }

  private:
    struct Four {
        std::uint32_t first, last;
    };
    std::vector<Four> four_;
    std::vector<AddressRange> six_;
};

}  // namespace untrack::model
