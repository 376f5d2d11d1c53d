// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/nft_rule_text.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::rewriter {
namespace {

namespace nft = parser::nft;
using nft::Kind;
using nft::Node;
using nft::Selector;

bool is_selector(const Node& node, Selector selector) {
    return node.kind == Kind::selector && node.as<Selector>() == selector;
}

bool mentions(const Node& statement, Selector selector) {
    return std::any_of(&statement, &statement + statement.size,
                       [&](const Node& n) { return is_selector(n, selector); });
}

/// A match or verdict map that asks for the state and nothing else.
bool asks_state_alone(const Node& statement) {
    if (statement.kind != Kind::match && statement.kind != Kind::vmap) return false;
    const Node* left = nft::child(statement, std::size_t{0});
    return left != nullptr && is_selector(*left, Selector::ct_state);
}

bool is_limit(Kind kind) {
    return kind == Kind::limit || kind == Kind::quota || kind == Kind::connlimit ||
           kind == Kind::set_update || kind == Kind::meter;
}

/// Where a rule command says in which chain it stands.
bool is_reference(Kind kind) {
    return kind == Kind::family || kind == Kind::table_name || kind == Kind::chain_name ||
           kind == Kind::position;
}

std::string verdict_text(const model::Ruleset& r, const model::Rule& rule) {
    switch (rule.target) {
        case model::TargetKind::accept:
            return "accept";
        case model::TargetKind::drop:
            return "drop";
        case model::TargetKind::return_:
            return "return";
        case model::TargetKind::jump:
            return fmt::format("jump {}", r.target_name(rule));
        case model::TargetKind::goto_:
            return fmt::format("goto {}", r.target_name(rule));
        default:
            return {};
    }
}

/// Selectors of addresses and interfaces, and what they are in answers.
struct Turned {
    Selector from, to;
    std::string_view text;  ///< of `to`
};
constexpr Turned places[] = {
    {Selector::ip_saddr, Selector::ip_daddr, "ip daddr"},
    {Selector::ip_daddr, Selector::ip_saddr, "ip saddr"},
    {Selector::ip6_saddr, Selector::ip6_daddr, "ip6 daddr"},
    {Selector::ip6_daddr, Selector::ip6_saddr, "ip6 saddr"},
    {Selector::meta_iif, Selector::meta_oif, "oif"},
    {Selector::meta_oif, Selector::meta_iif, "iif"},
    {Selector::meta_iifname, Selector::meta_oifname, "oifname"},
    {Selector::meta_oifname, Selector::meta_iifname, "iifname"},
};

}  // namespace

std::string nft_ports(const Service& service, bool answer) {
    std::string list;
    for (const model::PortRange& p : service.ports) {
        if (!list.empty()) list += ", ";
        list +=
            p.first == p.last ? fmt::format("{}", p.first) : fmt::format("{}-{}", p.first, p.last);
    }
    bool plain = service.ports.size() == 1;
    return fmt::format("{} {} {}", packet::protocol_name(service.protocol),
                       answer ? "sport" : "dport", plain ? list : fmt::format("{{ {} }}", list));
}

bool acts_on_each_packet(const Node& rule) {
    for (const Node& statement : nft::children(rule))
        if (is_limit(statement.kind) || statement.kind == Kind::log || statement.kind == Kind::dup)
            return true;
    return false;
}

std::optional<std::string> nft_untracked_copy(const nft::SyntaxTree& tree,
                                              const model::Ruleset& ruleset,
                                              const model::Rule& rule, const CopyOptions& options) {
    const Node& node = tree.nodes[rule.line];
    std::string command;
    std::string statements;
    for (const Node& n : nft::children(node)) {
        if (is_reference(n.kind)) {
            command += fmt::format(" {}", tree.text_of(n));
            continue;
        }
        if (n.kind == Kind::comment || (is_limit(n.kind) && options.without_limits) ||
            (n.kind == Kind::log && options.without_limits))
            continue;
        if (n.kind == Kind::counter && !n.has(nft::flag::named)) {
            statements += " counter";
            continue;
        }
        if (asks_state_alone(n)) {
            if (n.kind != Kind::vmap) continue;
            std::string verdict = verdict_text(ruleset, rule);
            if (verdict.empty()) return std::nullopt;
            statements += fmt::format(" {}", verdict);
            continue;
        }
        if (mentions(n, Selector::ct_state)) return std::nullopt;
        if (options.without_flags && n.kind == Kind::match && mentions(n, Selector::tcp_flags))
            continue;
        statements += fmt::format(" {}", tree.text_of(n));
    }
    std::string out;
    if (!command.empty()) out = fmt::format("add rule{} ", command);
    if (!options.in_or_out.empty()) out += options.in_or_out + " ";
    if (!options.has_ports) out += nft_ports(*options.service, options.answer) + " ";
    if (options.part != Part::all)
        out += fmt::format("tcp flags & (syn | ack) {} syn ",
                           options.part == Part::first ? "==" : "!=");
    return out + "ct state untracked" + statements;
}

std::string nft_way(const nft::SyntaxTree& tree, const model::Rule& rule, const model::Rule& beside,
                    const Traffic& traffic) {
    auto asks = [&](Selector selector) {
        const Node& node = tree.nodes[beside.line];
        return mentions(node, selector);
    };
    std::string out;
    for (const Node& n : nft::children(tree.nodes[rule.line])) {
        if (n.kind != Kind::match) continue;
        const Node* left = nft::child(n, std::size_t{0});
        if (left == nullptr || left->kind != Kind::selector) continue;
        for (const Turned& place : places) {
            if (left->as<Selector>() != place.from) continue;
            bool leaves = place.from == Selector::meta_oif || place.from == Selector::meta_oifname;
            // A server's questions leave by nothing.
            if (leaves && traffic.request->role == Role::server) continue;
            if (asks(traffic.answer ? place.to : place.from)) continue;
            std::string_view text = tree.text_of(n);
            std::string_view rest = text.substr(left->end - n.begin);
            out += fmt::format("{}{}{}", out.empty() ? "" : " ",
                               traffic.answer ? place.text : text.substr(0, left->end - n.begin),
                               rest);
        }
    }
    return out;
}

}  // namespace untrack::rewriter
