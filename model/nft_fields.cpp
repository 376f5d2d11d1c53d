// SPDX-License-Identifier: GPL-2.0-or-later
// Of NftMatches: what a rule asks of one field, as matches of the model.
#include <algorithm>

#include "model/nft_matches.hpp"

namespace untrack::model {

using nft::Kind;
using nft::Node;
using nft::Op;

namespace {

/// A vector that grows by doubling may touch up to three times what its list needs.
constexpr std::size_t most_bytes_unreserved = 4096;
constexpr std::uint32_t known_flags = 0x3f;

}  // namespace

Match NftMatches::protocol_match(std::uint8_t protocol) {
    Match m;
    m.kind = MatchKind::protocol;
    m.payload.number = protocol;
    return m;
}

Match NftMatches::state_match(std::uint32_t states, bool negated) {
    Match m;
    m.kind = MatchKind::state;
    m.negated = negated;
    m.payload.state = static_cast<StateSet>(states);
    return m;
}

Match NftMatches::flags_match(std::uint32_t mask, std::uint32_t value, bool negated) {
    Match m;
    m.kind = MatchKind::tcp_flags;
    m.negated = negated;
    m.payload.tcp_flags = {static_cast<std::uint8_t>(mask), static_cast<std::uint8_t>(value)};
    return m;
}

/// The addresses of a set, read once however many rules ask it.
std::optional<NftMatches::Pool> NftMatches::address_set(const NftSelector& s, const Node& which) {
    const NftSet* named = which.kind == Kind::set_ref ? scope_.set(scope_.text(which)) : nullptr;
    if (auto it = address_sets_.find(named); named != nullptr && it != address_sets_.end())
        return it->second;
    AddressRanges& all = r_.address_ranges;
    const std::uint32_t first = all.size();
    constexpr std::size_t shortest = 8;  // "1.2.3.4,"
    std::size_t bytes = which.kind == Kind::set_body ? which.range().size() : 0;
    if (named != nullptr)
        for (const Node* body : named->bodies) bytes += body->range().size();
    if (bytes > most_bytes_unreserved) all.reserve(r_.family, bytes / shortest);
    bool known = scope_.each_element(which, [&](const Node& key, const Node*) {
        auto v = nft_value(scope_.tree(), key, s);
        if (v) all.add(r_.family, v->addresses);
        return v.has_value();
    });
    if (!known) {
        all.cut(first);
        return std::nullopt;
    }
    all.merge_from(first);
    Pool pool{first, all.size() - first};
    if (named != nullptr) address_sets_.emplace(named, pool);
    return pool;
}

/// As a prefix where it is one.
Match NftMatches::address(bool source, const AddressRange& range) const {
    Match m;
    if (auto prefix = prefix_of(r_.family, range)) {
        m.kind = source ? MatchKind::source : MatchKind::destination;
        if (r_.family == Family::ip) {
            m.payload.masked_v4 = {v4_number(prefix->value), v4_number(prefix->mask)};
        } else {
            m.count = 1;
            m.payload.pool = {static_cast<std::uint32_t>(r_.addresses.size()), 1};
            r_.addresses.push_back(*prefix);
        }
        return m;
    }
    m.kind = source ? MatchKind::source_range : MatchKind::destination_range;
    m.payload.pool = {r_.address_ranges.size(), 1};
    r_.address_ranges.add(r_.family, range);
    return m;
}

std::optional<Disjunction> NftMatches::addresses(const NftSelector& s, const Node& right,
                                                 bool negated) {
    Conjunction base;
    if (!depends(s, base)) return only({never()});
    const bool source = s.field == NftField::source;
    auto with = [&](Match m) {
        m.negated = negated;
        base.push_back(m);
        return only(std::move(base));
    };
    if (right.kind != Kind::set_body && right.kind != Kind::set_ref) {
        auto v = nft_value(scope_.tree(), right, s);
        if (!v) return std::nullopt;
        return with(address(source, v->addresses));
    }
    auto set = address_set(s, right);
    if (!set) return std::nullopt;
    if (set->size == 0) {
        // No value: no packet, or every one that has the field.
        if (!negated) base = {never()};
        return only(std::move(base));
    }
    if (set->size == 1) return with(address(source, r_.address_ranges[set->first]));
    Match m;
    m.kind = source ? MatchKind::source_range : MatchKind::destination_range;
    m.payload.pool = {set->first, set->size};
    return with(m);
}

/// "th" is read of whatever the protocol has there; only after a question for the protocol it is
/// ports for certain.
bool NftMatches::has_ports(const NftSelector& s) const {
    return s.protocol != NftSelector::any_protocol || any_protocol_asked_;
}

Match NftMatches::port_match(const NftSelector& s, PortRange ports) {
    Match m;
    m.kind =
        s.field == NftField::source_port ? MatchKind::source_port : MatchKind::destination_port;
    m.payload.ports = ports;
    return m;
}

Match NftMatches::ports(const NftSelector& s, std::vector<NftValue>& values) const {
    std::vector<PortRange> ranges;
    ranges.reserve(values.size());
    for (const NftValue& v : values)
        ranges.push_back({static_cast<std::uint16_t>(v.first), static_cast<std::uint16_t>(v.last)});
    merge(ranges);
    Match m = port_match(s, ranges[0]);
    if (ranges.size() == 1) return m;
    m.count = static_cast<std::uint16_t>(ranges.size());
    m.payload.pool = {static_cast<std::uint32_t>(r_.ports.size()), m.count};
    r_.ports.insert(r_.ports.end(), ranges.begin(), ranges.end());
    return m;
}

/// Of fields that hold one value each.
Match NftMatches::single(const NftSelector& s, const NftValue& v) const {
    Match m;
    switch (s.field) {
        case NftField::protocol:
            return protocol_match(static_cast<std::uint8_t>(v.first));
        case NftField::in_interface:
        case NftField::out_interface:
            m.kind = s.field == NftField::in_interface ? MatchKind::in_interface
                                                       : MatchKind::out_interface;
            m.payload.interface = {r_.intern(v.name), v.wildcard};
            break;
        case NftField::mark:
            m.kind = MatchKind::mark;
            m.payload.mark = {v.first, 0xffffffffU};
            break;
        case NftField::icmp_type:
            m.kind = MatchKind::icmp;
            m.payload.icmp = {static_cast<std::uint8_t>(v.first), 0, 0xff, false};
            break;
        default:
            break;
    }
    return m;
}

std::optional<Disjunction> NftMatches::values(const NftSelector& s, std::vector<NftValue>& values,
                                              bool negated) {
    Conjunction base;
    if (!depends(s, base)) return only({never()});
    if (values.empty()) {
        // No value: no packet, or every one that has the field.
        if (!negated) base = {never()};
        return only(std::move(base));
    }
    auto with = [&](Match m) {
        m.negated = negated;
        base.push_back(m);
        return only(std::move(base));
    };
    switch (s.field) {
        case NftField::source_port:
        case NftField::destination_port:
            if (!has_ports(s)) return std::nullopt;
            return with(ports(s, values));
        case NftField::source_type:
        case NftField::destination_type: {
            std::uint16_t types = 0;
            for (const NftValue& v : values) types |= static_cast<std::uint16_t>(v.first);
            Match m;
            m.kind = MatchKind::address_type;
            bool source = s.field == NftField::source_type;
            m.payload.address_type = {source ? types : std::uint16_t{0},
                                      source ? std::uint16_t{0} : types,
                                      source && negated,
                                      !source && negated,
                                      s.by_in_interface,
                                      s.by_out_interface};
            base.push_back(m);
            return only(std::move(base));
        }
        case NftField::family: {
            bool of_this = std::any_of(values.begin(), values.end(), [&](const NftValue& v) {
                return v.first == (r_.family == Family::ip ? 4U : 6U);
            });
            if (of_this == negated) base.push_back(never());
            return only(std::move(base));
        }
        default:
            break;
    }
    for (const NftValue& v : values)
        if (v.first != v.last) return std::nullopt;
    if (s.field == NftField::protocol) {
        any_protocol_asked_ = true;
        if (!negated && values.size() == 1)
            asked_protocol_ = static_cast<std::uint8_t>(values[0].first);
    }
    Disjunction out;
    if (negated) {
        for (const NftValue& v : values) {
            base.push_back(single(s, v));
            base.back().negated = true;
        }
        return only(std::move(base));
    }
    for (const NftValue& v : values) {
        out.push_back(base);
        out.back().push_back(single(s, v));
    }
    return out;
}

/// Less, greater: of numbers.
std::optional<Disjunction> NftMatches::compared(const NftSelector& s, Op op, const Node& right) {
    auto v = nft_value(scope_.tree(), right, s);
    bool port = s.field == NftField::source_port || s.field == NftField::destination_port;
    if (!v || !port || v->first != v->last) return std::nullopt;
    constexpr std::uint32_t most = 0xffff;
    std::uint32_t n = v->first;
    NftValue range;
    range.first = op == Op::gt ? n + 1 : op == Op::ge ? n : 0;
    range.last = op == Op::lt ? n - 1 : op == Op::le ? n : most;
    std::vector<NftValue> found;
    if ((op == Op::lt && n == 0) || range.first > most)
        found.clear();
    else
        found.push_back(range);
    return values(s, found, false);
}

std::optional<std::uint32_t> NftMatches::bits(const NftSelector& s, const Node& which) const {
    const Node& node = scope_.resolved(which);
    if (node.kind == Kind::list || node.kind == Kind::binary) {
        if (node.kind == Kind::binary && node.as<nft::BinaryOp>() != nft::BinaryOp::or_)
            return std::nullopt;
        std::uint32_t all = 0;
        for (const Node& part : nft::children(node)) {
            auto b = bits(s, part);
            if (!b) return std::nullopt;
            all |= *b;
        }
        return all;
    }
    auto v = nft_value(scope_.tree(), node, s);
    if (!v || v->first != v->last) return std::nullopt;
    return v->first;
}

/// ct state. A list after == or != is compared as a whole (measured): == of two states is no
/// packet's, != of two is every packet's.
std::optional<Match> NftMatches::state(Op op, const Node& right) const {
    NftSelector s;
    s.field = NftField::state;
    std::uint32_t all = 0;
    bool set = right.kind == Kind::set_body || right.kind == Kind::set_ref;
    if (set) {
        bool known = scope_.each_element(right, [&](const Node& key, const Node*) {
            auto b = bits(s, key);
            all |= b.value_or(0);
            return b.has_value();
        });
        if (!known) return std::nullopt;
    } else {
        auto b = bits(s, right);
        if (!b) return std::nullopt;
        all = *b;
    }
    bool several = (all & (all - 1)) != 0;
    switch (op) {
        case Op::implicit:
            return state_match(all, false);
        case Op::eq:
            return state_match(several && !set ? 0 : all, false);
        case Op::ne:
            return state_match(several && !set ? 0 : all, true);
        case Op::negated:
            return state_match(all, true);
        default:
            return std::nullopt;
    }
}

std::optional<Disjunction> NftMatches::flags(const NftSelector& s, Op op, const Node& right) {
    Conjunction base;
    if (!depends(s, base)) return only({never()});
    auto with = [&](Match m) {
        base.push_back(m);
        return only(std::move(base));
    };
    if (right.kind == Kind::masked) {
        auto value = bits(s, *nft::child(right, std::size_t{0}));
        auto mask = bits(s, *nft::child(right, std::size_t{1}));
        if (!value || !mask || ((*value | *mask) & ~known_flags) != 0 ||
            !(equates(op) || negates(op)))
            return std::nullopt;
        return with(flags_match(*mask, *value, negates(op)));
    }
    if (right.kind == Kind::set_body || right.kind == Kind::set_ref) {
        std::vector<std::uint32_t> exact;
        bool known = scope_.each_element(right, [&](const Node& key, const Node*) {
            auto b = bits(s, key);
            if (b) exact.push_back(*b);
            return b.has_value();
        });
        if (!known || !(equates(op) || negates(op))) return std::nullopt;
        Disjunction out;
        for (std::uint32_t value : exact) {
            Match m = (value & ~known_flags) != 0 ? never()
                                                  : flags_match(known_flags, value, negates(op));
            if (negates(op)) {
                if (m.kind == MatchKind::tcp_flags) base.push_back(m);
                continue;
            }
            out.push_back(base);
            out.back().push_back(m);
        }
        return negates(op) ? only(std::move(base)) : out;
    }
    auto value = bits(s, right);
    if (!value || (*value & ~known_flags) != 0) return std::nullopt;
    switch (op) {
        case Op::implicit:  // any of them
            return with(flags_match(*value, 0, true));
        case Op::negated:  // none of them
            return with(flags_match(*value, 0, false));
        case Op::eq:
        case Op::ne:
            return with(flags_match(known_flags, *value, op == Op::ne));
        default:
            return std::nullopt;
    }
}

/// A field under a mask: "meta mark & 0xff == 1", "tcp flags & (syn|ack) == syn".
std::optional<Disjunction> NftMatches::masked(const NftSelector& s, const Node& mask_node, Op op,
                                              const Node& right) {
    if (!equates(op) && !negates(op)) return std::nullopt;
    Conjunction base;
    bool address = s.field == NftField::source || s.field == NftField::destination;
    if (address) {
        auto mask = nft_value(scope_.tree(), scope_.resolved(mask_node), s);
        auto value = nft_value(scope_.tree(), right, s);
        if (!mask || !value || value->addresses.first != value->addresses.last) return std::nullopt;
        if (!depends(s, base)) return only({never()});
        Match m;
        m.kind = s.field == NftField::source ? MatchKind::source : MatchKind::destination;
        m.negated = negates(op);
        if (r_.family == Family::ip) {
            m.payload.masked_v4 = {v4_number(value->addresses.first),
                                   v4_number(mask->addresses.first)};
        } else {
            m.count = 1;
            m.payload.pool = {static_cast<std::uint32_t>(r_.addresses.size()), 1};
            r_.addresses.push_back({value->addresses.first, mask->addresses.first});
        }
        base.push_back(m);
        return only(std::move(base));
    }
    auto mask = bits(s, mask_node);
    auto value = bits(s, right);
    if (!mask || !value) return std::nullopt;
    switch (s.field) {
        case NftField::mark: {
            Match m;
            m.kind = MatchKind::mark;
            m.negated = negates(op);
            m.payload.mark = {*value, *mask};
            return only({m});
        }
        case NftField::tcp_flags:
            if (((*value | *mask) & ~known_flags) != 0) return std::nullopt;
            if (!depends(s, base)) return only({never()});
            base.push_back(flags_match(*mask, *value, negates(op)));
            return only(std::move(base));
        case NftField::state: {
            bool one = *value != 0 && (*value & (*value - 1)) == 0;
            if (*value == 0) return only({state_match(*mask, !negates(op))});
            if (!one) return std::nullopt;
            return only({state_match((*value & *mask) != 0 ? *value : 0, negates(op))});
        }
        default:
            return std::nullopt;
    }
}

}  // namespace untrack::model
