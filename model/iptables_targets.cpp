// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "model/conntrack_facts.hpp"
#include "model/iptables_lowering.hpp"
#include "model/iptables_values.hpp"

namespace untrack::model {
namespace {

struct NamedTarget {
    std::string_view name;
    TargetKind kind;
};
// Extensions whose packets go on to the next rule unless the kind says otherwise (their man pages
// and net/netfilter/xt_*.c).
constexpr NamedTarget targets[] = {
    {"REJECT", TargetKind::reject},
    {"NOTRACK", TargetKind::notrack},
    {"MARK", TargetKind::mark},
    {"CONNMARK", TargetKind::connmark},
    {"CONNSECMARK", TargetKind::connsecmark},
    {"LOG", TargetKind::log},
    {"NFLOG", TargetKind::log},
    {"ULOG", TargetKind::log},
    {"DNAT", TargetKind::dnat},
    {"SNAT", TargetKind::snat},
    {"MASQUERADE", TargetKind::masquerade},
    {"REDIRECT", TargetKind::redirect},
    {"NETMAP", TargetKind::netmap},
    {"SYNPROXY", TargetKind::synproxy},
    {"TPROXY", TargetKind::tproxy},
    {"NFQUEUE", TargetKind::queue},
    {"SNPT", TargetKind::rewrite_header},
    {"DNPT", TargetKind::rewrite_header},
    {"HMARK", TargetKind::rewrite_header},
    {"AUDIT", TargetKind::side_effect},
    {"CHECKSUM", TargetKind::side_effect},
    {"CLASSIFY", TargetKind::side_effect},
    {"DSCP", TargetKind::side_effect},
    {"ECN", TargetKind::side_effect},
    {"HL", TargetKind::side_effect},
    {"IDLETIMER", TargetKind::side_effect},
    {"LED", TargetKind::side_effect},
    {"RATEEST", TargetKind::side_effect},
    {"SECMARK", TargetKind::side_effect},
    {"TCPMSS", TargetKind::side_effect},
    {"TCPOPTSTRIP", TargetKind::side_effect},
    {"TEE", TargetKind::side_effect},
    {"TOS", TargetKind::side_effect},
    {"TRACE", TargetKind::side_effect},
    {"TTL", TargetKind::side_effect},
};

bool has_option(const ExtensionUse& use, std::string_view name) {
    for (const ipt::Option* option : use.options)
        if (option->key != ipt::unknown_option && ipt::option_info(option->key).name == name)
            return true;
    return false;
}

/// Every form of MARK as (mark & keep) ^ toggle (libxt_MARK.c, xt_mark.c).
void lower_mark(Ruleset& ruleset, LineReader& reader, const ExtensionUse& use, Rule& rule) {
    MarkChange change{0xffffffffU, 0};
    for (const ipt::Option* option : use.options) {
        std::string_view name = ipt::option_info(option->key).name;
        std::uint32_t value = 0;
        std::uint32_t mask = 0;
        std::string_view text = reader.value(*option);
        if (!parse_mark(text, value, mask)) {
            reader.problem(*option, fmt::format("`{}' is no mark", text));
            continue;
        }
        if (name == "--set-xmark") {
            change = {~mask, value};
        } else if (name == "--set-mark") {
            change = {~(mask | value), value};
        } else if (name == "--and-mark") {
            change = {value, 0};
        } else if (name == "--or-mark") {
            change = {~value, value};
        } else {  // --xor-mark
            change = {0xffffffffU, value};
        }
    }
    rule.data = static_cast<std::uint32_t>(ruleset.marks.size());
    ruleset.marks.push_back(change);
}

TargetKind extension_target(const ExtensionUse& use) {
    if (use.name == "CT")
        return has_option(use, "--notrack") ? TargetKind::notrack : TargetKind::ct_template;
    if (use.name == "SET")
        return has_option(use, "--map-set") ? TargetKind::rewrite_header : TargetKind::side_effect;
    for (const NamedTarget& t : targets)
        if (t.name == use.name) return t.kind;
    return TargetKind::unknown;
}

}  // namespace

void lower_target(Ruleset& ruleset, LineReader& reader, const ExtensionUse& use, bool is_goto,
                  Rule& rule) {
    TableId table = ruleset.chain(rule.chain).table;
    if (!is_goto) {
        if (use.name == "ACCEPT") {
            rule.target = TargetKind::accept;
        } else if (use.name == "DROP") {
            rule.target = TargetKind::drop;
        } else if (use.name == "RETURN") {
            rule.target = TargetKind::return_;
        } else if (use.name == "QUEUE") {
            rule.target = TargetKind::queue;
        }
        if (rule.target != TargetKind::none) {
            rule.target_name = ruleset.intern(use.name);
            return;
        }
    }
    // A chain hides a target of the same name (measured).
    ChainId chain = ruleset.find_chain(table, use.name);
    if (chain.valid() && !ruleset.chain(chain).base) {
        rule.target = is_goto ? TargetKind::goto_ : TargetKind::jump;
        rule.jump = chain;
        return;
    }
    rule.target_name = ruleset.intern(use.name);
    if (is_goto || use.extension == ipt::no_extension) {
        // Perhaps a chain that comes later in the file; resolved when all lines are read. `data`
        // keeps whether it was -g.
        rule.target = TargetKind::external;
        rule.data = is_goto ? 1 : 0;
        return;
    }
    rule.target = extension_target(use);
    if (rule.target == TargetKind::mark) lower_mark(ruleset, reader, use, rule);
    if (conntrack_need(rule.target) == ConntrackNeed::nat) {
        rule.data = static_cast<std::uint32_t>(ruleset.translations.size());
        ruleset.translations.push_back(lower_translation(ruleset.family, reader, use, rule.target));
    }
    if (rule.target == TargetKind::connmark) rule.data = has_option(use, "--restore-mark") ? 1 : 0;
}

}  // namespace untrack::model
