// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/port_index.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// REJECT rules that are tried beside one NOTRACK rule, and the other way round.
constexpr std::size_t most_tries = 64;

bool resets(const FileContext& file, const model::Rule& reject) {
    std::string_view text = file.text.at(file.range(reject));
    return text.find(" tcp-r") != std::string_view::npos ||
           text.find("tcp reset") != std::string_view::npos;
}

/// What the rule answers to the packet.
Packet answer_of(const FileContext& file, const model::Rule& reject, const Packet& p) {
    Packet answer = packet::reverse(p);
    answer.path = packet::Path::output;
    answer.in_interface.clear();
    answer.out_interface = p.in_interface;
    answer.mark = 0;
    answer.tcp_flags = 0;
    if (resets(file, reject)) {
        answer.tcp_flags = packet::tcp_rst | packet::tcp_ack;
        return answer;
    }
    bool six = p.family == model::Family::ip6;
    answer.protocol = six ? packet::proto_icmpv6 : packet::proto_icmp;
    answer.source_port = answer.destination_port = 0;
    answer.icmp_type = six ? 1 : 3;
    answer.icmp_code = six ? 4 : 3;
    return answer;
}

/// Whether anything is refused on its way out.
bool refuses_what_leaves(const FileContext& file) {
    const model::Ruleset& r = file.ruleset;
    auto leaves = [](const model::Chain& c) {
        return c.hook == model::Hook::output || c.hook == model::Hook::postrouting;
    };
    for (const model::Chain& c : r.chains)
        if (c.base && leaves(c) && c.policy == model::TargetKind::drop) return true;
    for (const model::Rule& rule : r.rules) {
        if (!rule.live ||
            (rule.target != model::TargetKind::drop && rule.target != model::TargetKind::reject))
            continue;
        const model::Chain& chain = r.chain(rule.chain);
        // A chain may be reached from several hooks.
        if (chain.base ? leaves(chain) : file.reachable(rule.chain)) return true;
    }
    return false;
}

struct Lost {
    Packet answer;
    packet::Step by;
};

/// The answer to a packet that the NOTRACK rule takes and that is rejected: lost now, but not if
/// the packet were tracked.
std::optional<Lost> lost_answer(const FileContext& file, const RulePath& notrack,
                                const RulePath& reject) {
    model::RuleId id = reject.rules.back();
    const model::Rule& rule = file.ruleset.rule(id);
    std::optional<Lost> lost;
    witness(file, {&notrack, &reject}, [&](const Packet& p) {
        if (packet::is_loopback(p) || goes_one_way(p) || p.path == packet::Path::output)
            return false;
        packet::Trace trace = file.tracer().trace(p, false);
        if (trace.verdict != Verdict::reject || trace.untracked != Truth::yes ||
            trace.decision.rule != id)
            return false;
        Packet answer = answer_of(file, rule, p);
        // nft's own reset is untracked where raw says so; other answers are INVALID (measured).
        if (file.text.nft() != nullptr && answer.protocol == packet::proto_tcp &&
            file.raw_tracer().trace(answer, false).untracked != Truth::no)
            return false;
        packet::Trace now = file.tracer().trace(in_state(answer, ConntrackState::invalid), false);
        bool reset = answer.tcp_flags != 0;
        packet::Trace tracked = file.tracer().trace(
            in_state(answer, reset ? ConntrackState::reply : ConntrackState::related), false);
        if (!is_refused(now) || tracked.verdict != Verdict::accept) return false;
        lost = Lost{in_state(answer, ConntrackState::invalid), now.decision};
        return true;
    });
    return lost;
}

}  // namespace

void ut225(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.uses.empty() || !refuses_what_leaves(file)) return;
    const model::Ruleset& r = file.ruleset;
    std::vector<RulePath> notrack;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id);
            path && r.chain(path->base).hook == model::Hook::prerouting)
            notrack.push_back(std::move(*path));
    if (notrack.empty()) return;
    PortIndex rejects(r, notrack);
    for (std::size_t i = 0; i < r.rules.size(); ++i) {
        const model::Rule& rule = r.rules[i];
        if (!rule.live || rule.target != model::TargetKind::reject) continue;
        if (auto path = path_to(file, model::RuleId(i))) rejects.add(std::move(*path));
    }
    std::vector<std::uint8_t> tried(r.rules.size());
    for (const RulePath& raw : notrack) {
        std::size_t tries = 0;
        rejects.beside(raw, [&](const RulePath& reject) {
            model::RuleId id = reject.rules.back();
            if (tried[id.value] == most_tries) return false;
            ++tried[id.value];
            if (auto lost = lost_answer(file, raw, reject)) {
                tried[id.value] = most_tries;
                Finding& finding = report.add_text(
                    file.target_range(r.rule(id)),
                    fmt::format("the packets that line {} leaves untracked are rejected here, but "
                                "the answer {} is INVALID then, and {} drops it: who asks waits in "
                                "vain; accept such answers before that, or drop the packets",
                                file.line_number(r.rule(raw.rules.back())),
                                packet::to_words(lost->answer), describe(file, lost->by)),
                    id);
                report.details(finding).witness = lost->answer;
            }
            return ++tries == most_tries;
        });
    }
}

}  // namespace untrack::analyzer
