// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/segments.hpp"

#include <bit>
#include <map>
#include <optional>

namespace untrack::packet {

namespace {

constexpr std::size_t worth_flattening = 64;

/// Values that have been taken, by first value; no two of the intervals touch.
class Taken {
  public:
    /// What of the intervals is not taken yet.
    [[nodiscard]] Intervals free(const Intervals& intervals) const {
        Intervals out;
        for (Interval i : intervals) {
            auto it = last_by_first_.upper_bound(i.first);
            if (it != last_by_first_.begin() && std::prev(it)->second >= i.first) --it;
            std::uint64_t at = i.first;
            for (; it != last_by_first_.end() && it->first <= i.last && at <= i.last; ++it) {
                if (it->first > at) out.push_back({static_cast<std::uint32_t>(at), it->first - 1});
                at = std::uint64_t{it->second} + 1;
            }
            if (at <= i.last) out.push_back({static_cast<std::uint32_t>(at), i.last});
        }
        return out;
    }
    /// Intervals that were free.
    void take(const Intervals& intervals) {
        for (Interval i : intervals) {
            auto next = last_by_first_.lower_bound(i.first);
            std::uint32_t last = i.last;
            if (next != last_by_first_.end() && last != 0xffffffffU && next->first == last + 1) {
                last = next->second;
                next = last_by_first_.erase(next);
            }
            if (next != last_by_first_.begin() && i.first != 0 &&
                std::prev(next)->second == i.first - 1)
                std::prev(next)->second = last;
            else
                last_by_first_.emplace_hint(next, i.first, last);
        }
    }
    [[nodiscard]] Intervals all() const {
        Intervals out;
        for (auto [first, last] : last_by_first_) out.push_back({first, last});
        return out;
    }

  private:
    std::map<std::uint32_t, std::uint32_t> last_by_first_;
};

}  // namespace

Segments::Segments(DiagramPool& pool, std::span<const Diagram> conditions,
                   std::span<const Diagram> takes)
    : pool_(pool), size_(conditions.size()), conditions_(conditions), own_takes_(takes) {
    if (size_ == 0 || flatten()) return;
    make_tree();
    all_takes_ = nodes_[1].takes;
}

bool Segments::flatten() {
    if (size_ < worth_flattening) return false;
    std::optional<std::uint32_t> level;
    std::vector<Intervals> wanted;
    wanted.reserve(size_);
    for (std::size_t i = 0; i < size_; ++i) {
        if (!(own_takes_[i] == conditions_[i]) && !(own_takes_[i] == nothing)) return false;
        if (conditions_[i] == nothing || conditions_[i] == everything) {
            wanted.emplace_back();
            continue;
        }
        auto values = pool_.values_of(conditions_[i]);
        if (!values || (level && *level != values->level)) return false;
        level = values->level;
        wanted.push_back(std::move(values->intervals));
    }
    if (!level) return false;
    Interval whole{0, pool_.last_value(*level)};
    free_.resize(size_);
    Taken taken;
    for (std::size_t i = 0; i < size_; ++i) {
        if (conditions_[i] == nothing) continue;
        if (conditions_[i] == everything) wanted[i] = {whole};
        Intervals left = taken.free(wanted[i]);
        free_[i] = left == wanted[i] ? conditions_[i] : pool_.values(*level, left);
        if (own_takes_[i] == conditions_[i]) taken.take(left);
    }
    all_takes_ = pool_.values(*level, taken.all());
    return true;
}

void Segments::make_tree() {
    nodes_.resize(2 * std::bit_ceil(size_));
    build(1, 0, size_);
}

void Segments::build(std::size_t node, std::size_t first, std::size_t last) {
    if (last - first == 1) {
        nodes_[node] = {conditions_[first], own_takes_[first]};
        return;
    }
    std::size_t middle = first + (last - first) / 2;
    build(2 * node, first, middle);
    build(2 * node + 1, middle, last);
    const Node& left = nodes_[2 * node];
    const Node& right = nodes_[2 * node + 1];
    Diagram all_takes = pool_.over(left.takes, right.takes);
    // Where every rule takes what it matches, one union does for both.
    bool same = left.conditions == left.takes && right.conditions == right.takes;
    Diagram all = same ? all_takes : pool_.over(left.conditions, right.conditions);
    nodes_[node] = {all, all_takes};
}

bool Segments::find(std::size_t node, std::size_t first, std::size_t last,
                    std::span<const std::uint32_t> values, std::size_t from,
                    std::size_t& found) const {
    if (last <= from || pool_.at(nodes_[node].takes, values) == 0) return false;
    if (last - first == 1) {
        found = first;
        return true;
    }
    std::size_t middle = first + (last - first) / 2;
    return find(2 * node, first, middle, values, from, found) ||
           find(2 * node + 1, middle, last, values, from, found);
}

}  // namespace untrack::packet
