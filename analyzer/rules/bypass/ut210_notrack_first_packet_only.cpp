// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::Packet;
using packet::Truth;

constexpr std::uint8_t first_or_not =
    packet::tcp_syn | packet::tcp_ack | packet::tcp_rst | packet::tcp_fin;

/// SYNPROXY wants the SYN untracked and everything else tracked. It can be in another file where
/// this one has nothing but raw.
bool may_be_for_synproxy(const FileContext& file) {
    const model::Ruleset& r = file.ruleset;
    return file.rules.synproxy ||
           std::none_of(r.chains.begin(), r.chains.end(), [](const model::Chain& c) {
               return c.base &&
                      (c.role == model::ChainRole::filter || c.role == model::ChainRole::mangle);
           });
}

/// A packet of an open connection that stays tracked, though the rule takes the one that opened it.
std::optional<Packet> left_tracked(const FileContext& file, const RulePath& path) {
    std::optional<Packet> later;
    witness(file, {&path}, [&](const Packet& p) {
        if (p.protocol != packet::proto_tcp || (p.tcp_flags & first_or_not) != packet::tcp_syn ||
            packet::is_loopback(p) || file.raw_tracer().trace(p, false).untracked != Truth::yes)
            return false;
        Packet next = p;
        next.tcp_flags = packet::tcp_ack;
        next.mark = 0;
        if (file.raw_tracer().trace(next, false).untracked != Truth::no) return false;
        later = next;
        return true;
    });
    return later;
}

}  // namespace

void ut210(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.uses.empty() || may_be_for_synproxy(file)) return;
    for (model::RuleId id : file.rules.notrack) {
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::raw) continue;
        bool asks_flags =
            std::any_of(path->rules.begin(), path->rules.end(), [&](model::RuleId step) {
                return has_match(file.ruleset, file.ruleset.rule(step),
                                 {model::MatchKind::tcp_flags});
            });
        if (!asks_flags) continue;
        auto later = left_tracked(file, *path);
        if (!later) continue;
        Finding& finding = report.add_text(
            file.target_range(file.ruleset.rule(id)),
            fmt::format("only the packet that opens a connection is untracked by this: conntrack "
                        "takes up the connection at the next one, for example {}, and makes an "
                        "entry, or calls it INVALID; take {} away, so that all packets of the "
                        "service are untracked",
                        packet::to_words(*later), file.words("the test of flags", "`tcp flags'")),
            id);
        report.details(finding).witness = *later;
    }
}

}  // namespace untrack::analyzer
