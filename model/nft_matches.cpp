// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_matches.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace untrack::model {

using nft::Kind;
using nft::Node;
using nft::Op;

namespace {

constexpr std::size_t most_ways = 1U << 20;

/// Whether a value without an operator asks for some of the bits, and == for the whole.
bool has_bits(const Node& left) {
    if (left.kind != Kind::selector) return false;
    auto s = left.as<nft::Selector>();
    return s == nft::Selector::ct_state || s == nft::Selector::ct_status ||
           s == nft::Selector::ct_label || s == nft::Selector::tcp_flags;
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
    return std::any_of(c.begin(), c.end(),
                       [](const Match& m) { return m.kind == MatchKind::comment && m.negated; });
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

bool NftMatches::append(const Node& match, Conjunction& out) {
    const Node& left = *nft::child(match, std::size_t{0});
    const Node* right = nft::child(match, std::size_t{1});
    const Op op = match.as<Op>();
    if (right == nullptr || left.kind != Kind::selector || !(equates(op) || op == Op::ne))
        return false;
    const Node& value = scope_.resolved(*right);
    const NftSelector s = nft_selector(left);
    if (s.field == NftField::state) {
        auto m = state(op, value);
        if (m) out.push_back(*m);
        return m.has_value();
    }
    if (!value.leaf() || value.kind == Kind::set_body || value.kind == Kind::set_ref) return false;
    const bool address = s.field == NftField::source || s.field == NftField::destination;
    const bool port = s.field == NftField::source_port || s.field == NftField::destination_port;
    const bool protocol = s.field == NftField::protocol;
    if (!address && !port && !protocol && s.field != NftField::in_interface &&
        s.field != NftField::out_interface)
        return false;
    if (port && !has_ports(s)) return false;
    auto v = nft_value(scope_.tree(), value, s);
    if (!v || (!address && !port && v->first != v->last)) return false;
    if (!depends(s, out)) {
        out.push_back(never());
        return true;
    }
    if (protocol) {
        any_protocol_asked_ = true;
        if (!negates(op)) asked_protocol_ = static_cast<std::uint8_t>(v->first);
    }
    Match m = address ? this->address(s.field == NftField::source, v->addresses)
              : port  ? port_match(s, {static_cast<std::uint16_t>(v->first),
                                       static_cast<std::uint16_t>(v->last)})
                      : single(s, *v);
    m.negated = negates(op);
    out.push_back(m);
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
        case NftField::state: {
            auto m = state(op, right);
            if (!m) return std::nullopt;
            return only({*m});
        }
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
