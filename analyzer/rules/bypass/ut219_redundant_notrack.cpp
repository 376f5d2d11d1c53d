// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/port_index.hpp"
#include "analyzer/removal.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::Match;
using model::MatchKind;
using model::PortRange;
using model::RuleId;

/// Rules of the same ports that one rule is compared with.
constexpr std::size_t most_tries = 256;

std::span<const PortRange> ports_of(const model::Ruleset& r, const Match& m) {
    return m.count == 0 ? std::span(&m.payload.ports, 1)
                        : std::span(r.ports).subspan(m.payload.pool.first, m.count);
}

bool inside(const model::MaskedAddress& a, const model::MaskedAddress& b) {
    for (std::size_t i = 0; i < a.mask.bytes.size(); ++i)
        if ((b.mask.bytes[i] & ~a.mask.bytes[i]) != 0 ||
            (a.value.bytes[i] & b.mask.bytes[i]) != b.value.bytes[i])
            return false;
    return true;
}

bool addresses_inside(const model::Ruleset& r, const Match& a, const Match& b) {
    if ((a.count == 0) != (b.count == 0)) return false;
    if (a.count == 0) {
        auto one = a.payload.masked_v4;
        auto other = b.payload.masked_v4;
        return (other.mask & ~one.mask) == 0 && (one.value & other.mask) == other.value;
    }
    for (std::uint32_t i = 0; i < a.count; ++i) {
        bool any = false;
        for (std::uint32_t j = 0; j < b.count && !any; ++j)
            any = inside(r.addresses[a.payload.pool.first + i],
                         r.addresses[b.payload.pool.first + j]);
        if (!any) return false;
    }
    return true;
}

/// Whether every packet of which `a` holds satisfies `b`.
bool implies(const model::Ruleset& r, const Match& a, const Match& b) {
    if (model::same_match(r, a, r, b)) return true;
    if (a.kind != b.kind || a.negated || b.negated) return false;
    switch (a.kind) {
        case MatchKind::source:
        case MatchKind::destination:
            return addresses_inside(r, a, b);
        case MatchKind::in_interface:
        case MatchKind::out_interface:
            return b.payload.interface.wildcard &&
                   r.string(a.payload.interface.name)
                       .starts_with(r.string(b.payload.interface.name));
        case MatchKind::source_port:
        case MatchKind::destination_port: {
            auto wide = ports_of(r, b);
            auto narrow = ports_of(r, a);
            return std::all_of(narrow.begin(), narrow.end(), [&](PortRange p) {
                return std::any_of(wide.begin(), wide.end(), [&](PortRange q) {
                    return q.first <= p.first && p.last <= q.last;
                });
            });
        }
        case MatchKind::tcp_flags:
            return (b.payload.tcp_flags.mask & ~a.payload.tcp_flags.mask) == 0 &&
                   (a.payload.tcp_flags.value & b.payload.tcp_flags.mask) ==
                       b.payload.tcp_flags.value;
        default:
            return false;
    }
}

/// Whether the match says the same of a packet wherever in raw it is asked.
bool is_lasting(const Match& m) {
    switch (m.kind) {
        case MatchKind::state:
        case MatchKind::conntrack:
        case MatchKind::mark:
            return false;
        case MatchKind::opaque:
            return m.payload.opaque.nature == model::OpaqueNature::packet &&
                   m.payload.opaque.key == model::ConntrackKey::none;
        default:
            return true;
    }
}

/// Where packets are that meet a rule: in its chain, and in the chains from which alone it is
/// entered.
struct Standing {
    model::ChainId chain;
    std::size_t place;
};

class Redundant {
  public:
    Redundant(const FileContext& file, std::span<const RulePath> notrack)
        : file_(file), r_(file.ruleset), place_(r_.rules.size()), index_(r_, notrack) {
        for (const model::Chain& c : r_.chains) {
            std::size_t place = 0;
            for (RuleId id : r_.rules_of(c)) place_[id.value] = place++;
        }
        for (const RulePath& path : notrack) index_.add(path);
    }

    /// The rule that has made all packets of this one untracked before they meet it.
    [[nodiscard]] RuleId before(const RulePath& path) const {
        std::vector<Match> asked;
        std::vector<Standing> standings;
        for (std::size_t i = path.rules.size(); i-- > 0;) {
            const model::Rule& rule = r_.rule(path.rules[i]);
            standings.push_back({rule.chain, place_[path.rules[i].value]});
            auto matches = r_.matches_of(rule);
            asked.insert(asked.end(), matches.begin(), matches.end());
            if (r_.chain(rule.chain).references > 1) break;
        }
        RuleId found;
        std::size_t tries = 0;
        index_.beside(path, [&](const RulePath& other) {
            RuleId id = other.rules.back();
            if (id == path.rules.back()) return false;
            if (stands_before(id, standings) && covers(r_.rule(id), asked)) {
                found = id;
                return true;
            }
            return ++tries == most_tries;
        });
        return found;
    }

  private:
    bool stands_before(RuleId id, const std::vector<Standing>& standings) const {
        return std::any_of(standings.begin(), standings.end(), [&](const Standing& s) {
            return r_.rule(id).chain == s.chain && place_[id.value] < s.place;
        });
    }
    bool covers(const model::Rule& rule, const std::vector<Match>& asked) const {
        auto wanted = r_.matches_of(rule);
        return std::all_of(wanted.begin(), wanted.end(), [&](const Match& w) {
            if (w.kind == MatchKind::comment && !w.negated) return true;
            return is_lasting(w) && std::any_of(asked.begin(), asked.end(),
                                                [&](const Match& a) { return implies(r_, a, w); });
        });
    }

    const FileContext& file_;
    const model::Ruleset& r_;
    std::vector<std::size_t> place_;  ///< by rule, in its chain
    PortIndex index_;
};

/// A packet that meets both rules, untracked by the first; what a packet does not tell is taken to
/// hold of those that the second is about.
std::optional<packet::Packet> met_twice(const FileContext& file, const RulePath& path,
                                        RuleId first) {
    const model::Ruleset& r = file.ruleset;
    std::vector<packet::Assumption> assumed;
    for (RuleId id : path.rules)
        for (const Match& m : r.matches_of(r.rule(id)))
            if (m.kind == MatchKind::opaque)
                assumed.push_back({std::string(r.string(m.payload.opaque.text)), !m.negated});
    return witness(file, {&path}, [&](const packet::Packet& p) {
        packet::Trace trace = file.raw_tracer().trace(p, true, assumed);
        auto at = [&](RuleId id) {
            return std::find_if(trace.steps.begin(), trace.steps.end(),
                                [&](const packet::Step& s) { return s.rule == id; });
        };
        auto one = at(first);
        auto two = at(path.rules.back());
        return one != trace.steps.end() && two != trace.steps.end() && one < two &&
               trace.untracked == packet::Truth::yes;
    });
}

struct Idle {
    RuleId rule, first;
    packet::Packet shown;
};

}  // namespace

void ut219(const FileContext& file, Reporter& report) {
    const model::Ruleset& r = file.ruleset;
    // Of nftables a `ct zone set' between the two tracks the packet again.
    if (file.rules.notrack.size() < 2 ||
        (file.text.nft() != nullptr && !file.rules.ct_templates.empty()))
        return;
    std::vector<RulePath> notrack;
    for (RuleId id : file.rules.notrack)
        if (auto path = path_to(file, id); path && file.role(path->base) == model::ChainRole::raw)
            notrack.push_back(std::move(*path));
    Redundant redundant(file, notrack);
    std::vector<Idle> idle;
    for (const RulePath& path : notrack) {
        RuleId first = redundant.before(path);
        if (!first.valid()) continue;
        if (auto p = met_twice(file, path, first)) idle.push_back({path.rules.back(), first, *p});
    }
    if (idle.empty()) return;
    std::vector<RuleId> rules;
    rules.reserve(idle.size());
    for (const Idle& i : idle) rules.push_back(i.rule);
    bool safe = same_without(file, rules);
    Removals removals(file);
    for (const Idle& i : idle) {
        const model::Rule& rule = r.rule(i.rule);
        Finding& finding = report.add_text(
            file.range(rule),
            fmt::format("line {} has left all these packets untracked before they come here, for "
                        "example {}: delete this rule",
                        file.line_number(r.rule(i.first)), packet::to_words(i.shown)),
            i.rule);
        FindingDetails& details = report.details(finding);
        details.witness = i.shown;
        if (auto fix = removals.of(i.rule, safe)) details.fixes.push_back(std::move(*fix));
    }
}

}  // namespace untrack::analyzer
