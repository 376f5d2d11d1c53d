// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "analyzer/port_index.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::Match;
using packet::ConntrackState;
using packet::Packet;
using packet::Trace;
using packet::Truth;
using packet::Verdict;

/// Rules that are tried beside one NOTRACK rule.
constexpr std::size_t most_tries = 64;

/// Fewer packets in a second than this are no rate for the packets of TCP.
constexpr unsigned fewest_packets = 100;

bool is_limit(const model::Ruleset& r, const Match& m) {
    if (m.kind != model::MatchKind::opaque) return false;
    std::string_view text = r.string(m.payload.opaque.text);
    return text.starts_with("limit ") || text.starts_with("hashlimit ") ||
           text.starts_with("recent ");
}

const Match* limit_of(const model::Ruleset& r, const model::Rule& rule) {
    for (const Match& m : r.matches_of(rule))
        if (is_limit(r, m)) return &m;
    return nullptr;
}

/// A limit that cannot be meant for packets: so many in a minute, or a memory of the last few.
bool is_for_connections(std::string_view text) {
    if (text.starts_with("recent ")) return text.find("--hitcount ") != std::string_view::npos;
    for (std::string_view option : {"--limit ", "--hashlimit ", "--hashlimit-upto ",
                                    "--hashlimit-above ", "limit rate over ", "limit rate "}) {
        std::size_t at = text.find(option);
        if (at == std::string_view::npos) continue;
        const char* begin = text.data() + at + option.size();
        const char* end = text.data() + text.size();
        unsigned count = 0;
        auto [unit, error] = std::from_chars(begin, end, count);
        if (error != std::errc() || end - unit < 2 || *unit != '/') return false;
        return unit[1] != 's' || count < fewest_packets;
    }
    return false;
}

/// Whether the rule asks for a state that includes UNTRACKED, and not NEW.
bool asks_untracked_only(const model::Ruleset& r, const model::Rule& rule) {
    for (const Match& m : r.matches_of(rule)) {
        if (m.kind != model::MatchKind::state) continue;
        int matched = m.negated ? ~m.payload.state : m.payload.state;
        if ((matched & model::state_new) == 0) return true;
    }
    return false;
}

/// Whether some rule on the way, or the rule itself, matches now and then only.
bool is_counted(const model::Ruleset& r, const RulePath& path) {
    return std::any_of(path.rules.begin(), path.rules.end(), [&](model::RuleId id) {
        auto matches = r.matches_of(r.rule(id));
        return std::any_of(matches.begin(), matches.end(), [](const Match& m) {
            return m.kind == model::MatchKind::opaque &&
                   m.payload.opaque.nature == model::OpaqueNature::occurrence;
        });
    });
}

class EveryPacket {
  public:
    EveryPacket(const FileContext& file, const RulePath& rule)
        : file_(file), r_(file.ruleset), id_(rule.rules.back()) {
        for (model::RuleId step : rule.rules)
            for (const Match& m : r_.matches_of(r_.rule(step)))
                if (m.kind == model::MatchKind::opaque)
                    assumed_.push_back({std::string(r_.string(m.payload.opaque.text)), !m.negated});
        if (const Match* limit = limit_of(r_, r_.rule(id_)))
            limit_ = r_.string(limit->payload.opaque.text);
        only_untracked_ = asks_untracked_only(r_, r_.rule(id_));
    }

    /// A packet inside a connection that the rule meets because it is untracked.
    [[nodiscard]] std::optional<Packet> shown_by(const Packet& p) const {
        if (p.protocol != packet::proto_tcp) return std::nullopt;
        Packet first = p;
        first.tcp_flags = packet::tcp_syn;
        Packet later = p;
        later.tcp_flags = packet::tcp_ack;
        if (!is_untracked(first) || !is_untracked(later) || !meets(later)) return std::nullopt;
        for (ConntrackState state : {ConntrackState::established, ConntrackState::reply}) {
            Packet tracked = in_state(later, state);
            if (meets(tracked) || file_.tracer().trace(tracked, false).verdict != Verdict::accept)
                return std::nullopt;
        }
        bool conversion = only_untracked_ && !limit_.empty() && is_for_connections(limit_);
        if (!conversion && !meets(in_state(first, ConntrackState::new_))) return std::nullopt;
        if (!may_pass(first)) return std::nullopt;
        return hangs_on_it(later) ? std::optional(later) : std::nullopt;
    }

    [[nodiscard]] bool logs() const { return r_.rule(id_).target == model::TargetKind::log; }

  private:
    bool is_untracked(const Packet& p) const {
        return file_.raw_tracer().trace(p, false).untracked == Truth::yes;
    }
    bool meets(const Packet& p) const {
        Trace trace = file_.tracer().trace(p, true, assumed_);
        return std::any_of(trace.steps.begin(), trace.steps.end(),
                           [&](const packet::Step& s) { return s.rule == id_; });
    }
    Verdict verdict_when(const Packet& p, bool limit_holds) const {
        std::vector<packet::Assumption> assumed = assumed_;
        for (packet::Assumption& a : assumed)
            if (a.text == limit_) a.answer = limit_holds;
        return file_.tracer().trace(p, false, assumed).verdict;
    }
    bool may_pass(const Packet& p) const {
        return verdict_when(p, true) == Verdict::accept ||
               verdict_when(p, false) == Verdict::accept;
    }
    /// The packet passes and is logged, or passes or not as the limit says.
    bool hangs_on_it(const Packet& p) const {
        Verdict with = verdict_when(p, true);
        Verdict without = verdict_when(p, false);
        if (logs()) return with == Verdict::accept && without == Verdict::accept;
        auto stops = [](Verdict v) { return v == Verdict::drop || v == Verdict::reject; };
        return (with == Verdict::accept && stops(without)) ||
               (stops(with) && without == Verdict::accept);
    }

    const FileContext& file_;
    const model::Ruleset& r_;
    model::RuleId id_;
    std::vector<packet::Assumption> assumed_;
    std::string limit_;  ///< the predicate's text; empty when the rule has none
    bool only_untracked_ = false;
};

bool takes_tcp(const FileContext& file, const RulePath& notrack) {
    return witness(file, {&notrack},
                   [](const Packet& p) { return p.protocol == packet::proto_tcp; })
        .has_value();
}

void tell(const FileContext& file, Reporter& report, const RulePath& notrack, model::RuleId id,
          const EveryPacket& rule, const Packet& p) {
    const model::Rule& it = file.ruleset.rule(id);
    Finding& finding = report.add_text(
        rule.logs() ? file.target_range(it)
                    : file.match_range(it, {"limit", "hashlimit", "recent"}),
        fmt::format(
            "of the connections that line {} leaves untracked this {} meets every packet, not "
            "only the first: {}; for example {}; ask for `{}' here{}",
            file.line_number(file.ruleset.rule(notrack.rules.back())),
            rule.logs() ? "log" : "limit",
            rule.logs() ? "each of them is logged"
                        : "it refuses packets of connections that it has let in",
            packet::to_words(p),
            file.words("--tcp-flags FIN,SYN,RST,ACK SYN", "tcp flags & (fin|syn|rst|ack) == syn"),
            rule.logs() ? "" : ", and accept the service's other UNTRACKED packets beside it"),
        id);
    report.details(finding).witness = p;
}

}  // namespace

void ut216(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty()) return;
    const model::Ruleset& r = file.ruleset;
    std::vector<RulePath> notrack;
    for (model::RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id); path && takes_tcp(file, *path))
            notrack.push_back(std::move(*path));
    if (notrack.empty()) return;
    PortIndex candidates(r, notrack);
    for (std::size_t i = 0; i < r.rules.size(); ++i) {
        const model::Rule& rule = r.rules[i];
        bool logs = rule.target == model::TargetKind::log;
        if (!rule.live || !(logs || limit_of(r, rule) != nullptr)) continue;
        auto path = path_to(file, model::RuleId(i));
        // What a limit lets through to a log is few lines, whatever it counts.
        if (path && !(logs && is_counted(r, *path))) candidates.add(std::move(*path));
    }
    std::vector<bool> told(r.rules.size());
    for (const RulePath& raw : notrack) {
        std::size_t tries = 0;
        candidates.beside(raw, [&](const RulePath& path) {
            model::RuleId id = path.rules.back();
            if (told[id.value]) return false;
            EveryPacket rule(file, path);
            std::optional<Packet> shown;
            witness(file, {&raw, &path}, [&](const Packet& p) {
                shown = rule.shown_by(p);
                return shown.has_value();
            });
            if (shown) {
                told[id.value] = true;
                tell(file, report, raw, id, rule, *shown);
            }
            return ++tries == most_tries;
        });
    }
}

}  // namespace untrack::analyzer
