// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "analyzer/port_index.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Trace;
using packet::Truth;
using packet::Verdict;

/// Accepts that are tried beside one NOTRACK rule on one path.
constexpr std::size_t most_tries = 64;

/// Ports that Linux gives to sockets which ask for none.
constexpr model::PortRange ephemeral{32768, 60999};

/// Passes, with the addresses that it has: where NAT would change them, the filter table would see
/// others.
bool passes(const FileContext& file, const Packet& p, ConntrackState state) {
    Trace trace = file.tracer().trace(in_state(p, state), false);
    return trace.verdict == Verdict::accept && !trace.nat_applied;
}

/// Whether the packet answers one that opens a flow, and passes while the flow is tracked.
bool answers(const FileContext& file, const Packet& p) {
    Packet opener = packet::reverse(p);
    if (opener.protocol == packet::proto_tcp) opener.tcp_flags = packet::tcp_syn;
    return passes(file, opener, ConntrackState::new_) && passes(file, p, ConntrackState::reply);
}

/// A packet of the NOTRACK rule, and whether it is there to open a flow or to answer one.
struct Candidate {
    Packet packet;
    bool opens;
};

/// What to try of the packets that are like this one. A rule that goes by source port alone is
/// about answers: no connection is opened from such a port unless a socket may get it by chance, or
/// speaks UDP from port to port, as ntpd does.
std::vector<Candidate> candidates(const FileContext& file, const model::Rule& notrack,
                                  const Packet& p) {
    if (!has_match(file.ruleset, notrack, {model::MatchKind::source_port}) ||
        has_match(file.ruleset, notrack, {model::MatchKind::destination_port}))
        return {{p, true}};
    std::vector<Candidate> out;
    if (ephemeral.first <= p.source_port && p.source_port <= ephemeral.last)
        out.push_back({p, true});
    Packet other = p;
    if (p.protocol == packet::proto_udp) {
        other.destination_port = other.source_port;
        out.push_back({other, true});
    }
    other = p;
    if (p.tcp_flags == packet::tcp_syn) other.tcp_flags = packet::tcp_ack;
    out.push_back({other, false});
    return out;
}

/// Accept rules of the filter table by the path of the packets they see; their conditions make
/// packets that the ruleset lets through.
class Accepts {
  public:
    Accepts(const FileContext& file, std::span<const RulePath> notrack)
        : by_path_{index(file, packet::Path::input, notrack),
                   index(file, packet::Path::output, notrack),
                   index(file, packet::Path::forward, notrack)} {
        // An accept of NEW packets alone is what a conversion forgets first.
        add_all(file, true);
        add_all(file, false);
    }
    [[nodiscard]] const PortIndex& on(packet::Path way) const {
        return by_path_[static_cast<std::size_t>(way)];
    }

  private:
    void add_all(const FileContext& file, bool with_state) {
        const model::Ruleset& r = file.ruleset;
        for (std::size_t i = 0; i < r.chains.size(); ++i) {
            const model::Chain& chain = r.chains[i];
            if (file.role(model::ChainId(i)) != model::ChainRole::filter) continue;
            auto path = path_to(file, model::ChainId(i));
            if (!path) continue;
            packet::Path way = paths_through(r.chain(path->base).hook).front();
            PortIndex& index = by_path_[static_cast<std::size_t>(way)];
            // Most chains of a large ruleset are for services that nobody took out of tracking.
            if (!index.asked(*path)) continue;
            for (model::RuleId id : r.rules_of(chain)) {
                if (r.rule(id).target != model::TargetKind::accept ||
                    has_match(r, r.rule(id), {model::MatchKind::state}) != with_state)
                    continue;
                RulePath whole = *path;
                whole.rules.push_back(id);
                index.add(std::move(whole));
            }
        }
    }

    static PortIndex index(const FileContext& file, packet::Path way,
                           std::span<const RulePath> notrack) {
        std::vector<RulePath> asked;
        for (const RulePath& path : notrack) {
            auto ways = paths_through(file.ruleset.chain(path.base).hook);
            if (std::find(ways.begin(), ways.end(), way) != ways.end()) asked.push_back(path);
        }
        return {file.ruleset, asked};
    }

    std::array<PortIndex, 3> by_path_;  ///< in the order of packet::Path
};

/// A packet that is lost because it is not tracked, and where it is dropped.
struct Loss {
    Packet packet;
    packet::Step dropped;
};

std::optional<Loss> loss_on(const FileContext& file, packet::Path way,
                            const std::vector<const RulePath*>& conditions) {
    auto p = packet_for(file, way, conditions);
    if (!p) return std::nullopt;
    for (const Candidate& c :
         candidates(file, file.ruleset.rule(conditions.front()->rules.back()), *p)) {
        Trace trace = file.tracer().trace(c.packet, false);
        bool dropped = trace.verdict == Verdict::drop || trace.verdict == Verdict::reject;
        if (!dropped || trace.untracked != Truth::yes) continue;
        bool worked =
            c.opens ? passes(file, c.packet, ConntrackState::new_) : answers(file, c.packet);
        if (worked) return Loss{c.packet, trace.decision};
    }
    return std::nullopt;
}

std::optional<Loss> loss_of(const FileContext& file, const RulePath& notrack,
                            const Accepts& accepts) {
    for (packet::Path way : paths_through(file.ruleset.chain(notrack.base).hook)) {
        std::optional<Loss> loss;
        std::size_t tries = 0;
        accepts.on(way).beside(notrack, [&](const RulePath& accept) {
            loss = loss_on(file, way, {&notrack, &accept});
            return loss || ++tries == most_tries;
        });
        if (!loss) loss = loss_on(file, way, {&notrack});
        if (loss) return loss;
    }
    return std::nullopt;
}

}  // namespace

void ut202(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty()) return;
    std::vector<RulePath> notrack;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id)) notrack.push_back(std::move(*path));
    Accepts accepts(file, notrack);
    for (const RulePath& path : notrack) {
        model::RuleId id = path.rules.back();
        auto loss = loss_of(file, path, accepts);
        if (!loss) continue;
        Finding& finding = report.add_text(
            file.target_range(file.ruleset.rule(id)),
            fmt::format("packets that this rule takes out of tracking are dropped by {}, though "
                        "tracked they would pass: accept them there with "
                        "`{}' and the service's port; for example {}",
                        describe(file, loss->dropped),
                        file.words("-m conntrack --ctstate UNTRACKED", "ct state untracked"),
                        packet::to_words(loss->packet)),
            id);
        report.details(finding).witness = loss->packet;
    }
}

}  // namespace untrack::analyzer
