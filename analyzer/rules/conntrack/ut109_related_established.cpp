// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

/// The ports that rules of the table accept for new connections, in words.
std::string services(const FileContext& file, model::TableId table) {
    std::string out;
    std::size_t count = 0;
    for (const model::Rule& rule : file.ruleset.rules) {
        if (!rule.live || rule.target != model::TargetKind::accept ||
            file.ruleset.chain(rule.chain).table != table)
            continue;
        std::uint8_t protocol = 0;
        bool opens = true;
        for (const model::Match& m : file.ruleset.matches_of(rule)) {
            if (m.kind == model::MatchKind::protocol && !m.negated) protocol = m.payload.number;
            if (m.kind == model::MatchKind::state)
                opens = ((m.payload.state & model::state_new) != 0) != m.negated;
        }
        if (!opens) continue;
        for (const model::Match& m : file.ruleset.matches_of(rule)) {
            if (m.kind != model::MatchKind::destination_port || m.negated) continue;
            std::span<const model::PortRange> ranges(&m.payload.ports, 1);
            if (m.count > 0)
                ranges = std::span(file.ruleset.ports).subspan(m.payload.pool.first, m.count);
            for (const model::PortRange& range : ranges) {
                std::string port =
                    range.first == range.last
                        ? fmt::format("{}/{}", range.first, packet::protocol_name(protocol))
                        : fmt::format("{}-{}/{}", range.first, range.last,
                                      packet::protocol_name(protocol));
                if (fmt::format(", {},", out).find(fmt::format(", {},", port)) != std::string::npos)
                    continue;
                if (++count > 8) return out + " and more";
                out += fmt::format("{}{}", out.empty() ? "" : ", ", port);
            }
        }
    }
    return out;
}

bool accepts_established(const model::Ruleset& ruleset, const model::Rule& rule) {
    if (rule.target != model::TargetKind::accept) return false;
    for (const model::Match& m : ruleset.matches_of(rule))
        if (m.kind == model::MatchKind::state)
            return !m.negated && (m.payload.state & model::state_established) != 0;
    return false;
}

}  // namespace

void ut109(const FileContext& file, Reporter& report) {
    std::string text;
    model::TableId last;
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        if (!accepts_established(file.ruleset, rule) || !file.reachable(rule.chain)) continue;
        model::TableId table = file.ruleset.chain(rule.chain).table;
        if (!(table == last)) text = services(file, table);
        last = table;
        report.add_text(
            file.range(rule),
            fmt::format("all packets but the first of each connection pass here: answers to this "
                        "host's own connections{}{}; whatever is to leave conntrack needs an "
                        "accept of its own",
                        text.empty() ? "" : ", and the services that other rules open: ", text),
            id);
    }
}

}  // namespace untrack::analyzer
