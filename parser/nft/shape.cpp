// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/shape.hpp"

#include <fmt/format.h>
#include <iterator>

namespace untrack::parser::nft {
namespace {

constexpr const char* kinds[] = {"file",
                                 "include",
                                 "define",
                                 "undefine",
                                 "command",
                                 "error",
                                 "table",
                                 "chain",
                                 "rule",
                                 "set",
                                 "elements_command",
                                 "flowtable",
                                 "object",
                                 "ruleset",
                                 "many",
                                 "family",
                                 "table_name",
                                 "chain_name",
                                 "name",
                                 "handle",
                                 "position",
                                 "hook",
                                 "device",
                                 "devices",
                                 "priority",
                                 "policy",
                                 "table_flags",
                                 "type",
                                 "type_of",
                                 "set_flags",
                                 "timeout",
                                 "expires",
                                 "gc_interval",
                                 "size",
                                 "set_policy",
                                 "auto_merge",
                                 "elements",
                                 "property",
                                 "comment",
                                 "match",
                                 "verdict",
                                 "subchain",
                                 "vmap",
                                 "counter",
                                 "limit",
                                 "burst",
                                 "quota",
                                 "used",
                                 "connlimit",
                                 "last",
                                 "log",
                                 "reject",
                                 "snat",
                                 "dnat",
                                 "masquerade",
                                 "redirect",
                                 "port",
                                 "tproxy",
                                 "dup",
                                 "fwd",
                                 "queue",
                                 "notrack",
                                 "flow_add",
                                 "synproxy",
                                 "set_update",
                                 "meter",
                                 "option_reset",
                                 "object_set",
                                 "tunnel_name",
                                 "assign",
                                 "xt",
                                 "opaque",
                                 "selector",
                                 "inner",
                                 "raw_payload",
                                 "concat",
                                 "list",
                                 "binary",
                                 "map_lookup",
                                 "masked",
                                 "range",
                                 "prefix",
                                 "minus",
                                 "set_body",
                                 "element",
                                 "word",
                                 "string",
                                 "number",
                                 "time",
                                 "ip4",
                                 "ip6",
                                 "mac",
                                 "classid",
                                 "wildcard",
                                 "any",
                                 "variable",
                                 "set_ref"};
static_assert(std::size(kinds) == static_cast<std::size_t>(Kind::set_ref) + 1);

constexpr const char* ops[] = {"", "==", "!=", "<", ">", "<=", ">=", "!"};
constexpr const char* verdicts[] = {"accept", "drop", "continue", "return", "jump", "goto"};
constexpr const char* binary_ops[] = {"&", "|", "^", "<<", ">>"};

std::string name_of(const SyntaxTree& tree, const Node& node) {
    switch (node.kind) {
        case Kind::selector: {
            const SelectorInfo& info = selector_info(node.as<Selector>());
            std::string name(header_name(info.header));
            if (!info.field.empty()) name += ' ' + std::string(info.field);
            return name + (node.flags != 0 ? fmt::format("!{}", node.flags) : "");
        }
        case Kind::verdict:
            return verdicts[node.detail];
        case Kind::match:
            return std::string("match") + ops[node.detail];
        case Kind::binary:
            return std::string("binary") + binary_ops[node.detail];
        case Kind::range:
        case Kind::prefix:
            if (node.leaf()) {
                Halves halves(tree, node);
                return fmt::format("{}({}, {})", kinds[static_cast<int>(node.kind)],
                                   shape(tree, *halves.first), shape(tree, *halves.second));
            }
            break;
        default:
            break;
    }
    std::string name = kinds[static_cast<int>(node.kind)];
    if (node.detail != 0) name += fmt::format(".{}", node.detail);
    if (node.flags != 0) name += fmt::format("!{}", node.flags);
    return name;
}

bool has_text(Kind kind) {
    return kind >= Kind::word || kind == Kind::opaque || kind == Kind::error ||
           kind == Kind::name || kind == Kind::table_name || kind == Kind::chain_name;
}

}  // namespace

std::string description(const SyntaxTree& tree, const Node& node) {
    std::string out = name_of(tree, node);
    if (node.leaf() && has_text(node.kind)) out += fmt::format(" {}", tree.text_of(node));
    return out;
}

std::string shape(const SyntaxTree& tree, const Node& node) {
    std::string out = description(tree, node);
    if (node.leaf()) return out;
    out += '(';
    const char* comma = "";
    for (const Node& part : children(node)) {
        out += comma + shape(tree, part);
        comma = ", ";
    }
    return out + ')';
}

}  // namespace untrack::parser::nft
