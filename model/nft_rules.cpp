// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_rules.hpp"

#include <algorithm>

#include "model/iptables_values.hpp"

namespace untrack::model {

using nft::Kind;
using nft::Node;
using nft::Selector;

void NftRules::lower(const Node& rule, std::uint32_t index, ChainId chain,
                     std::vector<Placed>& out) {
    index_ = index;
    chain_ = chain;
    inside_ = false;
    out_ = &out;
    ways_.assign(1, Way{});
    matches_.begin_rule();
    std::size_t before = out.size();
    statements(rule);
    // A rule without a verdict counts, and its matches turn tracking on all the same.
    if (out.size() == before) emit_for({}, Rule{}, {});
}

void NftRules::statements(const Node& parent) {
    for (const Node& s : nft::children(parent)) {
        switch (s.kind) {
            case Kind::family:
            case Kind::table_name:
            case Kind::chain_name:
            case Kind::name:
            case Kind::position:
            case Kind::handle:
            case Kind::comment:
            case Kind::error:
                break;
            default:
                statement(s);
                break;
        }
    }
}

// -- what is emitted
// -------------------------------------------------------------------------------------------------

void NftRules::narrow(Disjunction d) {
    if (d.size() == 1) {
        if (d.front().empty()) return;
        for (Way& way : ways_) {
            way.matches.insert(way.matches.end(), d.front().begin(), d.front().end());
            way.written = false;
        }
        return;
    }
    if (ways_.size() == 1 && ways_.front().matches.empty()) {
        ways_.clear();
        ways_.reserve(d.size());
        for (Conjunction& c : d) ways_.emplace_back().matches = std::move(c);
        return;
    }
    std::vector<Way> out;
    out.reserve(ways_.size() * d.size());
    for (const Way& way : ways_)
        for (const Conjunction& c : d) {
            out.emplace_back();
            out.back().matches = way.matches;
            out.back().matches.insert(out.back().matches.end(), c.begin(), c.end());
        }
    ways_ = std::move(out);
}

/// One rule for every way in which packets come here.
void NftRules::emit_for(const Conjunction& more, Rule rule, std::string_view text) {
    rule.line = index_;
    rule.chain = chain_;
    for (Way& way : ways_) {
        if (!way.written || !more.empty()) {
            auto first = static_cast<std::uint32_t>(r_.matches.size());
            r_.matches.insert(r_.matches.end(), way.matches.begin(), way.matches.end());
            r_.matches.insert(r_.matches.end(), more.begin(), more.end());
            rule.first_match = first;
            rule.match_count = static_cast<std::uint16_t>(way.matches.size() + more.size());
            if (more.empty()) {
                way.first = first;
                way.count = rule.match_count;
                way.written = true;
            }
        } else {
            rule.first_match = way.first;
            rule.match_count = way.count;
        }
        out_->push_back({chain_, RuleId(r_.rules.size())});
        r_.rules.push_back(rule);
        if (target_texts_) r_.target_texts.push_back(text.empty() ? StringId() : r_.intern(text));
    }
}

/// What may say something else of the same packet when it is asked again after the effect.
bool NftRules::changed_by(TargetKind target) const {
    auto changes = [&](const Match& m) {
        switch (m.kind) {
            case MatchKind::mark:
                return target == TargetKind::mark || target == TargetKind::connmark ||
                       target == TargetKind::rewrite_header;
            case MatchKind::state:
                return target == TargetKind::notrack;
            case MatchKind::opaque:
                return m.payload.opaque.nature != OpaqueNature::packet || target != TargetKind::log;
            default:
                return target == TargetKind::unknown;
        }
    };
    return std::any_of(ways_.begin(), ways_.end(), [&](const Way& way) {
        return std::any_of(way.matches.begin(), way.matches.end(), changes);
    });
}

/// From here on packets are in a chain of this rule's own, and nothing is asked of them again.
void NftRules::begin_chain(TargetKind with) {
    ChainId own = new_chain_(chain_);
    Rule jump;
    jump.target = with;
    jump.jump = own;
    emit_for({}, jump, {});
    ++r_.chains[own.value].references;
    chain_ = own;
    inside_ = true;
    ways_.assign(1, Way{});
}

void NftRules::effect(TargetKind target, std::string_view name, const Node& node,
                      std::uint32_t data) {
    if (changed_by(target)) begin_chain(TargetKind::jump);
    ends(target, name, node, data);
}

void NftRules::ends(TargetKind target, std::string_view name, const Node& node,
                    std::uint32_t data) {
    Rule rule;
    rule.target = target;
    rule.data = data;
    rule.target_name = r_.intern(name);
    emit_for({}, rule, target_texts_ ? scope_.canonical(node) : std::string());
}

void NftRules::limited(const Node& s, ConntrackKey key) {
    narrow(matches_.opaque(scope_.canonical(s), OpaqueNature::occurrence, key, false));
}

// -- statements
// -------------------------------------------------------------------------------------------------

void NftRules::statement(const Node& s) {
    switch (s.kind) {
        case Kind::match:
            if (ways_.size() == 1 && matches_.append(s, ways_.front().matches))
                ways_.front().written = false;
            else
                narrow(matches_.match(s));
            break;
        case Kind::verdict:
            verdict(s, {});
            break;
        case Kind::subchain:
            subchain(s);
            break;
        case Kind::vmap:
            verdict_map(s);
            break;
        case Kind::counter:
        case Kind::last:
            break;
        case Kind::limit:
        case Kind::quota:
        case Kind::meter:
            limited(s);
            break;
        case Kind::connlimit:
            limited(s, ConntrackKey::connlimit);
            break;
        case Kind::log:
            effect(TargetKind::log, "log", s);
            break;
        case Kind::reject:
            ends(TargetKind::reject, "reject", s);
            break;
        case Kind::snat:
            nat(s, TargetKind::snat);
            break;
        case Kind::dnat:
            nat(s, TargetKind::dnat);
            break;
        case Kind::masquerade:
            nat(s, TargetKind::masquerade);
            break;
        case Kind::redirect:
            nat(s, TargetKind::redirect);
            break;
        case Kind::tproxy:
            // Goes on when no socket takes the packet.
            ends(TargetKind::tproxy, "tproxy", s);
            break;
        case Kind::queue:
            ends(TargetKind::queue, "queue", s);
            break;
        case Kind::synproxy:
            ends(TargetKind::synproxy, "synproxy", s);
            break;
        case Kind::notrack:
            effect(TargetKind::notrack, "notrack", s);
            break;
        case Kind::object_set:
            // Helpers, timeouts and expectations are written into an entry that is there
            // (measured).
            effect(TargetKind::connsecmark, scope_.canonical(s), s);
            break;
        case Kind::flow_add:
            effect(TargetKind::flow_offload, "flow add", s);
            break;
        case Kind::dup:
        case Kind::option_reset:
        case Kind::tunnel_name:
            effect(TargetKind::side_effect, scope_.canonical(s), s);
            break;
        case Kind::assign:
            assign(s);
            break;
        case Kind::set_update:
            update_set(s);
            break;
        case Kind::xt:
            if (s.has(nft::flag::xt_target)) {
                ends(TargetKind::unknown, scope_.canonical(s), s);
            } else {
                narrow(matches_.opaque(scope_.canonical(s), OpaqueNature::occurrence,
                                       ConntrackKey::none, true));
            }
            break;
        default:
            // fwd, and what no statement known here is: it may do anything.
            ends(TargetKind::unknown, scope_.canonical(s), s);
            break;
    }
}

void NftRules::verdict(const Node& v, const Conjunction& more) {
    Rule rule;
    std::string text;
    const Node* name = nft::child(v, std::size_t{0});
    switch (v.as<nft::Verdict>()) {
        case nft::Verdict::accept:
            rule.target = TargetKind::accept;
            rule.target_name = r_.intern("accept");
            break;
        case nft::Verdict::drop:
            rule.target = TargetKind::drop;
            rule.target_name = r_.intern("drop");
            break;
        case nft::Verdict::continue_:
            return;
        case nft::Verdict::return_:
            rule.target = TargetKind::return_;
            rule.target_name = r_.intern("return");
            if (inside_) {
                // It would leave the chain of the rule's own alone.
                rule.target = TargetKind::unknown;
                text = "return";
            }
            break;
        case nft::Verdict::jump:
        case nft::Verdict::goto_:
            if (name != nullptr) jump(v, *name, more);
            return;
    }
    emit_for(more, rule, text);
}

void NftRules::jump(const Node& v, const Node& name, const Conjunction& more) {
    Rule rule;
    std::string_view to = scope_.text(scope_.resolved(name));
    bool go = v.as<nft::Verdict>() == nft::Verdict::goto_;
    if (inside_ && go) {
        // Out of the rule's own chain, goto ends where jump does.
        rule.target = TargetKind::unknown;
        rule.target_name = r_.intern(to);
        return emit_for(more, rule, scope_.canonical(v));
    }
    rule.jump = r_.find_chain(r_.chain(chain_).table, to);
    if (rule.jump.valid() && r_.chain(rule.jump).is_declared) {
        rule.target = go ? TargetKind::goto_ : TargetKind::jump;
        r_.chains[rule.jump.value].references += static_cast<std::uint32_t>(ways_.size());
    } else {
        rule.jump = {};
        rule.target = TargetKind::external;
        rule.target_name = r_.intern(to);
        rule.data = go ? 1 : 0;
    }
    emit_for(more, rule, {});
}

/// jump { ... }: a chain without a name.
void NftRules::subchain(const Node& s) {
    begin_chain(s.as<nft::Verdict>() == nft::Verdict::goto_ ? TargetKind::goto_ : TargetKind::jump);
    ChainId own = chain_;
    for (const Node& rule : nft::children(s)) {
        if (rule.kind != Kind::rule) continue;
        chain_ = own;
        inside_ = false;
        ways_.assign(1, Way{});
        matches_.begin_rule();
        statements(rule);
    }
    chain_ = own;
}

void NftRules::verdict_map(const Node& v) {
    const Node* left = nft::child(v, std::size_t{0});
    const Node* map = nft::child(v, std::size_t{1});
    // Once to see that all of it can be read, once for the rules: a map may be long.
    auto each_entry = [&](const auto& f) {
        return left != nullptr && map != nullptr &&
               scope_.each_element(*map, [&](const Node& key, const Node* data) {
                   if (data == nullptr || data->kind != Kind::verdict) return false;
                   auto d = matches_.element(*left, key);
                   if (d) f(key.kind == Kind::any, *d, *data);
                   return d.has_value();
               });
    };
    bool any = false;
    if (!each_entry([&](bool rest, const Disjunction&, const Node&) { any = any || rest; })) {
        // Any of its verdicts may come, jumps included.
        ends(TargetKind::unknown, scope_.canonical(v, true), v);
        return;
    }
    bool matches = false;
    auto emit = [&](bool wanted) {
        each_entry([&](bool rest, const Disjunction& packets, const Node& data) {
            if (rest != wanted) return;
            for (const Conjunction& c : packets) {
                if (NftMatches::is_never(c)) continue;
                matches = true;
                verdict(data, c);
            }
        });
    };
    emit(false);
    if (any) emit(true);
    if (!matches) emit_for({NftMatches::never()}, Rule{}, {});
}

// -- NAT
// -------------------------------------------------------------------------------------------------

void NftRules::read_ports(const Node& port, Translation& out) const {
    const Node* value = nft::child(port, std::size_t{0});
    NftSelector s;
    s.field = NftField::destination_port;
    auto v = value == nullptr ? std::nullopt : nft_value(scope_.tree(), scope_.resolved(*value), s);
    if (!v) {
        out.known = false;
        return;
    }
    out.ports =
        PortRange{static_cast<std::uint16_t>(v->first), static_cast<std::uint16_t>(v->last)};
}

Translation NftRules::translation(const Node& s) const {
    Translation out;
    out.random = s.has(nft::flag::random);
    out.fully_random = s.has(nft::flag::fully_random);
    out.persistent = s.has(nft::flag::persistent);
    for (const Node& part : nft::children(s)) {
        if (part.kind == Kind::port) {
            read_ports(part, out);
            continue;
        }
        NftSelector address;
        address.field = NftField::destination;
        address.family = r_.family;
        auto v = nft_value(scope_.tree(), scope_.resolved(part), address);
        if (v)
            out.addresses = v->addresses;
        else
            out.known = false;
    }
    return out;
}

void NftRules::nat(const Node& s, TargetKind target) {
    if (s.kind == Kind::snat || s.kind == Kind::dnat) {
        auto family = s.as<nft::Family>();
        if ((family == nft::Family::ip && r_.family == Family::ip6) ||
            (family == nft::Family::ip6 && r_.family == Family::ip))
            narrow(NftMatches::never());
    }
    // What a map has no answer for is not translated; which that is, is not followed.
    for (const Node* n = &s; n != &s + s.size; ++n)
        if (n->kind == Kind::map_lookup) {
            narrow(matches_.opaque(scope_.canonical(*n, true), OpaqueNature::packet,
                                   ConntrackKey::none, false));
            break;
        }
    auto data = static_cast<std::uint32_t>(r_.translations.size());
    r_.translations.push_back(translation(s));
    constexpr std::pair<TargetKind, std::string_view> names[] = {
        {TargetKind::snat, "snat"},
        {TargetKind::dnat, "dnat"},
        {TargetKind::masquerade, "masquerade"},
        {TargetKind::redirect, "redirect"}};
    for (const auto& [kind, name] : names)
        if (kind == target) ends(target, name, s, data);
}

// -- what changes packets, entries and sets
// -------------------------------------------------------------------------------------------------

std::optional<std::uint32_t> NftRules::mark_number(const Node* node) const {
    if (node == nullptr) return std::nullopt;
    NftSelector mark;
    mark.field = NftField::mark;
    auto v = nft_value(scope_.tree(), scope_.resolved(*node), mark);
    if (!v || v->first != v->last) return std::nullopt;
    return v->first;
}

/// A number, or the old mark with bits kept, set or turned over: "meta mark & 0xffffff00 | 0x1" is
/// what iptables' MARK is translated to.
std::optional<MarkChange> NftRules::mark_change(const Node& value) const {
    if (auto n = mark_number(&value)) return MarkChange{0, *n};
    if (value.kind == Kind::selector && value.as<Selector>() == Selector::meta_mark)
        return MarkChange{0xffffffffU, 0};
    if (value.kind != Kind::binary) return std::nullopt;
    const Node* left = nft::child(value, std::size_t{0});
    auto n = mark_number(nft::child(value, std::size_t{1}));
    auto before = left == nullptr || left->kind == Kind::number ? std::nullopt : mark_change(*left);
    if (!n || !before) return std::nullopt;
    switch (value.as<nft::BinaryOp>()) {
        case nft::BinaryOp::and_:
            return MarkChange{before->keep & *n, before->toggle & *n};
        case nft::BinaryOp::or_:
            return MarkChange{before->keep & ~*n, (before->toggle & ~*n) | *n};
        case nft::BinaryOp::xor_:
            return MarkChange{before->keep, before->toggle ^ *n};
        default:
            return std::nullopt;
    }
}

void NftRules::assign_mark(const Node& s, const Node& written) {
    const Node& value = scope_.resolved(written);
    if (auto change = mark_change(value)) {
        auto data = static_cast<std::uint32_t>(r_.marks.size());
        r_.marks.push_back(*change);
        return effect(TargetKind::mark, "meta mark set", s, data);
    }
    if (value.kind != Kind::selector || value.as<Selector>() != Selector::ct_mark)
        return effect(TargetKind::rewrite_header, "meta mark set", s);
    effect(TargetKind::connmark, "meta mark set ct mark", s, 1);
    // Without an entry the rule ends here (measured).
    Match tracked;
    tracked.kind = MatchKind::state;
    tracked.negated = true;
    tracked.payload.state = state_untracked | state_invalid;
    narrow(tracked);
}

void NftRules::assign(const Node& s) {
    const Node* target = nft::child(s, std::size_t{0});
    const Node* value = nft::child(s, std::size_t{1});
    std::string text = scope_.canonical(s);
    if (target == nullptr || value == nullptr || target->kind != Kind::selector)
        return ends(TargetKind::unknown, text, s);
    switch (target->as<Selector>()) {
        case Selector::meta_mark:
            return assign_mark(s, *value);
        case Selector::ct_mark:
            return effect(TargetKind::connmark, "ct mark set", s, 0);
        case Selector::ct_label:
        case Selector::ct_event:
        case Selector::ct_secmark:
        case Selector::ct_helper:
            return effect(TargetKind::connsecmark, text, s);
        case Selector::ct_zone:
            // NOTRACK before it is no entry to it: the packet is tracked again (measured).
            return effect(TargetKind::ct_template, "ct set", s, 1);
        case Selector::ip_saddr:
        case Selector::ip_daddr:
        case Selector::ip6_saddr:
        case Selector::ip6_daddr:
        case Selector::ip_protocol:
        case Selector::tcp_sport:
        case Selector::tcp_dport:
        case Selector::udp_sport:
        case Selector::udp_dport:
        case Selector::th_sport:
        case Selector::th_dport:
        case Selector::tcp_flags:
        case Selector::icmp_type:
        case Selector::icmpv6_type:
            return ends(TargetKind::unknown, text, s);
        default:
            return effect(TargetKind::side_effect, text, s);
    }
}

void NftRules::update_set(const Node& s) {
    effect(TargetKind::side_effect, "set", s);
    // "add @s { ip saddr limit rate over 10/second }" is a question, too.
    for (const Node* n = &s; n != &s + s.size; ++n) {
        bool counts = n->kind == Kind::connlimit;
        if (!counts && n->kind != Kind::limit && n->kind != Kind::quota) continue;
        narrow(matches_.opaque(scope_.canonical(s), OpaqueNature::occurrence,
                               counts ? ConntrackKey::connlimit : ConntrackKey::none, false));
        return;
    }
}

}  // namespace untrack::model
