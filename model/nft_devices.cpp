// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_devices.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace untrack::model {

using nft::Kind;
using nft::Node;

std::optional<std::vector<NftDevice>> nft_devices(const NftScope& scope, const Node& node) {
    const Node* written = nft::child(node, std::size_t{0});
    if (written == nullptr) return std::nullopt;
    std::vector<NftDevice> out;
    auto add = [&](const Node& name) {
        std::string_view text = scope.text(name);
        bool readable = name.kind == Kind::string || name.kind == Kind::word;
        bool wildcard = text.ends_with('*');
        if (wildcard) text.remove_suffix(1);
        out.push_back({text, wildcard});
        return readable && (wildcard || !text.empty());
    };
    const Node& value = scope.resolved(*written);
    bool whole =
        value.kind == Kind::set_body
            ? scope.each_element(value, [&](const Node& key, const Node*) { return add(key); })
            : add(value);
    if (!whole) return std::nullopt;
    return out;
}

namespace {

bool names_loopback(const NftDevice& device) {
    constexpr std::string_view lo = "lo";
    return device.wildcard ? lo.starts_with(device.name) : device.name == lo;
}

/// Whether packets of other interfaces may pass through one of them.
bool may_carry_others(std::span<const NftDevice> devices) {
    return std::any_of(devices.begin(), devices.end(),
                       [](const NftDevice& d) { return d.wildcard || !names_loopback(d); });
}

// -- what rules ask and do
// -------------------------------------------------------------------------------------------------

/// What the rules that packets of a device may meet ask and do.
struct Facts {
    bool asks_interfaces = false;  ///< at a device below it is the device's name that they read
    bool asks_state = false;       ///< a connection, or a mark
    bool decides = false;          ///< some packets may not get through
    bool changes = false;          ///< marks, or whether packets are tracked
};

void add_selector(nft::Selector selector, Facts& facts) {
    const nft::SelectorInfo& info = nft::selector_info(selector);
    if (info.header == nft::Header::ct) facts.asks_state = true;
    if (info.header == nft::Header::fib) facts.asks_interfaces = true;
    if (info.header != nft::Header::meta) return;
    facts.asks_state = facts.asks_state || selector == nft::Selector::meta_mark;
    for (std::string_view begin : {"iif", "oif", "ibr", "obr", "sdif"})
        facts.asks_interfaces = facts.asks_interfaces || info.field.starts_with(begin);
}

void add_rule(const Node& rule, Facts& facts) {
    for (const Node* n = &rule; n != &rule + rule.size; ++n) {
        switch (n->kind) {
            case Kind::selector:
                add_selector(n->as<nft::Selector>(), facts);
                break;
            case Kind::verdict:
                facts.decides = facts.decides || n->as<nft::Verdict>() == nft::Verdict::drop;
                break;
            case Kind::connlimit:
                facts.asks_state = facts.decides = true;
                break;
            case Kind::vmap:
            case Kind::reject:
            case Kind::queue:
            case Kind::fwd:
                facts.decides = true;
                break;
            case Kind::xt:
            case Kind::error:
            case Kind::synproxy:
            case Kind::tproxy:
            case Kind::snat:
            case Kind::dnat:
            case Kind::masquerade:
            case Kind::redirect:
                facts.decides = facts.changes = true;
                break;
            case Kind::notrack:
            case Kind::assign:
            case Kind::object_set:
            case Kind::flow_add:
                facts.changes = true;
                break;
            default:
                break;
        }
    }
}

// -- the rules in front
// -------------------------------------------------------------------------------------------------

/// Writes the rules in front of those of a base chain.
class Entrance {
  public:
    Entrance(const NftEntering& to, ChainId chain, std::uint32_t line)
        : to_(to), r_(to.ruleset), chain_(chain), line_(line) {}

    /// No packet goes on.
    void close();
    /// What is neither received nor sent by one of the devices, nor passes through one on its way
    /// to or from another interface, does not go on.
    void only(std::span<const NftDevice> devices);
    /// The same of the ports of bridges.
    void only_bridged();
    /// What becomes of packets of other interfaces is not followed; `text`: all that decides it.
    void lose_others(std::span<const NftDevice> devices, std::string_view text);

  private:
    [[nodiscard]] Match interface(const NftDevice& device, bool negated) const;
    void leave_loopback();
    void emit(const std::vector<Match>& matches, TargetKind target, std::string_view name,
              std::string_view text);

    const NftEntering& to_;
    Ruleset& r_;
    ChainId chain_;
    std::uint32_t line_;
};

void Entrance::emit(const std::vector<Match>& matches, TargetKind target, std::string_view name,
                    std::string_view text) {
    Rule rule;
    rule.implied = true;
    rule.line = line_;
    rule.chain = chain_;
    rule.first_match = static_cast<std::uint32_t>(r_.matches.size());
    rule.match_count = static_cast<std::uint16_t>(matches.size());
    rule.target = target;
    rule.target_name = r_.intern(name);
    r_.matches.insert(r_.matches.end(), matches.begin(), matches.end());
    to_.placed.push_back({chain_, RuleId(r_.rules.size())});
    r_.rules.push_back(rule);
    if (to_.target_texts) r_.target_texts.push_back(text.empty() ? StringId() : r_.intern(text));
}

Match Entrance::interface(const NftDevice& device, bool negated) const {
    Match m;
    m.kind =
        r_.chain(chain_).hook == Hook::ingress ? MatchKind::in_interface : MatchKind::out_interface;
    m.negated = negated;
    m.payload.interface = {r_.intern(device.name), device.wildcard};
    return m;
}

Match beneath(Ruleset& r, std::string_view text) {
    Match m;
    m.kind = MatchKind::opaque;
    m.negated = true;
    m.payload.opaque = {r.intern(text), OpaqueNature::packet, ConntrackKey::none, false};
    return m;
}

void Entrance::close() {
    emit({}, TargetKind::accept, "accept", {});
}

/// No device is below lo.
void Entrance::leave_loopback() {
    emit({interface({"lo", false}, false)}, TargetKind::accept, "accept", {});
}

void Entrance::only(std::span<const NftDevice> devices) {
    if (devices.empty()) return close();
    if (std::none_of(devices.begin(), devices.end(), names_loopback)) leave_loopback();
    std::string_view how =
        r_.chain(chain_).hook == Hook::ingress ? "came in through" : "goes out through";
    std::vector<Match> matches;
    for (const NftDevice& d : devices) matches.push_back(interface(d, true));
    for (const NftDevice& d : devices)
        if (d.wildcard || !names_loopback(d))
            matches.push_back(
                beneath(r_, fmt::format("{} device {}{}", how, d.name, d.wildcard ? "*" : "")));
    emit(matches, TargetKind::accept, "accept", {});
}

void Entrance::only_bridged() {
    leave_loopback();
    bool comes = r_.chain(chain_).hook == Hook::ingress;
    emit({beneath(r_, comes ? "came in through a bridge" : "goes out through a bridge")},
         TargetKind::accept, "accept", {});
}

void Entrance::lose_others(std::span<const NftDevice> devices, std::string_view text) {
    std::vector<Match> matches;
    for (const NftDevice& d : devices) matches.push_back(interface(d, true));
    emit(matches, TargetKind::unknown,
         fmt::format("chain {}, which asks for interfaces", r_.chain(chain_).name), text);
}

/// The chains that a rule may lead to; those of a map may be any.
void add_chains(const NftEntering& to, const Node& rule, std::vector<ChainId>& met) {
    auto add = [&](ChainId id) {
        if (std::find(met.begin(), met.end(), id) == met.end()) met.push_back(id);
    };
    for (const Node* n = &rule; n != &rule + rule.size; ++n) {
        if (n->kind == Kind::verdict && !n->leaf()) {
            const Node& name = to.scope.resolved(*nft::child(*n, std::size_t{0}));
            ChainId id = to.ruleset.find_chain(to.table.id, to.scope.text(name));
            if (id.valid()) add(id);
        } else if (n->kind == Kind::vmap) {
            for (ChainId id : to.table.chains)
                if (!to.ruleset.chain(id).base) add(id);
        }
    }
}

bool hooks_in_at_forward(const NftEntering& to, const Node& hook) {
    const Node* word = nft::child(hook, std::size_t{hook.has(nft::flag::has_type) ? 1U : 0U});
    return to.scope.text(to.scope.resolved(*word)) == name(Hook::forward);
}

}  // namespace

void enter_by_device(const NftEntering& to, ChainId chain) {
    const NftChain& c = to.chains[chain.value];
    Facts facts;
    facts.decides = to.ruleset.chain(chain).policy == TargetKind::drop;
    std::string all = facts.decides ? "drop" : "";
    std::vector<ChainId> met{chain};
    for (std::size_t i = 0; i < met.size(); ++i)
        for (const Node* rule : to.chains[met[i].value].rules) {
            add_rule(*rule, facts);
            all += "; " + to.scope.canonical(*rule, true);
            add_chains(to, *rule, met);
        }
    auto line = static_cast<std::uint32_t>(c.hook - to.scope.tree().nodes.data());
    Entrance entrance(to, chain, line);
    auto unfollowed = [&](std::string message) {
        to.ruleset.unfollowed.push_back({c.hook->range(), std::move(message)});
    };
    bool bridge = to.table.family == nft::Family::bridge;
    bool matters = facts.decides || facts.changes;
    if (!c.devices_read) {
        unfollowed("the devices of this chain are not known");
        return entrance.close();
    }
    if (bridge && (!matters || hooks_in_at_forward(to, *c.hook))) return entrance.close();
    bool reads_devices = facts.asks_interfaces && (bridge || may_carry_others(c.devices));
    if ((bridge || reads_devices) && matters && (facts.asks_state || facts.changes)) {
        unfollowed(bridge ? "what this chain makes of packets that come or go through a bridge is "
                            "not followed: it asks for or changes marks or what is tracked"
                          : "what this chain makes of packets of interfaces above its devices is "
                            "not followed: it asks for interfaces, and asks for or changes marks "
                            "or what is tracked");
        if (bridge) return entrance.close();
    }
    if (bridge)
        entrance.only_bridged();
    else
        entrance.only(c.devices);
    if (reads_devices && matters) entrance.lose_others(c.devices, all);
}

}  // namespace untrack::model
