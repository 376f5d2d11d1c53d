// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/coverage_text.hpp"
#include "analyzer/frameworks.hpp"

namespace untrack::analyzer {
namespace {

std::string_view kind_name(const FileContext& file, const model::Match& m) {
    using K = model::MatchKind;
    switch (m.kind) {
        case K::protocol:
            return "the protocol";
        case K::source:
        case K::source_range:
            return "the source address";
        case K::destination:
        case K::destination_range:
            return "the destination address";
        case K::in_interface:
            return file.words("-i", "the input interface");
        case K::out_interface:
            return file.words("-o", "the output interface");
        case K::source_port:
            return "the source port";
        case K::destination_port:
            return "the destination port";
        case K::either_port:
            return "the ports";
        case K::tcp_flags:
            return "the TCP flags";
        case K::icmp:
            return "the ICMP type";
        case K::fragment:
            return file.words("-f", "the fragment offset");
        case K::state:
        case K::conntrack:
            return "the conntrack state";
        case K::mark:
            return "the mark";
        case K::address_type:
            return "the address type";
        case K::comment:
            return "the family";
        case K::opaque:
            break;
    }
    return m.kind == K::opaque ? file.ruleset.string(m.payload.opaque.text) : "";
}

std::string reason(const FileContext& file, const packet::IdleRule& idle) {
    const model::Rule& rule = file.ruleset.rule(idle.rule);
    if (idle.why == packet::Idleness::excluded)
        return fmt::format("{} lead{} to its chain, and {} no such packet in",
                           lines(file, idle.jumps), idle.jumps.size() == 1 ? "s" : "",
                           idle.jumps.size() == 1 ? "lets" : "let");
    auto matches = file.ruleset.matches_of(rule);
    const model::Chain& chain = file.ruleset.chain(rule.chain);
    std::string where = chain.base
                            ? fmt::format("in {} of table {}", chain.name, file.table_name(rule))
                            : fmt::format("where chain {} is reached from", chain.name);
    if (idle.matches.size() == 1)
        return fmt::format("{} is never like this {}", kind_name(file, matches[idle.matches[0]]),
                           where);
    if (idle.matches.size() == 2)
        return fmt::format("{} and {} exclude each other {}",
                           kind_name(file, matches[idle.matches[0]]),
                           kind_name(file, matches[idle.matches[1]]), where);
    return fmt::format("its matches exclude one another {}", where);
}

}  // namespace

void ut304(const FileContext& file, Reporter& report) {
    for (const packet::IdleRule& idle : file.coverage().idle)
        if ((idle.why == packet::Idleness::contradictory ||
             idle.why == packet::Idleness::excluded) &&
            !is_owned_by_program(file.ruleset.chain(file.ruleset.rule(idle.rule).chain).name))
            report.add_text(file.range(file.ruleset.rule(idle.rule)),
                            fmt::format("no packet matches this rule: {}. Correct or delete it",
                                        reason(file, idle)),
                            idle.rule);
}

}  // namespace untrack::analyzer
