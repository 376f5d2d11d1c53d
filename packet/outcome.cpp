// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/outcome.hpp"

#include <algorithm>

#include "packet/diagram.hpp"

namespace untrack::packet {

Outcomes::Outcomes() {
    effect({});
    text("");
    sequences_.emplace_back(0, 0);
    number({});
}

template <typename T>
std::uint32_t Outcomes::id_of(std::vector<T>& list, std::map<T, std::uint32_t>& ids,
                              const T& value) {
    auto [it, added] = ids.emplace(value, static_cast<std::uint32_t>(list.size()));
    if (added) list.push_back(value);
    return it->second;
}

std::uint32_t Outcomes::number(const Outcome& outcome) {
    std::uint32_t id = id_of(outcomes_, outcome_ids_, outcome);
    // Leaves are as many as there are handles kept for them.
    if (id >= DiagramPool::most_leaves) throw PoolExhausted();
    return id;
}
std::uint32_t Outcomes::effect(const Effect& effect) {
    return id_of(effects_, effect_ids_, effect);
}
std::uint32_t Outcomes::text(std::string_view text) {
    return id_of(texts_, text_ids_, std::string(text));
}

std::uint32_t Outcomes::sequence(std::uint32_t before, std::uint32_t text) {
    return id_of(sequences_, sequence_ids_, {before, text});
}

std::uint32_t Outcomes::joined(std::uint32_t first, std::uint32_t second) {
    if (second == 0) return first;
    auto [before, text] = sequences_[second];
    return sequence(joined(first, before), text);
}

std::vector<std::string> Outcomes::events(std::uint32_t sequence) const {
    std::vector<std::string> out;
    for (; sequence != 0; sequence = sequences_[sequence].first)
        out.push_back(texts_[sequences_[sequence].second]);
    std::reverse(out.begin(), out.end());
    return out;
}

std::uint32_t Outcomes::after(std::uint32_t first, std::uint32_t second) {
    if (first == 0) return second;
    if (second == 0) return first;
    auto known = after_.find({first, second});
    if (known != after_.end()) return known->second;
    const Effect& a = effects_[first];
    const Effect& b = effects_[second];
    Effect out = a;
    if (!a.assigned || b.takes_back) {
        out.assigned = b.assigned;
        out.notracked = b.notracked;
        out.takes_back = b.takes_back;
        if (b.state != SeenState::given) out.state = b.state;
    }
    if (out.marks.empty()) {
        out.marks = b.marks;
    } else {
        for (std::size_t i = 0; i < b.marks.size(); ++i)
            if (b.marks[i].kind != MarkSource::Kind::kept) out.marks[i] = b.marks[i];
    }
    out.nat = joined(a.nat, b.nat);
    out.events = joined(a.events, b.events);
    out.writes = joined(a.writes, b.writes);
    std::uint32_t id = effect(out);
    after_.emplace(std::pair(first, second), id);
    return id;
}

std::uint32_t Outcomes::outcome_after(std::uint32_t effect, std::uint32_t outcome) {
    Outcome o = outcomes_[outcome];
    o.effect = after(effect, o.effect);
    return number(o);
}

}  // namespace untrack::packet
