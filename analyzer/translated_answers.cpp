// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/translated_answers.hpp"

#include <algorithm>
#include <array>

#include "model/iptables_values.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::Hook;
using model::Match;
using model::MatchKind;
using model::TargetKind;
using packet::ConntrackState;
using packet::Packet;
using packet::Path;
using packet::Truth;
using packet::Verdict;

/// NAT rules that are tried beside one NOTRACK rule, and accepts beside each.
constexpr std::size_t most_rules = 64;
constexpr std::size_t most_accepts = 16;

bool gives_destination(TargetKind target) {
    return target == TargetKind::dnat || target == TargetKind::redirect;
}
bool gives_source(TargetKind target) {
    return target == TargetKind::snat || target == TargetKind::masquerade;
}

/// The matches of a way, each about the other direction; those that NAT rewrites, and those that do
/// not turn round, are left out.
class Mirror {
  public:
    /// What a question must have so that its answer has what is asked.
    static std::vector<Match> question_of(const FileContext& file, const RulePath& answers,
                                          bool destination_given, bool source_given,
                                          bool port_given) {
        std::vector<Match> out;
        each(file, answers, [&](Match m) {
            switch (m.kind) {
                case MatchKind::protocol:
                case MatchKind::either_port:
                    break;
                case MatchKind::source_port:
                    if (destination_given && port_given) return;
                    m.kind = MatchKind::destination_port;
                    break;
                case MatchKind::destination_port:
                    if (source_given && port_given) return;
                    m.kind = MatchKind::source_port;
                    break;
                case MatchKind::source:
                    if (destination_given) return;
                    m.kind = MatchKind::destination;
                    break;
                case MatchKind::destination:
                    if (source_given) return;
                    m.kind = MatchKind::source;
                    break;
                case MatchKind::in_interface:
                    if (destination_given) return;
                    m.kind = MatchKind::out_interface;
                    break;
                case MatchKind::out_interface:
                    m.kind = MatchKind::in_interface;
                    break;
                default:
                    return;
            }
            out.push_back(m);
        });
        return out;
    }

    /// What an accept asks that NAT of the destination leaves alone.
    static std::vector<Match> origin_of(const FileContext& file, const RulePath& accept) {
        std::vector<Match> out;
        each(file, accept, [&](const Match& m) {
            if (m.kind == MatchKind::source || m.kind == MatchKind::source_range ||
                m.kind == MatchKind::in_interface || m.kind == MatchKind::source_port)
                out.push_back(m);
        });
        return out;
    }

  private:
    template <typename F>
    static void each(const FileContext& file, const RulePath& path, F f) {
        for (model::RuleId id : path.rules)
            for (const Match& m : file.ruleset.matches_of(file.ruleset.rule(id))) f(m);
    }
};

model::Address own_address(model::Family family) {
    model::Family read{};
    model::Address a;
    packet::parse_address(family == model::Family::ip ? "192.0.2.1" : "2001:db8:1::1", read, a);
    return a;
}

bool is_this_host(model::Family family, const model::Address& a) {
    if (family == model::Family::ip) return a.bytes[0] == 127;
    model::Address one;
    one.bytes[15] = 1;
    return a == one;
}

std::optional<std::string> interface_of(const FileContext& file, const RulePath& path,
                                        MatchKind kind) {
    for (model::RuleId id : path.rules)
        for (const Match& m : file.ruleset.matches_of(file.ruleset.rule(id)))
            if (m.kind == kind && !m.negated)
                return std::string(file.ruleset.string(m.payload.interface.name)) +
                       (m.payload.interface.wildcard ? "0" : "");
    return std::nullopt;
}

/// The source port that an answer gets: of those that the rule gives, one that NOTRACK asks for.
std::uint16_t port_of(const FileContext& file, const RulePath& notrack, MatchKind kind,
                      const model::PortRange& given) {
    for (model::RuleId id : notrack.rules)
        for (std::uint16_t port :
             few_ports(file.ruleset, file.ruleset.matches_of(file.ruleset.rule(id)), kind))
            if (given.first <= port && port <= given.last) return port;
    return given.first;
}

bool takes(const FileContext& file, const RulePath& notrack, const Packet& answer) {
    packet::Trace trace = file.raw_tracer().trace(answer, true);
    return trace.untracked == Truth::yes &&
           std::any_of(trace.steps.begin(), trace.steps.end(),
                       [&](const packet::Step& s) { return s.rule == notrack.rules.back(); });
}

/// Whether the first question and the later answers, with the addresses that the filter table sees,
/// pass it.
bool passes(const FileContext& file, const Packet& question) {
    const packet::Tracer& filter = file.filter_tracer();
    Packet answer = packet::reverse(question);
    if (answer.protocol == packet::proto_tcp) answer.tcp_flags = packet::tcp_ack;
    return filter.trace(in_state(question, ConntrackState::new_), false).verdict ==
               Verdict::accept &&
           filter.trace(in_state(answer, ConntrackState::reply), false).verdict == Verdict::accept;
}

/// Tries to build the flow: a question that satisfies the NAT rule, and whose answer satisfies the
/// NOTRACK rule.
class FlowSearch {
  public:
    FlowSearch(const FileContext& file, const RulePath& notrack, const RulePath& nat,
               const model::Translation& gives)
        : file_(file), notrack_(notrack), nat_(nat), gives_(gives) {
        family_ = file.ruleset.family;
        hook_ = file.ruleset.chain(nat.base).hook;
        redirects_ = file.ruleset.rule(nat.rules.back()).target == TargetKind::redirect ||
                     (gives.addresses && is_this_host(family_, gives.addresses->first));
    }

    std::optional<TakenAnswer> destination(const RulePath* accept) {
        Hook raw = file_.ruleset.chain(notrack_.base).hook;
        // Answers of what is delivered here leave by OUTPUT, all others come in.
        bool leaves = redirects_;
        if (raw != (leaves ? Hook::output : Hook::prerouting)) return std::nullopt;
        std::vector<Match> wanted =
            Mirror::question_of(file_, notrack_, true, false, gives_.ports.has_value());
        if (accept != nullptr) {
            auto origin = Mirror::origin_of(file_, *accept);
            wanted.insert(wanted.end(), origin.begin(), origin.end());
        }
        std::vector<Path> ways{Path::input, Path::forward};
        if (hook_ == Hook::output) ways = {Path::output};
        for (Path way : ways) {
            auto question = example(way, wanted);
            if (!question || !applies(*question)) continue;
            Packet translated = *question;
            if (gives_.addresses)
                translated.destination = gives_.addresses->first;
            else if (redirects_ && way != Path::input)
                translated.destination = own_address(family_);
            if (gives_.ports)
                translated.destination_port =
                    port_of(file_, notrack_, MatchKind::source_port, *gives_.ports);
            if (hook_ == Hook::output) {
                if (redirects_) translated.out_interface = "lo";
                if (auto taken = judge(*question, translated, answer_to(translated))) return taken;
                continue;
            }
            translated.path = redirects_ ? Path::input : Path::forward;
            translated.out_interface.clear();
            if (redirects_) {
                if (auto taken = judge(*question, translated, answer_to(translated))) return taken;
                continue;
            }
            std::vector<std::string> exits{translated.in_interface == "eth1" ? "eth0" : "eth1"};
            for (auto name :
                 {interface_of(file_, notrack_, MatchKind::in_interface),
                  accept == nullptr ? std::nullopt
                                    : interface_of(file_, *accept, MatchKind::out_interface)})
                if (name) exits.push_back(*name);
            for (const std::string& exit : exits) {
                translated.out_interface = exit;
                if (auto taken = judge(*question, translated, answer_to(translated))) return taken;
            }
        }
        return std::nullopt;
    }

    std::optional<TakenAnswer> source(const RulePath* accept) {
        if (file_.ruleset.chain(notrack_.base).hook != Hook::prerouting) return std::nullopt;
        std::vector<Match> wanted =
            Mirror::question_of(file_, notrack_, false, true, gives_.ports.has_value());
        auto question = example(Path::forward, wanted, accept);
        if (!question || !applies(*question)) return std::nullopt;
        Packet answer = answer_to(*question);
        answer.path = Path::input;
        answer.out_interface.clear();
        answer.destination = gives_.addresses ? gives_.addresses->first : own_address(family_);
        if (gives_.ports)
            answer.destination_port =
                port_of(file_, notrack_, MatchKind::destination_port, *gives_.ports);
        return judge(*question, *question, answer);
    }

    /// Something stood only against the flow's passing the filter.
    [[nodiscard]] bool refused() const { return refused_; }

  private:
    std::optional<Packet> example(Path way, const std::vector<Match>& wanted,
                                  const RulePath* also = nullptr) const {
        const model::Ruleset& r = file_.ruleset;
        std::vector<packet::Condition> conditions{{&r, wanted}};
        for (const RulePath* path : {&nat_, also})
            if (path != nullptr)
                for (model::RuleId id : path->rules)
                    conditions.push_back({&r, r.matches_of(r.rule(id))});
        auto p = packet::example(family_, way, conditions);
        if (p && !packet::has_ports(p->protocol)) return std::nullopt;
        return p;
    }

    /// The question is tracked, and the NAT rule translates it.
    [[nodiscard]] bool applies(const Packet& question) const {
        if (file_.raw_tracer().trace(question, false).untracked != Truth::no) return false;
        packet::Trace trace =
            file_.treatment_tracer().trace(in_state(question, ConntrackState::new_), true);
        return std::any_of(trace.steps.begin(), trace.steps.end(), [&](const packet::Step& s) {
            return s.rule == nat_.rules.back() && s.matched == Truth::yes;
        });
    }

    /// `inside`: the question as the filter table sees it.
    std::optional<TakenAnswer> judge(const Packet& question, const Packet& inside,
                                     const Packet& answer) {
        if (!takes(file_, notrack_, answer)) return std::nullopt;
        if (!passes(file_, inside)) {
            refused_ = true;
            return std::nullopt;
        }
        return TakenAnswer{question, answer, nat_.rules.back()};
    }

    const FileContext& file_;
    const RulePath& notrack_;
    const RulePath& nat_;
    const model::Translation& gives_;
    model::Family family_{};
    Hook hook_{};
    bool redirects_ = false;
    bool refused_ = false;
};

}  // namespace

TranslatedAnswers::TranslatedAnswers(const FileContext& file, Side side)
    : file_(file), side_(side) {
    const model::Ruleset& r = file.ruleset;
    for (model::RuleId id : file.rules.nat) {
        const model::Rule& rule = r.rule(id);
        if (side == Side::destination ? !gives_destination(rule.target)
                                      : !gives_source(rule.target))
            continue;
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::nat) continue;
        Hook hook = r.chain(path->base).hook;
        bool first = hook == Hook::prerouting || hook == Hook::output;
        if (side == Side::destination ? !first : hook != Hook::postrouting) continue;
        auto at = static_cast<std::uint32_t>(rules_.size());
        rules_.push_back({std::move(*path), r.translation(rule)});
        const Nat& nat = rules_.back();
        model::FewPorts ports;
        if (side == Side::destination && nat.gives.known && nat.gives.ports) {
            if (nat.gives.ports->first == nat.gives.ports->last) ports.add(nat.gives.ports->first);
        } else {
            ports = few_ports(r, r.matches_of(rule), MatchKind::destination_port);
        }
        for (std::uint16_t port : ports) by_port_[port].push_back(at);
        if (ports.empty()) other_.push_back(at);
    }
    if (rules_.empty()) return;
    accepts_ = side == Side::source ? accepts_at(file, {Hook::forward}, most_accepts)
                                    : accepts_at(file, {Hook::forward, Hook::input}, most_accepts);
}

std::vector<std::uint32_t> TranslatedAnswers::beside(const RulePath& notrack) const {
    model::FewPorts ports;
    for (model::RuleId id : notrack.rules)
        if (ports.empty())
            ports = few_ports(file_.ruleset, file_.ruleset.matches_of(file_.ruleset.rule(id)),
                              MatchKind::source_port);
    std::vector<std::uint32_t> out;
    if (ports.empty()) {
        for (std::uint32_t i = 0; i < std::min(rules_.size(), most_rules); ++i) out.push_back(i);
        return out;
    }
    out = other_;
    for (std::uint16_t port : ports)
        if (auto it = by_port_.find(port); it != by_port_.end())
            out.insert(out.end(), it->second.begin(), it->second.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    if (out.size() > most_rules) out.resize(most_rules);
    return out;
}

std::optional<TakenAnswer> TranslatedAnswers::taken_by(const RulePath& notrack) const {
    if (rules_.empty() || file_.role(notrack.base) != model::ChainRole::raw) return std::nullopt;
    for (std::uint32_t i : beside(notrack))
        if (auto taken = flow(notrack, rules_[i])) return taken;
    return std::nullopt;
}

std::optional<TakenAnswer> TranslatedAnswers::flow(const RulePath& notrack, const Nat& nat) const {
    if (!nat.gives.known) return std::nullopt;
    if (side_ == Side::source && !may_come_back_to(notrack, nat.gives)) return std::nullopt;
    const RulePath* accept = nullptr;
    for (std::size_t i = 0; i <= accepts_.size(); ++i) {
        FlowSearch search(file_, notrack, nat.path, nat.gives);
        auto taken =
            side_ == Side::destination ? search.destination(accept) : search.source(accept);
        if (taken) return taken;
        // What the accepts ask for helps only against a drop.
        if (accept == nullptr && !search.refused()) return std::nullopt;
        if (i < accepts_.size()) accept = &accepts_[i];
    }
    return std::nullopt;
}

/// Whether the NOTRACK rule may speak of answers to the address that the NAT rule gives. Which of
/// this host's addresses MASQUERADE takes, the rules do not say.
bool TranslatedAnswers::may_come_back_to(const RulePath& notrack,
                                         const model::Translation& gives) const {
    Packet p;
    p.family = file_.ruleset.family;
    if (gives.addresses) p.destination = gives.addresses->first;
    for (model::RuleId id : notrack.rules)
        for (const Match& m : file_.ruleset.matches_of(file_.ruleset.rule(id))) {
            if (m.kind != MatchKind::destination && m.kind != MatchKind::destination_range)
                continue;
            if (!gives.addresses || matches(file_.ruleset, m, p, {}) == Truth::no) return false;
        }
    return true;
}

}  // namespace untrack::analyzer
