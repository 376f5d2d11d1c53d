// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/ruleset.hpp"

#include <cstring>

namespace untrack::model {
namespace {

std::uint32_t hash_text(std::string_view s, std::uint32_t seed) {
    std::uint64_t h = seed + 0x9e3779b97f4a7c15ULL + s.size();
    const char* p = s.data();
    std::size_t n = s.size();
    for (; n >= 8; n -= 8, p += 8) {
        std::uint64_t v = 0;
        std::memcpy(&v, p, 8);
        h = (h ^ v) * 0xff51afd7ed558ccdULL;
        h ^= h >> 32;
    }
    std::uint64_t v = 0;
    std::memcpy(&v, p, n);
    h = (h ^ v) * 0xff51afd7ed558ccdULL;
    h ^= h >> 29;
    return static_cast<std::uint32_t>(h ^ (h >> 32));
}

/// Doubles the slots when they are half full.
template <typename Hash>
void grow(std::vector<std::uint32_t>& slots, std::size_t used, Hash hash_of) {
    if (slots.size() > used * 2) return;
    std::vector<std::uint32_t> bigger(slots.empty() ? 64 : slots.size() * 2, 0);
    for (std::uint32_t entry : slots) {
        if (entry == 0) continue;
        std::size_t at = hash_of(entry - 1) & (bigger.size() - 1);
        while (bigger[at] != 0) at = (at + 1) & (bigger.size() - 1);
        bigger[at] = entry;
    }
    slots = std::move(bigger);
}

}  // namespace

std::string_view name(Hook hook) {
    switch (hook) {
        case Hook::prerouting:
            return "prerouting";
        case Hook::input:
            return "input";
        case Hook::forward:
            return "forward";
        case Hook::output:
            return "output";
        case Hook::postrouting:
            return "postrouting";
    }
    return {};
}

TableId Ruleset::find_table(std::string_view wanted) const {
    for (std::size_t i = 0; i < tables.size(); ++i)
        if (tables[i].name == wanted) return TableId(i);
    return {};
}

ChainId Ruleset::find_chain(TableId table, std::string_view wanted) const {
    if (chain_slots_.empty()) return {};
    std::size_t mask = chain_slots_.size() - 1;
    for (std::size_t at = hash_text(wanted, table.value) & mask; chain_slots_[at] != 0;
         at = (at + 1) & mask) {
        const Chain& c = chains[chain_slots_[at] - 1];
        if (c.table == table && c.name == wanted) return ChainId(chain_slots_[at] - 1);
    }
    return {};
}

ChainId Ruleset::add_chain(const Chain& chain) {
    grow(chain_slots_, chains.size() + 1,
         [this](std::uint32_t i) { return hash_text(chains[i].name, chains[i].table.value); });
    ChainId id(chains.size());
    chains.push_back(chain);
    std::size_t mask = chain_slots_.size() - 1;
    std::size_t at = hash_text(chain.name, chain.table.value) & mask;
    while (chain_slots_[at] != 0) at = (at + 1) & mask;
    chain_slots_[at] = id.value + 1;
    return id;
}

void Ruleset::index_chains() {
    std::vector<Chain> all;
    all.swap(chains);
    chain_slots_.clear();
    for (const Chain& c : all) add_chain(c);
}

StringId Ruleset::intern(std::string_view s) {
    grow(string_slots_, strings_.size() + 1,
         [this](std::uint32_t i) { return hash_text(strings_[i], 0); });
    std::size_t mask = string_slots_.size() - 1;
    std::size_t at = hash_text(s, 0) & mask;
    for (; string_slots_[at] != 0; at = (at + 1) & mask)
        if (strings_[string_slots_[at] - 1] == s) return StringId(string_slots_[at] - 1);
    bool in_file = s.data() >= text.data() && s.data() + s.size() <= text.data() + text.size();
    if (!in_file) s = owned_.emplace_back(s);
    strings_.push_back(s);
    string_slots_[at] = static_cast<std::uint32_t>(strings_.size());
    return StringId(strings_.size() - 1);
}

bool same_match(const Ruleset& a, const Match& x, const Ruleset& b, const Match& y) {
    if (x.kind != y.kind || x.negated != y.negated || x.count != y.count) return false;
    const Match::Payload& p = x.payload;
    const Match::Payload& q = y.payload;
    switch (x.kind) {
        case MatchKind::protocol:
            return p.number == q.number;
        case MatchKind::source:
        case MatchKind::destination:
            if (x.count == 0)
                return p.masked_v4.value == q.masked_v4.value &&
                       p.masked_v4.mask == q.masked_v4.mask;
            for (std::uint32_t i = 0; i < x.count; ++i)
                if (!(a.addresses[p.pool.first + i] == b.addresses[q.pool.first + i])) return false;
            return true;
        case MatchKind::source_range:
        case MatchKind::destination_range: {
            const AddressRange& r = a.address_ranges[p.pool.first];
            const AddressRange& s = b.address_ranges[q.pool.first];
            return r.first == s.first && r.last == s.last;
        }
        case MatchKind::in_interface:
        case MatchKind::out_interface:
            return p.interface.wildcard == q.interface.wildcard &&
                   a.string(p.interface.name) == b.string(q.interface.name);
        case MatchKind::source_port:
        case MatchKind::destination_port:
        case MatchKind::either_port:
            if (x.count == 0) return p.ports == q.ports;
            for (std::uint32_t i = 0; i < x.count; ++i)
                if (!(a.ports[p.pool.first + i] == b.ports[q.pool.first + i])) return false;
            return true;
        case MatchKind::tcp_flags:
            return p.tcp_flags.mask == q.tcp_flags.mask && p.tcp_flags.value == q.tcp_flags.value;
        case MatchKind::icmp:
            return p.icmp.type == q.icmp.type && p.icmp.code_first == q.icmp.code_first &&
                   p.icmp.code_last == q.icmp.code_last && p.icmp.any == q.icmp.any;
        case MatchKind::fragment:
            return true;
        case MatchKind::state:
            return p.state == q.state;
        case MatchKind::conntrack:
            return a.string(a.conntrack[p.pool.first].text) ==
                   b.string(b.conntrack[q.pool.first].text);
        case MatchKind::mark:
            return p.mark.value == q.mark.value && p.mark.mask == q.mark.mask;
        case MatchKind::address_type:
            return p.address_type.source == q.address_type.source &&
                   p.address_type.destination == q.address_type.destination &&
                   p.address_type.source_negated == q.address_type.source_negated &&
                   p.address_type.destination_negated == q.address_type.destination_negated &&
                   p.address_type.limit_in == q.address_type.limit_in &&
                   p.address_type.limit_out == q.address_type.limit_out;
        case MatchKind::comment:
            return true;
        case MatchKind::opaque:
            return a.string(p.opaque.text) == b.string(q.opaque.text);
    }
    return false;
}

}  // namespace untrack::model
