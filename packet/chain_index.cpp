// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/chain_index.hpp"

#include <algorithm>
#include <bit>

#include "base/text_hash.hpp"
#include "model/iptables_values.hpp"

namespace untrack::packet {

using model::Match;
using model::MatchKind;

std::uint32_t ChainIndex::hash(Field field, const model::Address& address) {
    return hash_text({reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()},
                     static_cast<std::uint32_t>(field));
}

std::uint32_t ChainIndex::hash(Field field, std::uint16_t port) {
    return (static_cast<std::uint32_t>(field) << 16U | port) * 0x9e3779b1U >> 7U;
}

std::span<const std::uint32_t> ChainIndex::bucket(std::uint32_t hash) const {
    std::size_t b = hash & (starts_.size() - 2);
    return std::span(positions_).subspan(starts_[b], starts_[b + 1] - starts_[b]);
}

/// Whether one of the matches holds only for a few exact values of the field: their hashes.
bool ChainIndex::asks_for(const model::Ruleset& r, std::span<const Match> matches, Field field,
                          std::vector<std::uint32_t>& hashes) {
    constexpr unsigned most_ports = 16;
    hashes.clear();
    MatchKind kind = field == Field::destination        ? MatchKind::destination
                     : field == Field::source           ? MatchKind::source
                     : field == Field::destination_port ? MatchKind::destination_port
                                                        : MatchKind::source_port;
    bool is_port = field == Field::destination_port || field == Field::source_port;
    for (const Match& m : matches) {
        if (m.kind != kind || m.negated) continue;
        if (!is_port) {
            if (m.count == 0) {
                if (m.payload.masked_v4.mask != 0xffffffffU) continue;
                hashes.push_back(hash(field, model::v4_address(m.payload.masked_v4.value)));
                return true;
            }
            model::Address full;
            std::size_t size = r.family == model::Family::ip ? 4 : 16;
            std::fill_n(full.bytes.begin(), size, std::uint8_t{0xff});
            auto list = std::span(r.addresses).subspan(m.payload.pool.first, m.count);
            if (!std::all_of(list.begin(), list.end(),
                             [&](const model::MaskedAddress& a) { return a.mask == full; }))
                continue;
            for (const model::MaskedAddress& a : list) hashes.push_back(hash(field, a.value));
            return true;
        }
        std::span<const model::PortRange> list(&m.payload.ports, 1);
        if (m.count != 0) list = std::span(r.ports).subspan(m.payload.pool.first, m.count);
        unsigned ports = 0;
        for (const model::PortRange& p : list)
            ports += p.first <= p.last ? p.last - p.first + 1U : 0U;
        if (ports > most_ports) continue;
        for (const model::PortRange& p : list)
            for (unsigned n = p.first; n <= p.last; ++n)
                hashes.push_back(hash(field, static_cast<std::uint16_t>(n)));
        return true;
    }
    return false;
}

ChainIndex::ChainIndex(const model::Ruleset& ruleset, const model::Chain& chain) {
    struct Entry {
        std::uint32_t hash, position;
    };
    std::vector<Entry> entries;
    std::vector<std::uint32_t> hashes;
    std::span<const model::RuleId> rules = ruleset.rules_of(chain);
    for (std::uint32_t position = 0; position < rules.size(); ++position) {
        auto matches = ruleset.matches_of(ruleset.rule(rules[position]));
        bool exact = false;
        for (Field field :
             {Field::destination, Field::source, Field::destination_port, Field::source_port}) {
            exact = asks_for(ruleset, matches, field, hashes);
            if (exact) break;
        }
        if (!exact) others_.push_back(position);
        for (std::uint32_t h : hashes) entries.push_back({h, position});
    }
    std::size_t buckets = std::bit_ceil(entries.size() + 1);
    for (Entry& e : entries) e.hash &= static_cast<std::uint32_t>(buckets - 1);
    // A counting sort keeps the positions of a bucket in order.
    starts_.assign(buckets + 1, 0);
    for (const Entry& e : entries) ++starts_[e.hash + 1];
    for (std::size_t b = 0; b < buckets; ++b) starts_[b + 1] += starts_[b];
    positions_.resize(entries.size());
    std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
    for (const Entry& e : entries) positions_[next[e.hash]++] = e.position;
}

ChainIndex::Candidates::Candidates(const ChainIndex& index, const Packet& packet) {
    for (std::span<const std::uint32_t> list :
         {std::span(index.others_), index.bucket(hash(Field::destination, packet.destination)),
          index.bucket(hash(Field::source, packet.source)),
          index.bucket(hash(Field::destination_port, packet.destination_port)),
          index.bucket(hash(Field::source_port, packet.source_port))})
        if (!list.empty()) lists_[count_++] = list;
}

bool ChainIndex::Candidates::next(std::uint32_t& position) {
    if (count_ == 0) return false;
    position = lists_[0].front();
    for (std::size_t i = 1; i < count_; ++i) position = std::min(position, lists_[i].front());
    // A rule can stand in several of the lists, or twice in one, when hashes meet.
    for (std::size_t i = 0; i < count_;) {
        while (!lists_[i].empty() && lists_[i].front() == position)
            lists_[i] = lists_[i].subspan(1);
        if (lists_[i].empty()) {
            lists_[i] = lists_[--count_];
        } else {
            ++i;
        }
    }
    return true;
}

}  // namespace untrack::packet
