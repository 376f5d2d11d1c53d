// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/conversion.hpp"

#include <algorithm>

#include "model/conntrack_facts.hpp"
#include "packet/flows.hpp"
#include "rewriter/memory.hpp"
#include "rewriter/residue.hpp"

namespace untrack::rewriter {

using model::ChainId;
using model::Hook;
using model::MatchKind;
using model::RuleId;
using model::TargetKind;

namespace {

/// Whether the chain surely drops every packet, whatever comes.
bool drops_all(const model::Ruleset& r, const model::Chain& forward) {
    for (RuleId id : r.rules_of(forward)) {
        const model::Rule& rule = r.rule(id);
        bool drops = rule.target == TargetKind::drop || rule.target == TargetKind::reject;
        bool always =
            std::all_of(r.matches_of(rule).begin(), r.matches_of(rule).end(),
                        [](const model::Match& m) { return m.kind == MatchKind::comment; });
        if (drops && always) return true;
        if (!drops && rule.target != TargetKind::log && rule.target != TargetKind::none)
            return false;
    }
    return forward.policy == TargetKind::drop;
}

}  // namespace

/// What the rewriter asks of a rule, before it decides whether to put a copy beside it.
struct Conversion::Visit {
    Traffic traffic;
    model::StateSet wanted;  ///< the state in which these packets used to pass: new for questions,
                             ///< established for answers
    Loopback over = Loopback::no;  ///< only packets over lo
};

/// What an edit has beside NOTRACK and the copies of rules.
struct Conversion::Candidate {
    bool loopback = false;
    /// Packets after the first pass where ESTABLISHED ones do, not where NEW ones do: before
    /// what logs, limits or drops new connections.
    bool later_at_established = false;
    bool each_port = false;  ///< a copy for each port, with what admits that port alone
    bool errors_input = false, errors_output = false, errors_forward = false;

    [[nodiscard]] bool errors_at(Hook hook) const {
        return hook == Hook::input    ? errors_input
               : hook == Hook::output ? errors_output
                                      : errors_forward;
    }
    /// Takes on what the verdict asks for; false when that is nothing new.
    bool grow(const Verdict& v) {
        Candidate next{loopback || v.loopback_lost,
                       later_at_established || v.later_met_more,
                       each_port || v.opened,
                       errors_input || v.errors_lost_input,
                       errors_output || v.errors_lost_output,
                       errors_forward || v.errors_lost_forward};
        bool grows = next != *this;
        *this = next;
        return grows;
    }
    friend bool operator==(const Candidate&, const Candidate&) = default;
};

Conversion::Conversion(const std::vector<const model::RulesetText*>& views, const Request& request)
    : request_(request) {
    for (const model::RulesetText* text : views) {
        View& view = views_.emplace_back(View{text, {}, {}, true});
        // An IPv4 address is that of the service as IPv4 packets know it.
        view.chosen = !request.address || request.address_family == text->ruleset.family;
    }
}

Outcome Conversion::run() {
    // Nothing tracks: there is nothing to leave.
    if (std::none_of(views_.begin(), views_.end(), [](const View& view) {
            return model::needs_conntrack(view.text->ruleset, model::KernelProfile::modern);
        }))
        return std::move(out_);
    for (View& view : views_) view.before = view.text->with_target_texts();
    leave_idle_ports();
    if (request_.services.empty()) return std::move(out_);
    for (const View& view : views_) {
        view_ = &view;
        if (view.chosen) add_reasons(refusals());
    }
    if (!out_.reasons.empty()) return refuse();
    // The smallest edit is none: what is converted already, by whatever hand, stays.
    bool converted = true;
    for (const View& view : views_) {
        Verdict as_it_is = judged(view, view.before);
        converted = converted && as_it_is.reasons.empty() && as_it_is.all_work;
    }
    if (converted) return std::move(out_);
    // From the smallest edit upward: each round that is followed by another adds a kind of accept,
    // so there are at most five.
    Candidate candidate;
    for (;;) {
        forget_insertions();
        later_at_established_ = candidate.later_at_established;
        choose_copied(candidate.each_port);
        for (const View& view : views_) {
            view_ = &view;
            if (!view.chosen) continue;
            add_notrack();
            add_accepts(candidate.loopback);
            for (Hook hook : {Hook::input, Hook::output, Hook::forward})
                if (candidate.errors_at(hook)) add_error_accepts(hook);
        }
        if (!out_.reasons.empty()) return refuse();
        out_.edits = edits();
        if (out_.edits.empty()) return std::move(out_);  // it is converted already
        std::string changed = apply_edits(text().part(0).text, out_.edits);
        std::vector<Verdict> verdicts;
        bool grows = false;
        for (const View& view : views_) {
            model::Ruleset after = view.text->reread(changed);
            verdicts.push_back(judged(view, after));
            grows = candidate.grow(verdicts.back()) || grows;
        }
        if (grows) continue;
        for (Verdict& verdict : verdicts) {
            add_reasons(std::move(verdict.reasons));
            out_.residue.insert(out_.residue.end(), verdict.residue.begin(), verdict.residue.end());
        }
        break;
    }
    if (!out_.reasons.empty()) return refuse();
    out_.status = Status::rewritten;
    if (counts_again_) out_.residue.push_back(counted_again());
    return std::move(out_);
}

/// Of a family that the service's address is not of nothing may change.
Verdict Conversion::judged(const View& view, const model::Ruleset& after) const {
    Request request = request_;
    if (!view.chosen) request.services.clear();
    return judge(*view.text, view.before, after, request, view.served);
}

/// A port that nothing connects to needs no conversion, and answers from it must not pass.
void Conversion::leave_idle_ports() {
    for (View& view : views_) {
        if (!view.chosen) continue;
        const model::Ruleset* host[] = {&view.before};
        view.served = packet::served(
            view.before.family, host,
            {request_.services, request_.role, request_.address, request_.interface}, {});
    }
    auto is_served = [&](const Service& s, const model::PortRange& p) {
        auto holds = [&](const Service& there) {
            return there.protocol == s.protocol &&
                   std::any_of(there.ports.begin(), there.ports.end(),
                               [&](const model::PortRange& q) {
                                   return q.first <= p.last && p.first <= q.last;
                               });
        };
        return std::any_of(views_.begin(), views_.end(), [&](const View& view) {
            return std::any_of(view.served.begin(), view.served.end(), holds);
        });
    };
    std::vector<Service> left;
    for (const Service& s : request_.services) {
        Service active{s.protocol, {}};
        Service idle{s.protocol, {}};
        // A range that is served in part is one service's.
        for (const model::PortRange& p : s.ports)
            (is_served(s, p) ? active : idle).ports.push_back(p);
        if (!active.ports.empty()) left.push_back(std::move(active));
        if (!idle.ports.empty()) out_.idle.push_back(std::move(idle));
    }
    request_.services = std::move(left);
}

Outcome Conversion::refuse() {
    out_.status = Status::refused;
    out_.edits.clear();
    out_.residue.clear();
    return std::move(out_);
}

void Conversion::add_reasons(std::vector<Reason> reasons) {
    for (Reason& r : reasons) {
        auto& list = request_.forced.contains(r.code) ? out_.forced : out_.reasons;
        // Each round finds the same again.
        bool known = std::any_of(list.begin(), list.end(), [&](const Reason& other) {
            return other.code == r.code && other.offset == r.offset && other.message == r.message;
        });
        if (!known) list.push_back(std::move(r));
    }
}
void Conversion::reason(std::string code, std::string message, std::uint32_t offset) {
    add_reasons({{std::move(code), std::move(message), offset, {}}});
}

void Conversion::choose_copied(bool each_port) {
    copied_.clear();
    for (const Service& s : request_.services) {
        if (!each_port) {
            copied_.push_back(s);
            continue;
        }
        for (const model::PortRange& p : s.ports) copied_.push_back({s.protocol, {p}});
    }
}

bool Conversion::may_forward() const {
    for (ChainId id : r().base_chains()) {
        const model::Chain& chain = r().chain(id);
        if (chain.hook != Hook::forward || chain.role != model::ChainRole::filter) continue;
        if (drops_all(r(), chain)) return false;
    }
    return true;
}

/// Copies for UNTRACKED packets beside the rules that test the state.
void Conversion::add_accepts(bool loopback) {
    for (const Service& service : copied_) {
        Traffic question{&service, false, &request_};
        Traffic answer{&service, true, &request_};
        if (request_.role == Role::router) {
            for (Hook hook : {Hook::prerouting, Hook::forward, Hook::postrouting}) {
                if (later_at_established_ && service.protocol == packet::proto_tcp)
                    copy_rules(hook, {question, model::state_established, Loopback::no});
                copy_rules(hook, {question, model::state_new, Loopback::no});
                copy_rules(hook, {answer, model::state_established, Loopback::no});
            }
            continue;
        }
        bool established = later_at_established_ && service.protocol == packet::proto_tcp;
        if (established)
            for (Hook hook : {Hook::prerouting, Hook::input})
                copy_rules(hook, {question, model::state_established, Loopback::no});
        copy_rules(Hook::prerouting, {question, model::state_new, Loopback::no});
        copy_rules(Hook::input, {question, model::state_new, Loopback::no});
        copy_rules(Hook::output, {answer, model::state_established, Loopback::no});
        copy_rules(Hook::postrouting, {answer, model::state_established, Loopback::no});
        if (!loopback) continue;
        copy_rules(Hook::output, {question, model::state_new, Loopback::out});
        copy_rules(Hook::input, {answer, model::state_established, Loopback::in});
    }
}

void Conversion::copy_rules(Hook hook, const Visit& visit) {
    each_rule_met(r(), hook, visit.traffic, [&](const model::Rule& rule) {
        model::ChainRole role = r().chain(rule.chain).role;
        if (role == model::ChainRole::raw || role == model::ChainRole::nat ||
            !tests_state(r(), rule) || is_part_of_another(rule))
            return;
        copy_rule(rule, visit);
    });
}

void Conversion::copy_rule(const model::Rule& rule, const Visit& visit) {
    model::StateSet states = matched_states(r(), rule);
    if ((states & visit.wanted) == 0 || (states & model::state_untracked) != 0) return;
    bool tcp = visit.traffic.service->protocol == packet::proto_tcp;
    bool question = !visit.traffic.answer;
    std::optional<std::uint8_t> flags;
    bool later = visit.wanted == model::state_established;
    if (tcp && question) flags = later ? packet::tcp_ack : packet::tcp_syn;
    if (tcp && !question) flags = packet::tcp_ack;
    if (!may_match(r(), rule, visit.traffic, flags)) return;
    for (const model::Match& m : r().matches_of(rule)) {
        // A copy for lo beside a rule for another interface would match nothing.
        bool device = m.kind == MatchKind::in_interface || m.kind == MatchKind::out_interface;
        if (device && visit.over != Loopback::no) return;
    }
    bool limited = std::any_of(
        r().matches_of(rule).begin(), r().matches_of(rule).end(), [](const model::Match& m) {
            return m.kind == MatchKind::opaque &&
                   m.payload.opaque.nature == model::OpaqueNature::occurrence;
        });
    bool flagged =
        std::any_of(r().matches_of(rule).begin(), r().matches_of(rule).end(),
                    [](const model::Match& m) { return m.kind == MatchKind::tcp_flags; });
    bool per_connection = limited || rule.target == TargetKind::log ||
                          rule.target == TargetKind::none || rule.target == TargetKind::queue ||
                          rule.target == TargetKind::side_effect || acts_on_each(rule);
    CopyOptions copy{visit.traffic.service,
                     visit.traffic.answer,
                     Part::all,
                     false,
                     false,
                     asks_only_for(r(), rule, visit.traffic),
                     device(visit.over)};
    if (!question) {
        copy.part = tcp ? Part::later : Part::all;
        if (visit.over != Loopback::no) return put_beside(rule, copy);
        // Answers go to where questions were let in from.
        return put_for_each_way(rule, copy, visit.traffic);
    }
    if (visit.wanted == model::state_established) {
        copy.part = Part::later;
        return put_for_each_way(rule, copy, visit.traffic);
    }
    if (tcp && later_at_established_) {
        copy.part = Part::first;
        counts_again_ = counts_again_ || limited;
        return put_beside(rule, copy);
    }
    if (!per_connection && !(flagged && tcp)) return put_beside(rule, copy);
    if (!tcp) {
        reason("UT216",
               "this rule saw only the first packet of each connection; of UDP it would come "
               "to see every packet",
               offset_of(rule));
        return put_beside(rule, copy);
    }
    copy.part = Part::first;
    put_beside(rule, copy);
    counts_again_ = counts_again_ || limited;
    bool passes = rule.target == TargetKind::accept ||
                  (rule.jump.valid() && may_accept(r(), r().chain(rule.jump)));
    // Whom a rule refuses because it remembers him was let in before; whom it refuses because
    // it does not, is let in only by its memory.
    if (rule.target == TargetKind::return_ ? remembers_who(r(), rule)
        : passes                           ? remembers_who(r(), rule)
                                           : refuses_strangers(r(), rule))
        reason("UT216",
               "this rule lets in whom it remembers; packets after the first cannot be told "
               "from those of others without conntrack",
               offset_of(rule));
    if (!passes) return;
    // The packets after the first were let through as established, without the limit.
    copy.part = Part::later;
    copy.without_limits = true;
    copy.without_flags = true;
    put_beside(rule, copy);
}

void Conversion::put_for_each_way(const model::Rule& rule, CopyOptions copy,
                                  const Traffic& traffic) {
    for (const std::string& way : ways(traffic, rule)) {
        copy.in_or_out = way;
        put_beside(rule, copy);
    }
}

}  // namespace untrack::rewriter
