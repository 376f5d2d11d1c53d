// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/chain_index.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "base/text_hash.hpp"

namespace untrack::packet {
namespace {

using model::Match;
using model::MatchKind;

/// What rules are looked up by. The more it tells packets apart, the earlier it stands.
enum class Field : std::uint32_t {
    destination,
    source,
    source_net_and_port,  ///< with the destination port
    destination_net_and_port,
    source_net,
    destination_net,
    destination_port,
    source_port,
};

/// The first bytes of an address that stand for its network: /16 and /48.
std::size_t net_bytes(model::Family family) {
    return family == model::Family::ip ? 2 : 6;
}
std::size_t address_bytes(model::Family family) {
    return family == model::Family::ip ? 4 : 16;
}

std::uint32_t hash(Field field, const model::Address& address, std::size_t bytes,
                   std::uint16_t port = 0) {
    return hash_text({reinterpret_cast<const char*>(address.bytes.data()), bytes},
                     static_cast<std::uint32_t>(field) << 16U | port);
}
std::uint32_t hash(Field field, std::uint16_t port) {
    return hash(field, {}, 0, port);
}

/// The addresses of a match that asks for a few; their first `bytes` bytes are exact. Empty when
/// there is no such match.
std::vector<model::Address> addresses_asked(const model::Ruleset& r, std::span<const Match> matches,
                                            MatchKind kind, std::size_t bytes) {
    for (const Match& m : matches) {
        if (m.kind != kind || m.negated) continue;
        if (m.count == 0) {
            std::uint32_t needed = ~std::uint32_t{0} << (32 - 8 * std::min<std::size_t>(bytes, 4));
            if ((m.payload.masked_v4.mask & needed) != needed) continue;
            model::Address a;
            for (std::size_t i = 0; i < 4; ++i)
                a.bytes[i] = static_cast<std::uint8_t>(m.payload.masked_v4.value >> (24 - 8 * i));
            return {a};
        }
        auto list = std::span(r.addresses).subspan(m.payload.pool.first, m.count);
        std::vector<model::Address> found;
        for (const model::MaskedAddress& a : list)
            if (std::all_of(a.mask.bytes.begin(), a.mask.bytes.begin() + static_cast<int>(bytes),
                            [](std::uint8_t b) { return b == 0xff; }))
                found.push_back(a.value);
        if (found.size() == list.size()) return found;
    }
    return {};
}

/// The hashes under which a rule is found; none when it asks for nothing exact.
std::vector<std::uint32_t> keys(const model::Ruleset& r, std::span<const Match> matches) {
    std::vector<std::uint32_t> found;
    std::size_t whole = address_bytes(r.family);
    for (auto [kind, field] : {std::pair{MatchKind::destination, Field::destination},
                               std::pair{MatchKind::source, Field::source}}) {
        for (const model::Address& a : addresses_asked(r, matches, kind, whole))
            found.push_back(hash(field, a, whole));
        if (!found.empty()) return found;
    }
    std::size_t net = net_bytes(r.family);
    model::FewPorts ports = few_ports(r, matches, MatchKind::destination_port);
    for (auto [kind, alone, with_port] :
         {std::tuple{MatchKind::source, Field::source_net, Field::source_net_and_port},
          std::tuple{MatchKind::destination, Field::destination_net,
                     Field::destination_net_and_port}}) {
        for (const model::Address& a : addresses_asked(r, matches, kind, net)) {
            if (ports.empty()) found.push_back(hash(alone, a, net));
            for (std::uint16_t port : ports) found.push_back(hash(with_port, a, net, port));
        }
        if (!found.empty()) return found;
    }
    for (std::uint16_t port : ports) found.push_back(hash(Field::destination_port, port));
    if (found.empty())
        for (std::uint16_t port : few_ports(r, matches, MatchKind::source_port))
            found.push_back(hash(Field::source_port, port));
    return found;
}

}  // namespace

std::span<const std::uint32_t> ChainIndex::bucket(std::uint32_t hash) const {
    std::size_t b = hash & (starts_.size() - 2);
    return std::span(positions_).subspan(starts_[b], starts_[b + 1] - starts_[b]);
}

ChainIndex::ChainIndex(const model::Ruleset& ruleset, const model::Chain& chain) {
    struct Entry {
        std::uint32_t hash, position;
    };
    std::vector<Entry> entries;
    std::span<const model::RuleId> rules = ruleset.rules_of(chain);
    entries.reserve(rules.size());
    for (std::uint32_t position = 0; position < rules.size(); ++position) {
        auto found = keys(ruleset, ruleset.matches_of(ruleset.rule(rules[position])));
        if (found.empty()) others_.push_back(position);
        for (std::uint32_t h : found) entries.push_back({h, position});
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

ChainIndex::Candidates::Candidates(const ChainIndex& index, const Packet& p) {
    std::size_t whole = address_bytes(p.family);
    std::size_t net = net_bytes(p.family);
    if (!index.others_.empty()) lists_[count_++] = index.others_;
    for (std::uint32_t h :
         {hash(Field::destination, p.destination, whole), hash(Field::source, p.source, whole),
          hash(Field::source_net_and_port, p.source, net, p.destination_port),
          hash(Field::destination_net_and_port, p.destination, net, p.destination_port),
          hash(Field::source_net, p.source, net), hash(Field::destination_net, p.destination, net),
          hash(Field::destination_port, p.destination_port),
          hash(Field::source_port, p.source_port)}) {
        auto list = index.bucket(h);
        if (!list.empty()) lists_[count_++] = list;
    }
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
