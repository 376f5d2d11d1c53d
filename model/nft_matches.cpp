// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_matches.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "model/iptables_values.hpp"

namespace untrack::model {

using nft::Kind;
using nft::Node;
using nft::Op;

namespace {

constexpr std::size_t most_ways = 1U << 20;
/// A vector that grows by doubling may touch up to three times what its list needs.
constexpr std::size_t most_bytes_unreserved = 4096;
constexpr std::uint32_t known_flags = 0x3f;

bool negates(Op op) {
    return op == Op::ne || op == Op::negated;
}
/// Whether a value without an operator asks for some of the bits, and == for the whole.
bool has_bits(const Node& left) {
    if (left.kind != Kind::selector) return false;
    auto s = left.as<nft::Selector>();
    return s == nft::Selector::ct_state || s == nft::Selector::ct_status ||
           s == nft::Selector::ct_label || s == nft::Selector::tcp_flags;
}
bool equates(Op op) {
    return op == Op::implicit || op == Op::eq;
}

}  // namespace

std::optional<Disjunction> both(const Disjunction& a, const Disjunction& b) {
    if (a.size() * b.size() > most_ways) return std::nullopt;
    Disjunction out;
    out.reserve(a.size() * b.size());
    for (const Conjunction& x : a)
        for (const Conjunction& y : b) {
            out.push_back(x);
            out.back().insert(out.back().end(), y.begin(), y.end());
        }
    return out;
}

Match NftMatches::never() {
    Match m;
    m.kind = MatchKind::comment;
    m.negated = true;
    return m;
}

bool NftMatches::is_never(const Conjunction& c) {
    return std::any_of(c.begin(), c.end(), [](const Match& m) {
        return m.kind == MatchKind::comment && m.negated;
    });
}

Match NftMatches::opaque(std::string_view text, OpaqueNature nature, ConntrackKey key,
                         bool unknown) const {
    Match m;
    m.kind = MatchKind::opaque;
    m.payload.opaque = {r_.intern(text), nature, key, unknown};
    return m;
}

std::optional<Disjunction> NftMatches::only(Conjunction c) {
    Disjunction d;
    d.push_back(std::move(c));
    return d;
}

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

/// The questions that nft asks before this one by itself; false when no packet of this family
/// passes them.
bool NftMatches::depends(const NftSelector& s, Conjunction& conjunction) {
    if (s.family && *s.family != r_.family) return false;
    if (s.protocol == 0 || s.protocol == NftSelector::any_protocol || s.protocol == asked_protocol_)
        return true;
    conjunction.push_back(protocol_match(s.protocol));
    asked_protocol_ = s.protocol;
    any_protocol_asked_ = true;
    return true;
}

Disjunction NftMatches::match(const Node& match) {
    const Node& left = *nft::child(match, std::size_t{0});
    const Node* right = nft::child(match, std::size_t{1});
    std::uint8_t asked = asked_protocol_;
    if (right != nullptr)
        if (auto d = read(left, match.as<Op>(), scope_.resolved(*right))) return std::move(*d);
    asked_protocol_ = asked;
    // Of what is compared only the whole is known by name.
    OpaqueNature nature = OpaqueNature::packet;
    ConntrackKey key = ConntrackKey::none;
    for (const Node* n = &left; n != &left + left.size; ++n) {
        if (n->kind != Kind::selector) continue;
        NftSelector s = nft_selector(*n);
        if (s.key != ConntrackKey::none) key = s.key;
        if (s.random) nature = OpaqueNature::occurrence;
        if (s.family && *s.family != r_.family) return {{never()}};
    }
    if (key != ConntrackKey::none) nature = OpaqueNature::occurrence;
    bool set = right != nullptr && scope_.resolved(*right).kind == Kind::set_ref;
    std::string text = set ? "set " : "";
    Op op = match.as<Op>();
    if (right == nullptr || (op == Op::eq && has_bits(left))) {
        text += scope_.canonical(match, true);
    } else {
        constexpr std::string_view signs[] = {"", "", "!= ", "< ", "> ", "<= ", ">= ", "! "};
        text += fmt::format("{} {}{}", scope_.canonical(left, true),
                            signs[static_cast<std::size_t>(op)], scope_.canonical(*right, true));
    }
    return {{opaque(text, nature, key, false)}};
}

std::optional<Disjunction> NftMatches::read(const Node& left, Op op, const Node& right) {
    switch (left.kind) {
        case Kind::concat:
            return concatenated(left, op, right);
        case Kind::binary: {
            const Node* selector = nft::child(left, std::size_t{0});
            const Node* mask = nft::child(left, std::size_t{1});
            if (left.as<nft::BinaryOp>() != nft::BinaryOp::and_ || selector == nullptr ||
                mask == nullptr || selector->kind != Kind::selector)
                return std::nullopt;
            return masked(nft_selector(*selector), *mask, op, right);
        }
        case Kind::selector:
            break;
        default:
            return std::nullopt;
    }
    NftSelector s = nft_selector(left);
    switch (s.field) {
        case NftField::other:
            return std::nullopt;
        case NftField::state:
            return states(op, right);
        case NftField::tcp_flags:
            return flags(s, op, right);
        default:
            break;
    }
    if (!equates(op) && !negates(op)) return compared(s, op, right);
    if (s.field == NftField::source || s.field == NftField::destination)
        return addresses(s, right, negates(op));
    std::vector<NftValue> found;
    if (!collect(s, right, found)) return std::nullopt;
    return values(s, found, negates(op));
}

bool NftMatches::collect(const NftSelector& s, const Node& right,
                         std::vector<NftValue>& out) const {
    const Node& node = scope_.resolved(right);
    if (node.kind == Kind::set_body || node.kind == Kind::set_ref)
        return scope_.each_element(node, [&](const Node& key, const Node*) {
            auto v = nft_value(scope_.tree(), key, s);
            if (v) out.push_back(*v);
            return v.has_value();
        });
    auto v = nft_value(scope_.tree(), node, s);
    if (v) out.push_back(*v);
    return v.has_value();
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

Match NftMatches::ports(const NftSelector& s, std::vector<NftValue>& values) const {
    std::vector<PortRange> ranges;
    ranges.reserve(values.size());
    for (const NftValue& v : values)
        ranges.push_back({static_cast<std::uint16_t>(v.first), static_cast<std::uint16_t>(v.last)});
    merge(ranges);
    Match m;
    m.kind =
        s.field == NftField::source_port ? MatchKind::source_port : MatchKind::destination_port;
    if (ranges.size() == 1) {
        m.payload.ports = ranges[0];
        return m;
    }
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
            // "th" is read of whatever the protocol has there; only after a question for the
            // protocol it is ports for certain.
            if (s.protocol == NftSelector::any_protocol && !any_protocol_asked_)
                return std::nullopt;
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
std::optional<Disjunction> NftMatches::states(Op op, const Node& right) {
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
            return only({state_match(all, false)});
        case Op::eq:
            return only({state_match(several && !set ? 0 : all, false)});
        case Op::ne:
            return only({state_match(several && !set ? 0 : all, true)});
        case Op::negated:
            return only({state_match(all, true)});
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

std::optional<Disjunction> NftMatches::element(const Node& left, const Node& which) {
    // Every element asks for itself.
    std::uint8_t asked = asked_protocol_;
    auto d = key(left, which);
    asked_protocol_ = asked;
    return d;
}

std::optional<Disjunction> NftMatches::key(const Node& left, const Node& which) {
    const Node& key = scope_.resolved(which);
    if (key.kind == Kind::any) return Disjunction{{}};
    if (left.kind == Kind::concat) {
        if (key.kind != Kind::concat) return std::nullopt;
        Disjunction all{{}};
        auto part = nft::children(key).begin();
        auto end = nft::children(key).end();
        for (const Node& field : nft::children(left)) {
            if (part == end) return std::nullopt;
            auto one = this->key(field, *part);
            if (!one) return std::nullopt;
            auto more = both(all, *one);
            if (!more) return std::nullopt;
            all = std::move(*more);
            ++part;
        }
        return part == end ? std::optional(std::move(all)) : std::nullopt;
    }
    // A key is one value; what is a list of flags elsewhere is looked up as it stands.
    bool exact = left.kind == Kind::selector && nft_selector(left).field == NftField::tcp_flags;
    return read(left, exact ? Op::eq : Op::implicit, key);
}

std::optional<Disjunction> NftMatches::concatenated(const Node& left, Op op, const Node& right) {
    if (!equates(op)) return std::nullopt;
    Disjunction all;
    auto add = [&](const Node& k, const Node*) {
        auto one = element(left, k);
        if (!one || all.size() + one->size() > most_ways) return false;
        for (Conjunction& c : *one)
            if (!is_never(c)) all.push_back(std::move(c));
        return true;
    };
    bool known = right.kind == Kind::concat ? add(right, nullptr) : scope_.each_element(right, add);
    if (!known) return std::nullopt;
    if (all.empty()) all.push_back({never()});
    return all;
}

}  // namespace untrack::model
