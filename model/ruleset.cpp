// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/ruleset.hpp"

#include <algorithm>

#include "base/text_hash.hpp"

namespace untrack::model {
namespace {

constexpr std::size_t fewest_slots = 64;

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
        case Hook::ingress:
            return "ingress";
        case Hook::egress:
            return "egress";
    }
    return {};
}

void HashSlots::add(std::uint32_t hash, std::uint32_t index) {
    if (slots_.size() <= (used_ + 1) * 2) {
        LargeTable<Slot> old(std::max(fewest_slots, slots_.size() * 2));
        old.swap(slots_);
        for (const Slot& s : old)
            if (s.index != none) place(s);
    }
    ++used_;
    place({hash, index});
}

void HashSlots::place(Slot slot) {
    std::size_t at = slot.hash & (slots_.size() - 1);
    while (slots_[at].index != none) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
}

TableId Ruleset::find_table(std::string_view wanted) const {
    for (std::size_t i = 0; i < tables.size(); ++i)
        if (tables[i].name == wanted) return TableId(i);
    return {};
}

ChainId Ruleset::find_chain(TableId table, std::string_view wanted) const {
    std::uint32_t found = chain_slots_.find(hash_text(wanted, table.value), [&](std::uint32_t i) {
        return chains[i].table == table && chains[i].name == wanted;
    });
    return found == HashSlots::none ? ChainId() : ChainId(found);
}

void Ruleset::prefetch_chains(TableId table, std::span<const std::string_view> names) const {
    constexpr std::size_t at_once = 64;
    std::array<std::uint32_t, at_once> keys{};  // hashes, then indices
    for (; !names.empty(); names = names.subspan(std::min(names.size(), at_once))) {
        std::span<std::uint32_t> some(keys.data(), std::min(names.size(), at_once));
        for (std::size_t i = 0; i < some.size(); ++i) {
            some[i] = hash_text(names[i], table.value);
            chain_slots_.prefetch(some[i]);
        }
        for (std::uint32_t& key : some) {
            key = chain_slots_.first(key);
            if (key != HashSlots::none) __builtin_prefetch(&chains[key]);
        }
        for (std::uint32_t key : some)
            if (key != HashSlots::none) __builtin_prefetch(chains[key].name.data());
    }
}

ChainId Ruleset::add_chain(const Chain& chain) {
    ChainId id(chains.size());
    chains.push_back(chain);
    chain_slots_.add(hash_text(chain.name, chain.table.value), id.value);
    return id;
}

void Ruleset::index_chains() {
    LargeTable<Chain> all;
    all.swap(chains);
    chain_slots_ = {};
    for (const Chain& c : all) add_chain(c);
}

StringId Ruleset::intern(std::string_view s) {
    std::uint32_t hash = hash_text(s);
    std::uint32_t found =
        string_slots_.find(hash, [&](std::uint32_t i) { return strings_[i] == s; });
    if (found != HashSlots::none) return StringId(found);
    bool in_file = s.data() >= text.data() && s.data() + s.size() <= text.data() + text.size();
    if (!in_file) s = owned_.emplace_back(s);
    StringId id(strings_.size());
    strings_.push_back(s);
    string_slots_.add(hash, id.value);
    return id;
}

std::vector<ChainId> Ruleset::base_chains() const {
    std::vector<ChainId> out;
    for (std::size_t i = 0; i < chains.size(); ++i)
        if (chains[i].base) out.emplace_back(i);
    if (language == Language::nft) std::reverse(out.begin(), out.end());
    std::stable_sort(out.begin(), out.end(), [this](ChainId a, ChainId b) {
        return chain(a).priority < chain(b).priority;
    });
    return out;
}

std::int32_t Ruleset::place_in_hook(const Chain& base) {
    if (base.role != ChainRole::nat) return base.priority;
    bool destination = base.hook == Hook::prerouting || base.hook == Hook::output;
    return destination ? priority_nat_dst : priority_nat_src;
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
            AddressRanges::Part r = a.ranges_of(x);
            AddressRanges::Part s = b.ranges_of(y);
            return std::equal(r.begin(), r.end(), s.begin(), s.end(),
                              [](const AddressRange& v, const AddressRange& w) {
                                  return v.first == w.first && v.last == w.last;
                              });
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

FewPorts few_ports(const Ruleset& r, std::span<const Match> matches, MatchKind kind) {
    for (const Match& m : matches) {
        if (m.kind != kind || m.negated) continue;
        std::span<const PortRange> ranges(&m.payload.ports, 1);
        if (m.count != 0) ranges = std::span(r.ports).subspan(m.payload.pool.first, m.count);
        FewPorts ports;
        bool few = true;
        for (const PortRange& p : ranges)
            for (unsigned n = p.first; n <= p.last && few; ++n)
                few = ports.add(static_cast<std::uint16_t>(n));
        if (few && !ports.empty()) return ports;
    }
    return {};
}

}  // namespace untrack::model
