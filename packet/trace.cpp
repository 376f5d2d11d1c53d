// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/trace.hpp"

#include <algorithm>
#include <memory>

#include "model/conntrack_facts.hpp"

namespace untrack::packet {
namespace {

using model::ChainId;
using model::ChainRole;
using model::Hook;
using model::Match;
using model::Rule;
using model::RuleId;
using model::Ruleset;
using model::TargetKind;

constexpr std::size_t most_runs = 64;
constexpr unsigned deepest_jump = 512;

bool is_nat_target(TargetKind t) {
    return t == TargetKind::dnat || t == TargetKind::snat || t == TargetKind::masquerade ||
           t == TargetKind::redirect || t == TargetKind::netmap;
}

/// Whether a rule's being hit can change anything that is followed.
bool matters(const Rule& rule) {
    switch (rule.target) {
        case TargetKind::none:
        case TargetKind::log:
        case TargetKind::side_effect:
        case TargetKind::connsecmark:
        case TargetKind::flow_offload:
            return false;
        case TargetKind::connmark:
            return rule.data != 0;
        default:
            return true;
    }
}

/// ICMP that reports an error about another packet: it never opens a flow.
bool is_icmp_error(const Packet& p) {
    if (p.protocol == proto_icmp && p.family == model::Family::ip)
        return p.icmp_type == 3 || p.icmp_type == 4 || p.icmp_type == 5 || p.icmp_type == 11 ||
               p.icmp_type == 12;
    return p.protocol == proto_icmpv6 && p.family == model::Family::ip6 && p.icmp_type >= 1 &&
           p.icmp_type <= 4;
}

/// What conntrack calls a packet that no entry and no rule has an answer for. ICMPv6 130-136, 143,
/// 151, 152 are untracked by the kernel itself, a redirect (137) is invalid (measured).
ConntrackState fresh_state(const Packet& p) {
    if (p.family == model::Family::ip6 && p.protocol == proto_icmpv6) {
        std::uint8_t t = p.icmp_type;
        if ((t >= 130 && t <= 136) || t == 143 || t == 151 || t == 152)
            return ConntrackState::untracked;
        if (t == 137) return ConntrackState::invalid;
    }
    return is_icmp_error(p) ? ConntrackState::invalid : ConntrackState::new_;
}

enum class Outcome : std::uint8_t { fell_through, accept, drop, reject, unknown };

/// A predicate that a packet does not settle, and the answer it is given in this run.
struct Choice {
    const Ruleset* ruleset;
    model::StringId text;  ///< of the predicate, or of the target
    bool keyed;            ///< the same text has the same answer on this packet
    bool answer;
};

/// One way through the rules, with the choices given so far; an undecided predicate is answered
/// "no" and added to the choices.
class Run {
  public:
    Run(const Tracer& tracer, const Tracer::FamilyTables& tables, const Packet& packet,
        std::vector<Choice>& choices, Trace& out, bool keep, std::span<const Assumption> assumed)
        : tracer_(tracer),
          tables_(tables),
          packet_(packet),
          choices_(choices),
          out_(out),
          keep_(keep),
          assumed_(assumed) {
        view_.mark = packet.mark;
        view_.host_has_nat = tables.nat;
    }

    void follow() {
        std::string_view in = packet_.in_interface;
        std::string_view out = packet_.out_interface;
        bool passed = false;
        if (is_loopback(packet_)) {
            passed = leave("lo") && come("lo") && hook(Hook::input, "lo", {});
        } else if (packet_.path == Path::input) {
            passed = come(in) && hook(Hook::input, in, {});
        } else if (packet_.path == Path::output) {
            passed = leave(out);
        } else {
            passed = come(in) && hook(Hook::forward, in, out) && depart(out);
        }
        if (passed) out_.verdict = Verdict::accept;
        out_.untracked = view_.state == ConntrackState::untracked || (!attached_ && notracked_)
                             ? Truth::yes
                             : Truth::no;
    }

    /// A target whose effect is not known decided this run.
    [[nodiscard]] std::string_view stopped_on() const { return stopped_on_; }

  private:
    bool come(std::string_view in) {
        return hook(Hook::ingress, in, {}) && hook(Hook::prerouting, in, {});
    }
    bool depart(std::string_view out) {
        return hook(Hook::postrouting, {}, out) && hook(Hook::egress, {}, out);
    }
    bool leave(std::string_view out) { return hook(Hook::output, {}, out) && depart(out); }

    bool hook(Hook which, std::string_view in, std::string_view out) {
        view_.hook = which;
        view_.in_interface = in;
        view_.out_interface = out;
        bool first_hook = which == Hook::prerouting || which == Hook::output;
        bool of_device = which == Hook::ingress || which == Hook::egress;
        if (!attached_)
            view_.state = notracked_ ? ConntrackState::untracked
                          : zoned_   ? ConntrackState::new_
                                     : ConntrackState::invalid;
        bool attach_here = first_hook && !attached_;
        for (const Tracer::BaseChain& base : tables_.hooks[static_cast<std::size_t>(which)]) {
            if (attach_here && base.priority > model::priority_conntrack) {
                attach();
                attach_here = false;
            }
            if (base.inert && !keep_) continue;
            if (base.role == ChainRole::nat && !nat_sees(which)) continue;
            role_ = base.role;
            if (!pass(base)) return false;
        }
        if (attach_here) attach();
        // NAT has its place at every hook as soon as one of them has a chain for it, and what comes
        // by untranslated stays so (nf_nat_inet_fn() in net/netfilter/nf_nat_core.c; measured).
        if (tables_.nat_chains && which != Hook::forward && !of_device) nat_done(which) = true;
        return true;
    }

    /// Conntrack's own place in the hook: from here on the packet has its state.
    void attach() {
        attached_ = true;
        if (packet_.state != ConntrackState::automatic) {
            view_.state = packet_.state;
        } else {
            view_.state = notracked_ ? ConntrackState::untracked : fresh_state(packet_);
        }
    }

    bool& nat_done(Hook which) {
        return which == Hook::prerouting || which == Hook::output ? destination_done_
                                                                  : source_done_;
    }
    /// nat chains see the first packet of a tracked flow, until one of them translates this side.
    bool nat_sees(Hook which) {
        bool icmp = packet_.protocol == proto_icmp || packet_.protocol == proto_icmpv6;
        bool first = view_.state == ConntrackState::new_ ||
                     (view_.state == ConntrackState::related && !icmp);
        return tables_.tracks && first && !nat_done(which);
    }

    bool pass(const Tracer::BaseChain& base) {
        const model::Chain& chain = base.ruleset->chain(base.chain);
        Outcome outcome = walk(*base.ruleset, base.chain, 0);
        if (outcome == Outcome::fell_through) {
            Step step{view_.hook, base.ruleset, base.chain, RuleId(), Truth::yes, chain.policy};
            if (keep_) out_.steps.push_back(step);
            outcome = chain.policy == TargetKind::drop ? Outcome::drop : Outcome::accept;
            decided(outcome, step);
        }
        if (outcome == Outcome::accept) return true;
        out_.verdict = outcome == Outcome::drop     ? Verdict::drop
                       : outcome == Outcome::reject ? Verdict::reject
                                                    : Verdict::unknown;
        return false;
    }

    /// The place that speaks for the verdict: what dropped the packet, else the last accept in a
    /// filter chain.
    void decided(Outcome outcome, const Step& step) {
        bool filter = role_ == ChainRole::filter;
        if (outcome != Outcome::accept || filter || out_.decision.ruleset == nullptr)
            out_.decision = step;
    }

    Outcome walk(const Ruleset& r, ChainId id, unsigned depth) {
        if (depth > deepest_jump) {
            stopped_on_ = "jumps nested too deeply";
            return Outcome::unknown;
        }
        std::span<const RuleId> rules = r.rules_of(r.chain(id));
        Way way = Way::on;
        if (const ChainIndex* index = tracer_.index_of(r, id)) {
            ChainIndex::Candidates candidates(*index, packet_);
            for (std::uint32_t at = 0; way == Way::on && candidates.next(at);)
                way = meet(r, id, rules[at], depth);
        } else {
            for (std::size_t at = 0; way == Way::on && at < rules.size(); ++at)
                way = meet(r, id, rules[at], depth);
        }
        return way == Way::out ? outcome_ : Outcome::fell_through;
    }

    /// What comes after a rule: the next one, the end of the chain, or (`outcome_`) the end of the
    /// hook's walk through it.
    enum class Way : std::uint8_t { on, back, out };

    Way meet(const Ruleset& r, ChainId chain, RuleId rule_id, unsigned depth) {
        const Rule& rule = r.rule(rule_id);
        Truth hit = test(r, rule);
        if (hit == Truth::no) return Way::on;
        // It says that packets do not come to this chain.
        bool keep = keep_ && !(rule.implied && rule.target == TargetKind::accept);
        Step step{view_.hook, &r, chain, rule_id, hit, rule.target};
        if (hit == Truth::unknown) {
            if (!matters(rule)) {
                if (keep) out_.steps.push_back(step);
                return Way::on;
            }
            if (!settle(r, rule)) return Way::on;
        }
        if (keep) out_.steps.push_back(step);
        if (rule.target == TargetKind::return_) return Way::back;
        bool jumps = rule.target == TargetKind::jump || rule.target == TargetKind::goto_;
        outcome_ = jumps ? walk(r, rule.jump, depth + 1) : act(r, rule, step);
        if (outcome_ != Outcome::fell_through) return Way::out;
        return rule.target == TargetKind::goto_ ? Way::back : Way::on;
    }

    Truth test(const Ruleset& r, const Rule& rule) {
        Truth all = Truth::yes;
        for (const Match& m : r.matches_of(rule)) {
            Truth t = matches(r, m, packet_, view_);
            if (t == Truth::no) return Truth::no;
            if (t == Truth::unknown) all = Truth::unknown;
        }
        return all;
    }

    /// Chooses an answer for each open predicate of the rule; true when all are "yes".
    bool settle(const Ruleset& r, const Rule& rule) {
        for (const Match& m : r.matches_of(rule)) {
            if (matches(r, m, packet_, view_) != Truth::unknown) continue;
            model::StringId text;
            bool keyed = false;
            bool negated = false;
            if (m.kind == model::MatchKind::opaque) {
                text = m.payload.opaque.text;
                keyed = m.payload.opaque.nature == model::OpaqueNature::packet;
                negated = m.negated;
            } else if (m.kind == model::MatchKind::conntrack) {
                text = r.conntrack[m.payload.pool.first].text;
                keyed = true;
            }
            if (choose(r, text, keyed) == negated) return false;
        }
        return true;
    }

    bool choose(const Ruleset& r, model::StringId text, bool keyed) {
        for (const Assumption& a : assumed_)
            if (a.text == r.string(text)) return a.answer;
        if (keyed)
            for (std::size_t i = 0; i < next_choice_; ++i)
                if (choices_[i].keyed && choices_[i].text == text && choices_[i].ruleset == &r)
                    return choices_[i].answer;
        if (next_choice_ == choices_.size()) choices_.push_back({&r, text, keyed, false});
        return choices_[next_choice_++].answer;
    }

    Outcome act(const Ruleset& r, const Rule& rule, const Step& step) {
        switch (rule.target) {
            case TargetKind::accept:
                if (!rule.implied) decided(Outcome::accept, step);
                return Outcome::accept;
            case TargetKind::drop:
                decided(Outcome::drop, step);
                return Outcome::drop;
            case TargetKind::reject:
                decided(Outcome::reject, step);
                return Outcome::reject;
            case TargetKind::notrack:
                if (!template_ && !attached_) {
                    // The first CT target wins (measured), so nothing undoes this one.
                    template_ = notracked_ = true;
                    view_.state = ConntrackState::untracked;
                } else if (attached_ && view_.state == ConntrackState::invalid) {
                    view_.state = ConntrackState::untracked;  // all that it does so late
                }
                return Outcome::fell_through;
            case TargetKind::ct_template:
                if (rule.data == 0) {
                    template_ = true;
                    return Outcome::fell_through;
                }
                if (attached_) {
                    // What packets without an entry become so late is not followed.
                    if (view_.state == ConntrackState::untracked ||
                        view_.state == ConntrackState::invalid)
                        break;
                } else if (!template_ || notracked_) {
                    template_ = zoned_ = true;
                    notracked_ = false;
                    view_.state = ConntrackState::new_;
                }
                return Outcome::fell_through;
            case TargetKind::mark: {
                const model::MarkChange& change = r.marks[rule.data];
                view_.mark = (view_.mark & change.keep) ^ change.toggle;
                return Outcome::fell_through;
            }
            case TargetKind::connmark:
                // A restored mark is the flow's, which the packet does not tell; without an entry
                // nothing is restored (measured).
                if (rule.data == 0 || view_.state == ConntrackState::untracked ||
                    view_.state == ConntrackState::invalid)
                    return Outcome::fell_through;
                break;
            case TargetKind::dnat:
            case TargetKind::snat:
            case TargetKind::masquerade:
            case TargetKind::netmap:
                out_.nat_applied = nat_done(view_.hook) = true;
                return Outcome::accept;
            case TargetKind::redirect:
                // A forwarded packet is delivered here instead, or dropped when its interface has
                // no address; IPv6 wants one of the destination's scope (measured).
                if (packet_.path == Path::forward ||
                    (packet_.family == model::Family::ip6 && view_.hook == Hook::prerouting &&
                     !is_loopback(packet_)))
                    break;
                out_.nat_applied = nat_done(view_.hook) = true;
                return Outcome::accept;
            case TargetKind::queue:
            case TargetKind::synproxy:
            case TargetKind::tproxy:
            case TargetKind::rewrite_header:
            case TargetKind::external:
            case TargetKind::unknown:
                break;
            default:
                return Outcome::fell_through;
        }
        decided(Outcome::unknown, step);
        stopped_on_ = r.target_name(rule);
        return Outcome::unknown;
    }

    const Tracer& tracer_;
    const Tracer::FamilyTables& tables_;
    const Packet& packet_;
    std::vector<Choice>& choices_;
    Trace& out_;
    bool keep_;
    std::span<const Assumption> assumed_;
    View view_;
    std::size_t next_choice_ = 0;
    bool template_ = false;
    bool notracked_ = false;
    bool zoned_ = false;  ///< nft has assigned a zone: until conntrack's place the packet is NEW
    bool attached_ = false;
    bool destination_done_ = false;
    bool source_done_ = false;
    Outcome outcome_ = Outcome::fell_through;  ///< of the rule that ended a walk
    ChainRole role_ = ChainRole::none;         ///< of the base chain that the packet is in
    std::string_view stopped_on_;
};

/// The next combination of answers: the last "no" becomes "yes", what comes after it is forgotten.
/// False when all are tried.
bool advance(std::vector<Choice>& choices) {
    while (!choices.empty() && choices.back().answer) choices.pop_back();
    if (choices.empty()) return false;
    choices.back().answer = true;
    return true;
}

void add_reason(std::vector<std::string>& reasons, std::string_view text) {
    if (text.empty()) text = "a property of the packet that is not given";
    if (std::find(reasons.begin(), reasons.end(), text) == reasons.end())
        reasons.emplace_back(text);
}

}  // namespace

std::string_view name(Verdict verdict) {
    switch (verdict) {
        case Verdict::accept:
            return "accept";
        case Verdict::drop:
            return "drop";
        case Verdict::reject:
            return "reject";
        case Verdict::unknown:
            return "unknown";
    }
    return {};
}

namespace {

bool reads_marks(Host host) {
    return std::any_of(host.begin(), host.end(), [](const Ruleset* r) {
        return std::any_of(r->matches.begin(), r->matches.end(),
                           [](const Match& m) { return m.kind == model::MatchKind::mark; });
    });
}

enum class Influence : std::uint8_t { none, marks, any };

/// What a table can change for the rules of others, or decide.
Influence influence_of(const Ruleset& r, model::TableId table) {
    auto found = Influence::none;
    for (const model::Chain& chain : r.chains) {
        if (chain.table != table) continue;
        if (chain.policy != TargetKind::accept) return Influence::any;
        for (RuleId id : r.rules_of(chain)) {
            switch (r.rule(id).target) {
                case TargetKind::none:
                case TargetKind::log:
                case TargetKind::side_effect:
                case TargetKind::connsecmark:
                case TargetKind::accept:
                case TargetKind::return_:
                    break;
                case TargetKind::mark:
                case TargetKind::connmark:
                    found = Influence::marks;
                    break;
                default:
                    return Influence::any;
            }
        }
    }
    return found;
}

/// Whether no rule of the table decides about packets or changes what rules of others read: what
/// mangle tables that only mark and clamp for the router's sake are like.
bool is_inert(const Ruleset& r, model::TableId table, Host host) {
    Influence influence = influence_of(r, table);
    return influence == Influence::none || (influence == Influence::marks && !reads_marks(host));
}

}  // namespace

Tracer::Tracer(Host host, std::span<const ChainRole> only) {
    for (const Ruleset* r : host) {
        indices_.emplace_back(*r);
        FamilyTables& f = families_[index(r->family)];
        f.tracks = f.tracks || model::needs_conntrack(*r, model::KernelProfile::modern);
        f.nat = f.nat || std::any_of(r->rules.begin(), r->rules.end(), [](const Rule& rule) {
                    return rule.live && is_nat_target(rule.target);
                });
        if (!r->unfollowed.empty() && f.unfollowed.empty())
            f.unfollowed = r->unfollowed.front().message;
        auto followed = [&](ChainRole role) {
            return only.empty() || std::find(only.begin(), only.end(), role) != only.end();
        };
        std::vector<std::optional<bool>> inert(r->tables.size());
        auto is_inert_mangle = [&](const model::Chain& c) {
            if (c.role != ChainRole::mangle) return false;
            std::optional<bool>& known = inert[c.table.value];
            if (!known) known = is_inert(*r, c.table, host);
            return *known;
        };
        for (ChainId id : r->base_chains()) {
            const model::Chain& c = r->chain(id);
            if (!followed(c.role)) continue;
            f.nat_chains = f.nat_chains || c.role == ChainRole::nat;
            // A nat chain settles its side of the translation even when it is empty.
            bool nat = c.role == ChainRole::nat;
            if (c.rule_count == 0 && c.policy == TargetKind::accept && !nat) continue;
            f.hooks[static_cast<std::size_t>(c.hook)].push_back(
                {r, id, r->place_in_hook(c), c.role, is_inert_mangle(c)});
        }
    }
    for (FamilyTables& f : families_)
        for (auto& chains : f.hooks)
            std::stable_sort(
                chains.begin(), chains.end(),
                [](const BaseChain& a, const BaseChain& b) { return a.priority < b.priority; });
}

const ChainIndex* Tracer::index_of(const Ruleset& ruleset, ChainId chain) const {
    if (ruleset.chain(chain).rule_count < ChainIndex::worth_it) return nullptr;
    auto it = std::find_if(indices_.begin(), indices_.end(),
                           [&](const ChainIndices& i) { return i.ruleset == &ruleset; });
    std::atomic<const ChainIndex*>& place = it->chains[chain.value];
    const ChainIndex* known = place.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    auto made = std::make_unique<const ChainIndex>(ruleset, ruleset.chain(chain));
    // Another thread may have been faster.
    return place.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)
               ? made.release()
               : known;
}

Tracer::ChainIndices::~ChainIndices() {
    for (const std::atomic<const ChainIndex*>& index : chains) delete index.load();
}

Trace Tracer::trace(const Packet& packet, bool keep_steps,
                    std::span<const Assumption> assumed) const {
    const FamilyTables& tables = families_[index(packet.family)];
    std::vector<Choice> choices;
    Trace result;
    Run first(*this, tables, packet, choices, result, keep_steps, assumed);
    first.follow();
    if (result.verdict == Verdict::unknown) add_reason(result.unknown_on, first.stopped_on());
    std::size_t runs = 1;
    while (advance(choices)) {
        if (++runs > most_runs) {
            result.verdict = Verdict::unknown;
            add_reason(result.unknown_on, "more predicates than can be tried");
            break;
        }
        Trace other;
        Run run(*this, tables, packet, choices, other, false, assumed);
        run.follow();
        if (other.untracked != result.untracked) result.untracked = Truth::unknown;
        result.nat_applied = result.nat_applied || other.nat_applied;
        if (other.verdict == result.verdict && other.verdict != Verdict::unknown) continue;
        result.verdict = Verdict::unknown;
        for (const Choice& c : choices) add_reason(result.unknown_on, c.ruleset->string(c.text));
        if (!run.stopped_on().empty()) add_reason(result.unknown_on, run.stopped_on());
    }
    if (!tables.unfollowed.empty()) {
        result.verdict = Verdict::unknown;
        add_reason(result.unknown_on, tables.unfollowed);
    }
    return result;
}

}  // namespace untrack::packet
