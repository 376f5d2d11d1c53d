// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/related.hpp"
#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::ConntrackMatch;
using packet::ConntrackState;
using packet::Packet;
using packet::Truth;

/// NOTRACK rules that are tried beside each rule.
constexpr std::size_t most_tries = 64;

const model::Match* conntrack_of(const model::Ruleset& r, const model::Rule& rule) {
    for (const model::Match& m : r.matches_of(rule))
        if (m.kind == model::MatchKind::conntrack &&
            (r.conntrack[m.payload.pool.first].has & ConntrackMatch::ctstate) != 0)
            return &m;
    return nullptr;
}

/// What a rule asks of a connection beside its state.
class Beside {
  public:
    Beside(const model::Ruleset& r, const model::Match& match)
        : asks_(r.conntrack[match.payload.pool.first]) {
        asks_.has = static_cast<std::uint16_t>(asks_.has & ~ConntrackMatch::ctstate);
        match_.kind = model::MatchKind::conntrack;
        match_.payload.pool.first = 0;
        alone_.family = r.family;
        alone_.conntrack.push_back(asks_);
    }

    /// Whether it is not so of the packet, were it tracked.
    [[nodiscard]] bool excludes(const Packet& p) const {
        constexpr std::uint8_t none = 0x80;
        constexpr std::uint16_t of_entries = ConntrackMatch::status | ConntrackMatch::expire;
        // No packet without an entry has one that is so.
        if ((asks_.has & ~asks_.negated & of_entries) != 0 && asks_.status_bits != none)
            return true;
        auto not_so_in = [&](ConntrackState state) {
            packet::View view;
            view.state = state;
            return packet::matches(alone_, match_, p, view) == Truth::no;
        };
        // Of a packet alone nobody knows which way its connection goes.
        return not_so_in(ConntrackState::established) && not_so_in(ConntrackState::reply);
    }

    [[nodiscard]] std::string options() const {
        struct Name {
            std::uint16_t field;
            const char* option;
        };
        static constexpr Name names[] = {{ConntrackMatch::ctproto, "--ctproto"},
                                         {ConntrackMatch::orig_src, "--ctorigsrc"},
                                         {ConntrackMatch::orig_dst, "--ctorigdst"},
                                         {ConntrackMatch::repl_src, "--ctreplsrc"},
                                         {ConntrackMatch::repl_dst, "--ctrepldst"},
                                         {ConntrackMatch::status, "--ctstatus"},
                                         {ConntrackMatch::expire, "--ctexpire"},
                                         {ConntrackMatch::orig_src_port, "--ctorigsrcport"},
                                         {ConntrackMatch::orig_dst_port, "--ctorigdstport"},
                                         {ConntrackMatch::repl_src_port, "--ctreplsrcport"},
                                         {ConntrackMatch::repl_dst_port, "--ctrepldstport"},
                                         {ConntrackMatch::direction, "--ctdir"}};
        std::string out;
        for (const Name& name : names)
            if ((asks_.has & name.field) != 0)
                out += fmt::format("{}{}", out.empty() ? "" : ", ", name.option);
        return out;
    }

  private:
    ConntrackMatch asks_;
    model::Ruleset alone_;  ///< with nothing but what is asked
    model::Match match_;
};

/// Packets like this one, in the hope that some are not what the rule asks for.
std::vector<Packet> like(const Packet& p) {
    std::vector<Packet> list{p};
    for (int field = 0; field < 4; ++field) {
        Packet other = p;
        std::size_t last = p.family == model::Family::ip ? 3 : 15;
        auto change = [&](model::Address& a) { a.bytes[last] ^= 0x40; };
        if (field == 0) change(other.source);
        if (field == 1) change(other.destination);
        if (field > 1 && !packet::has_ports(p.protocol)) continue;
        if (field == 2) other.source_port = static_cast<std::uint16_t>(p.source_port ^ 1U);
        if (field == 3)
            other.destination_port = static_cast<std::uint16_t>(p.destination_port ^ 1U);
        list.push_back(other);
    }
    return list;
}

std::optional<Packet> taken_unasked(const FileContext& file, const RulePath& raw,
                                    const RulePath& path, const Beside& beside) {
    std::optional<Packet> shown;
    witness(file, {&raw, &path}, [&](const Packet& example) {
        for (const Packet& p : like(example)) {
            if (!beside.excludes(p)) continue;
            packet::Trace trace = file.tracer().trace(p, true);
            if (trace.untracked != Truth::yes) continue;
            bool met =
                std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
                    return s.rule == path.rules.back() && s.matched == Truth::yes;
                });
            if (!met) continue;
            shown = p;
            return true;
        }
        return false;
    });
    return shown;
}

}  // namespace

void ut221(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty()) return;
    for (model::RuleId id : file.rules.state_matches) {
        const model::Rule& rule = file.ruleset.rule(id);
        const model::Match* match = conntrack_of(file.ruleset, rule);
        if (match == nullptr) continue;
        auto path = path_to(file, id);
        if (!path || file.role(path->base) == model::ChainRole::raw) continue;
        Beside beside(file.ruleset, *match);
        std::size_t tries = 0;
        for (model::RuleId notrack_id : file.rules.notrack) {
            if (++tries > most_tries) break;
            auto raw = path_to(file, notrack_id);
            if (!raw) continue;
            auto p = taken_unasked(file, *raw, *path, beside);
            if (!p) continue;
            Finding& finding = report.add_text(
                file.match_range(rule, {"conntrack"}),
                fmt::format("of the packets that line {} leaves untracked the kernel reads the "
                            "state alone, and ignores {}: this rule takes {}; leave such packets "
                            "to a rule of their own, with `--ctstate UNTRACKED' and -p, -s, -d and "
                            "ports beside it",
                            file.line_number(file.ruleset.rule(notrack_id)), beside.options(),
                            packet::to_words(*p)),
                id);
            relate(report.details(finding), file, notrack_id, "leaves the packets untracked");
            report.details(finding).witness = *p;
            break;
        }
    }
}

}  // namespace untrack::analyzer
