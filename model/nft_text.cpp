// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_text.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "model/lower_nft.hpp"

namespace untrack::model {

namespace nft = parser::nft;

namespace {

using nft::Kind;
using nft::Node;

/// What the rule of the model does, said by a statement of this kind.
bool says(const Node& statement, TargetKind target) {
    switch (target) {
        case TargetKind::accept:
        case TargetKind::drop:
        case TargetKind::return_:
        case TargetKind::jump:
        case TargetKind::goto_:
        case TargetKind::external:
            return statement.kind == Kind::verdict || statement.kind == Kind::vmap ||
                   statement.kind == Kind::subchain;
        case TargetKind::reject:
            return statement.kind == Kind::reject;
        case TargetKind::notrack:
            return statement.kind == Kind::notrack;
        case TargetKind::queue:
            return statement.kind == Kind::queue;
        case TargetKind::log:
            return statement.kind == Kind::log;
        case TargetKind::dnat:
            return statement.kind == Kind::dnat;
        case TargetKind::snat:
            return statement.kind == Kind::snat;
        case TargetKind::masquerade:
            return statement.kind == Kind::masquerade;
        case TargetKind::redirect:
            return statement.kind == Kind::redirect;
        case TargetKind::flow_offload:
            return statement.kind == Kind::flow_add;
        case TargetKind::synproxy:
            return statement.kind == Kind::synproxy;
        case TargetKind::mark:
        case TargetKind::connmark:
        case TargetKind::connsecmark:
        case TargetKind::ct_template:
            return statement.kind == Kind::assign || statement.kind == Kind::object_set;
        default:
            return false;
    }
}

/// A key of a connection's entry by the name of the match that reads it in iptables.
bool reads(const Node& selector, std::string_view match) {
    using nft::Selector;
    auto s = selector.as<Selector>();
    if (match == "state") return s == Selector::ct_state;
    if (match == "connmark") return s == Selector::ct_mark;
    if (match == "connlabel") return s == Selector::ct_label;
    if (match == "helper") return s == Selector::ct_helper;
    if (match == "connbytes")
        return s == Selector::ct_bytes || s == Selector::ct_packets || s == Selector::ct_avgpkt;
    return match == "conntrack" && nft::selector_info(s).header == nft::Header::ct;
}

bool is_statement_of(const Node& statement, std::string_view match) {
    if (match == "connlimit") return statement.kind == Kind::connlimit;
    if (match == "limit" || match == "hashlimit") return statement.kind == Kind::limit;
    if (match == "recent") return statement.kind == Kind::set_update;
    if (statement.kind != Kind::match && statement.kind != Kind::vmap) return false;
    for (const Node* n = &statement; n != &statement + statement.size; ++n)
        if (n->kind == Kind::selector && reads(*n, match)) return true;
    return false;
}

/// What an answer shows where its question shows `word`.
std::string_view answering_word(std::string_view word) {
    static constexpr std::pair<std::string_view, std::string_view> swaps[] = {
        {"saddr", "daddr"},     {"daddr", "saddr"}, {"sport", "dport"}, {"dport", "sport"},
        {"iifname", "oifname"}, {"iif", "oif"},     {"oif", "iif"},     {"oifname", "iifname"},
    };
    for (auto [from, to] : swaps)
        if (from == word) return to;
    return word;
}

}  // namespace

TextRange NftText::range(const Rule& rule) const {
    return node(rule).range();
}

TextRange NftText::target_range(const Rule& rule) const {
    const Node* found = nullptr;
    for (const Node& n : nft::children(node(rule)))
        if (says(n, rule.target)) found = &n;
    return found != nullptr ? found->range() : range(rule);
}

TextRange NftText::match_range(const Rule& rule, std::span<const std::string_view> names) const {
    for (const Node& n : nft::children(node(rule)))
        for (std::string_view name : names)
            if (is_statement_of(n, name)) return n.range();
    return range(rule);
}

TextRange NftText::removal_range(const Rule& rule) const {
    // A command goes with its verb.
    const Node& above = tree_.nodes[rule.line - 1];
    TextRange out = above.kind == Kind::command ? above.range() : range(rule);
    std::string_view text = tree_.text;
    auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    std::uint32_t begin = out.begin;
    while (begin > 0 && is_blank(text[begin - 1])) --begin;
    std::uint32_t end = out.end;
    while (end < text.size() && (is_blank(text[end]) || text[end] == ';')) ++end;
    std::uint32_t line_end = end;
    // A comment behind the rule is about the rule; so is its handle.
    if (line_end < text.size() && text[line_end] == '#')
        line_end = static_cast<std::uint32_t>(std::min(text.find('\n', line_end), text.size()));
    if (line_end < text.size() && text[line_end] == '\r') ++line_end;
    bool whole_line = (begin == 0 || text[begin - 1] == '\n') &&
                      (line_end == text.size() || text[line_end] == '\n');
    if (!whole_line) return {out.begin, end};
    return {begin, line_end == text.size() ? line_end : line_end + 1};
}

std::string NftText::plain_text(const Rule& rule) const {
    std::string out;
    for (const Node& n : nft::children(node(rule))) {
        if (n.kind == Kind::counter || n.kind == Kind::comment) continue;
        for (char c : tree_.text_of(n)) {
            bool blank = c == ' ' || c == '\t' || c == '\n';
            if (!blank || (!out.empty() && out.back() != ' ')) out += blank ? ' ' : c;
        }
        out += ' ';
    }
    return out;
}

std::string NftText::answering_rule(const Rule& rule, Hook hook,
                                    std::string_view out_interface) const {
    std::string out = fmt::format("chain {} {{", name(hook));
    if (!out_interface.empty()) out += fmt::format(" oifname \"{}\"", out_interface);
    bool incoming = hook == Hook::prerouting || hook == Hook::input;
    bool outgoing = hook == Hook::output || hook == Hook::postrouting;
    for (const Node& n : nft::children(node(rule))) {
        if (n.kind == Kind::counter || n.kind == Kind::comment || n.kind == Kind::family ||
            n.kind == Kind::table_name || n.kind == Kind::chain_name || n.kind == Kind::position)
            continue;
        std::string statement;
        bool dropped = false;
        std::string_view text = tree_.text_of(n);
        for (std::size_t at = 0; at < text.size();) {
            std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
            std::string_view word = answering_word(text.substr(at, end - at));
            dropped = dropped || (word.starts_with("oif") && incoming) ||
                      (word.starts_with("iif") && outgoing);
            if (!word.empty()) statement += fmt::format(" {}", word);
            at = end + 1;
        }
        if (!dropped) out += statement;
    }
    return out + " }";
}

bool NftText::asks_named_set(const Rule& rule) const {
    const Node& whole = node(rule);
    return std::any_of(&whole, &whole + whole.size,
                       [](const Node& n) { return n.kind == Kind::set_ref; });
}

Ruleset NftText::with_target_texts() const {
    return lower(tree_, {ruleset.family, ruleset.path, true});
}

Ruleset NftText::reread(std::string_view changed) const {
    nft::SyntaxTree tree = nft::parse(changed);
    // Includes of nothing are of nothing still. Of other files the text would be needed.
    std::vector<nft::IncludeSite> was = nft::include_sites(tree_, 0);
    std::vector<nft::IncludeSite> now = nft::include_sites(tree, 0);
    if (tree_.included.empty() && was.size() == now.size())
        for (std::size_t i = 0; i < now.size(); ++i)
            if (const nft::Inclusion* known = tree_.inclusion(tree_.nodes[was[i].node]))
                tree.inclusions.push_back({now[i].node, {}, known->unread});
    return lower(tree, {ruleset.family, ruleset.path, true});
}

std::vector<TextError> NftText::syntax_errors() const {
    std::vector<TextError> out;
    out.reserve(tree_.errors.size());
    for (const nft::SyntaxError& e : tree_.errors) out.push_back({e.range, e.message});
    return out;
}

}  // namespace untrack::model
