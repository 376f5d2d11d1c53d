// SPDX-License-Identifier: GPL-2.0-or-later
// What the sources of DiagramPool have in common: how they go through diagrams and build nodes.
#pragma once

#include "packet/diagram.hpp"

namespace untrack::packet {

/// Where results are forgotten faster than they are used again, an operation takes long without
/// making a node: steps are bounded by the words that there might be.
inline constexpr std::size_t steps_per_word = 4;
/// Levels one below the other that operations go down before they give up: as deep as a thousand
/// predicates that hang on each other, and far from the end of any stack.
inline constexpr unsigned most_depth = 2000;

constexpr std::uint64_t mix(std::uint64_t h, std::uint64_t more) {
    h = (h ^ more) * 0xff51afd7ed558ccdULL;
    return h ^ (h >> 32U);
}

/// Numbers kept for handles, or pairs of them, for the time of one walk through a diagram.
template <typename Key>
class Memo {
  public:
    /// nullptr when there is none.
    [[nodiscard]] const std::uint32_t* find(Key key) const {
        const Slot& s = slots_[place(key)];
        return s.key == 0 ? nullptr : &s.value;
    }
    /// Whether there was none.
    bool insert(Key key, std::uint32_t value) {
        Slot& s = slots_[place(key)];
        if (s.key != 0) return false;
        s = {key + 1, value};
        if (++used_ * 2 > slots_.size()) grow();
        return true;
    }

  private:
    struct Slot {
        Key key = 0;  ///< one more; no handle is the largest number
        std::uint32_t value = 0;
    };
    [[nodiscard]] std::size_t place(Key key) const {
        std::size_t mask = slots_.size() - 1;
        std::size_t at = mix(key, 1) & mask;
        while (slots_[at].key != 0 && slots_[at].key != key + 1) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        std::vector<Slot> old(slots_.size() * 4);
        old.swap(slots_);
        for (const Slot& s : old)
            if (s.key != 0) slots_[place(s.key - 1)] = s;
    }

    std::vector<Slot> slots_ = std::vector<Slot>(32);
    std::size_t used_ = 0;
};

inline void DiagramPool::push(std::size_t base, std::uint32_t last, Diagram child) {
    if (building_.size() > base && building_.back().child == child.handle)
        building_.back().last = last;
    else
        building_.push_back({last, child.handle});
}

inline void DiagramPool::step(std::size_t edges, unsigned depth) {
    steps_ += edges;
    if (depth > most_depth || steps_ > steps_per_word * most_words_) throw PoolExhausted();
}

}  // namespace untrack::packet
