// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/rewrite.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "model/conntrack_facts.hpp"
#include "model/lower_iptables.hpp"
#include "packet/trace.hpp"
#include "rewriter/admissions.hpp"
#include "rewriter/gate.hpp"
#include "rewriter/memory.hpp"
#include "rewriter/refusals.hpp"
#include "rewriter/residue.hpp"
#include "rewriter/rule_text.hpp"
#include "rewriter/traffic.hpp"

namespace untrack::rewriter {
namespace {

namespace ipt = parser::iptables;
using model::ChainId;
using model::Hook;
using model::MatchKind;
using model::RuleId;
using model::TargetKind;

/// What the rewriter asks of a rule, before it decides whether to put a copy beside it.
struct Visit {
    Traffic traffic;
    model::StateSet wanted;  ///< the state in which these packets used to pass: new for questions,
                             ///< established for answers
    std::string device;      ///< "-i lo" or "-o lo" for loopback traffic
};

class Conversion {
  public:
    Conversion(const ipt::SyntaxTree& tree, const model::Ruleset& ruleset, const Request& request)
        : tree_(tree), r_(ruleset), request_(request) {
        eol_ = tree.text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
    }

    Outcome run() {
        // Nothing tracks: there is nothing to leave.
        if (!model::needs_conntrack(r_, model::KernelProfile::modern)) return std::move(out_);
        model::Ruleset before = model::lower(tree_, {r_.family, r_.path, true});
        leave_idle_ports(before);
        if (request_.services.empty()) return std::move(out_);
        add_reasons(refusals(tree_, r_, request_));
        if (!out_.reasons.empty()) return refuse();
        // The smallest edit is none: what is converted already, by whatever hand, stays.
        Verdict as_it_is = judge(tree_, before, before, request_);
        if (as_it_is.reasons.empty() && as_it_is.all_work) return std::move(out_);
        // From the smallest edit upward: each round that is followed by another adds a kind of
        // accept, so there are at most five.
        Candidate candidate;
        for (;;) {
            insertions_.clear();
            later_at_established_ = candidate.later_at_established;
            choose_copied(candidate.each_port);
            add_notrack();
            add_accepts(candidate.loopback);
            for (Hook hook : {Hook::input, Hook::output, Hook::forward})
                if (candidate.errors_at(hook)) add_error_accepts(hook);
            if (!out_.reasons.empty()) return refuse();
            make_edits();
            if (out_.edits.empty()) return std::move(out_);  // it is converted already
            std::string text = apply_edits(tree_.text, out_.edits);
            ipt::SyntaxTree tree = ipt::parse(text);
            model::Ruleset after = model::lower(tree, {r_.family, r_.path, true});
            Verdict verdict = judge(tree_, before, after, request_);
            if (candidate.grow(verdict)) continue;
            add_reasons(std::move(verdict.reasons));
            out_.residue = std::move(verdict.residue);
            break;
        }
        if (!out_.reasons.empty()) return refuse();
        out_.status = Status::rewritten;
        if (counts_again_) out_.residue.push_back(counted_again());
        return std::move(out_);
    }

  private:
    /// A port that nothing connects to needs no conversion, and answers from it must not pass.
    void leave_idle_ports(const model::Ruleset& before) {
        const model::Ruleset* host[] = {&before};
        std::vector<Service> served = packet::served(
            r_.family, host,
            {request_.services, request_.role, request_.address, request_.interface}, {});
        std::vector<Service> left;
        for (const Service& s : request_.services) {
            Service active{s.protocol, {}};
            Service idle{s.protocol, {}};
            for (const model::PortRange& p : s.ports) {
                // A range that is served in part is one service's.
                bool any = std::any_of(served.begin(), served.end(), [&](const Service& there) {
                    return there.protocol == s.protocol &&
                           std::any_of(there.ports.begin(), there.ports.end(),
                                       [&](const model::PortRange& q) {
                                           return q.first <= p.last && p.first <= q.last;
                                       });
                });
                (any ? active : idle).ports.push_back(p);
            }
            if (!active.ports.empty()) left.push_back(std::move(active));
            if (!idle.ports.empty()) out_.idle.push_back(std::move(idle));
        }
        request_.services = std::move(left);
    }

    /// What an edit has beside NOTRACK and the copies of rules.
    struct Candidate {
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

    Outcome refuse() {
        out_.status = Status::refused;
        out_.edits.clear();
        out_.residue.clear();
        return std::move(out_);
    }

    void add_reasons(std::vector<Reason> reasons) {
        for (Reason& r : reasons) {
            auto& list = request_.forced.contains(r.code) ? out_.forced : out_.reasons;
            // Each round finds the same again.
            bool known = std::any_of(list.begin(), list.end(), [&](const Reason& other) {
                return other.code == r.code && other.offset == r.offset &&
                       other.message == r.message;
            });
            if (!known) list.push_back(std::move(r));
        }
    }
    void reason(std::string code, std::string message, std::uint32_t offset) {
        add_reasons({{std::move(code), std::move(message), offset, {}}});
    }
    std::uint32_t offset_of(const model::Rule& rule) const { return tree_.lines[rule.line].begin; }

    void choose_copied(bool each_port) {
        copied_.clear();
        for (const Service& s : request_.services) {
            if (!each_port) {
                copied_.push_back(s);
                continue;
            }
            for (const model::PortRange& p : s.ports) copied_.push_back({s.protocol, {p}});
        }
    }

    // -- what is added
    // ------------------------------------------------------------------------------------------------

    /// Whether this host passes packets on: unless FORWARD surely drops everything, NOTRACK is
    /// bound to what is meant.
    bool may_forward() const {
        model::TableId filter = r_.find_table("filter");
        if (!filter.valid()) return true;
        const model::Chain& forward = r_.chain(r_.find_chain(filter, "FORWARD"));
        for (RuleId id : r_.rules_of(forward)) {
            const model::Rule& rule = r_.rule(id);
            bool drops = rule.target == TargetKind::drop || rule.target == TargetKind::reject;
            bool always =
                std::all_of(r_.matches_of(rule).begin(), r_.matches_of(rule).end(),
                            [](const model::Match& m) { return m.kind == MatchKind::comment; });
            if (drops && always) return false;
            if (!drops && rule.target != TargetKind::log && rule.target != TargetKind::none)
                return true;
        }
        return forward.policy != TargetKind::drop;
    }

    void add_notrack() {
        std::string target = request_.legacy_target ? "-j NOTRACK" : "-j CT --notrack";
        bool server = request_.role == Role::server;
        std::string own_destination =
            request_.address ? fmt::format(" -d {}", request_.address_text) : "";
        std::string own_source =
            request_.address ? fmt::format(" -s {}", request_.address_text) : "";
        std::string in =
            request_.interface.empty() ? "" : fmt::format(" -i {}", request_.interface);
        std::string out =
            request_.interface.empty() ? "" : fmt::format(" -o {}", request_.interface);
        std::string local;
        if (server && !request_.address && may_forward()) local = " -m addrtype --dst-type LOCAL";
        // A broadcast is delivered here; ip6tables knows of none.
        if (!server)
            local = r_.family == model::Family::ip
                        ? " -m addrtype ! --dst-type LOCAL,BROADCAST,MULTICAST"
                        : " -m addrtype ! --dst-type LOCAL,MULTICAST";
        for (const Service& service : request_.services) {
            std::string_view protocol = service.protocol == packet::proto_tcp ? "tcp" : "udp";
            for (const std::string& ports : port_matches(service, false, true)) {
                raw_rule("PREROUTING",
                         fmt::format("-A PREROUTING{}{} -p {} {}{} {}", own_destination, in,
                                     protocol, ports, local, target));
                if (server)
                    raw_rule("OUTPUT", fmt::format("-A OUTPUT{} -o lo -p {} {} {}", own_destination,
                                                   protocol, ports, target));
            }
            for (const std::string& ports : port_matches(service, true, true)) {
                if (server) {
                    raw_rule("OUTPUT", fmt::format("-A OUTPUT{}{} -p {} {} {}", own_source, out,
                                                   protocol, ports, target));
                    // Answers over lo leave by lo, whatever the interface of the others.
                    if (!out.empty())
                        raw_rule("OUTPUT", fmt::format("-A OUTPUT{} -o lo -p {} {} {}", own_source,
                                                       protocol, ports, target));
                } else {
                    raw_rule("PREROUTING", fmt::format("-A PREROUTING{} -p {} {}{} {}", own_source,
                                                       protocol, ports, local, target));
                }
            }
        }
    }

    void raw_rule(std::string_view chain, const std::string& text) {
        if (exists("raw", chain, text)) return;
        raw_order_.push_back(text);
    }

    /// Copies for UNTRACKED packets beside the rules that test the state.
    void add_accepts(bool loopback) {
        for (const Service& service : copied_) {
            Traffic question{&service, false, &request_};
            Traffic answer{&service, true, &request_};
            if (request_.role == Role::router) {
                for (Hook hook : {Hook::prerouting, Hook::forward, Hook::postrouting}) {
                    if (later_at_established_ && service.protocol == packet::proto_tcp)
                        copy_rules(hook, {question, model::state_established, ""});
                    copy_rules(hook, {question, model::state_new, ""});
                    copy_rules(hook, {answer, model::state_established, ""});
                }
                continue;
            }
            bool established = later_at_established_ && service.protocol == packet::proto_tcp;
            if (established)
                for (Hook hook : {Hook::prerouting, Hook::input})
                    copy_rules(hook, {question, model::state_established, ""});
            copy_rules(Hook::prerouting, {question, model::state_new, ""});
            copy_rules(Hook::input, {question, model::state_new, ""});
            copy_rules(Hook::output, {answer, model::state_established, ""});
            copy_rules(Hook::postrouting, {answer, model::state_established, ""});
            if (!loopback) continue;
            copy_rules(Hook::output, {question, model::state_new, "-o lo"});
            copy_rules(Hook::input, {answer, model::state_established, "-i lo"});
        }
    }

    void copy_rules(Hook hook, const Visit& visit) {
        each_rule_met(r_, hook, visit.traffic, [&](const model::Rule& rule) {
            std::string_view table = r_.table_of(rule).name;
            if (table == "raw" || table == "nat" || !tests_state(r_, rule)) return;
            copy_rule(rule, visit);
        });
    }

    void copy_rule(const model::Rule& rule, const Visit& visit) {
        model::StateSet states = matched_states(r_, rule);
        if ((states & visit.wanted) == 0 || (states & model::state_untracked) != 0) return;
        bool tcp = visit.traffic.service->protocol == packet::proto_tcp;
        bool question = !visit.traffic.answer;
        std::optional<std::uint8_t> flags;
        bool later = visit.wanted == model::state_established;
        if (tcp && question) flags = later ? packet::tcp_ack : packet::tcp_syn;
        if (tcp && !question) flags = packet::tcp_ack;
        if (!may_match(r_, rule, visit.traffic, flags)) return;
        for (const model::Match& m : r_.matches_of(rule)) {
            // A copy for lo beside a rule for another interface would match nothing.
            bool device = m.kind == MatchKind::in_interface || m.kind == MatchKind::out_interface;
            if (device && !visit.device.empty()) return;
        }
        bool limited = std::any_of(
            r_.matches_of(rule).begin(), r_.matches_of(rule).end(), [](const model::Match& m) {
                return m.kind == MatchKind::opaque &&
                       m.payload.opaque.nature == model::OpaqueNature::occurrence;
            });
        bool flagged =
            std::any_of(r_.matches_of(rule).begin(), r_.matches_of(rule).end(),
                        [](const model::Match& m) { return m.kind == MatchKind::tcp_flags; });
        bool per_connection = limited || rule.target == TargetKind::log ||
                              rule.target == TargetKind::none || rule.target == TargetKind::queue ||
                              rule.target == TargetKind::side_effect;
        CopyOptions copy{visit.traffic.service,
                         visit.traffic.answer,
                         Part::all,
                         false,
                         false,
                         asks_only_for(r_, rule, visit.traffic),
                         visit.device};
        if (!question) {
            copy.part = tcp ? Part::later : Part::all;
            if (!visit.device.empty()) return put_beside(rule, copy);
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
                      (rule.jump.valid() && may_accept(r_, r_.chain(rule.jump)));
        // Whom a rule refuses because it remembers him was let in before; whom it refuses because
        // it does not, is let in only by its memory.
        if (rule.target == TargetKind::return_ ? remembers_who(r_, rule)
            : passes                           ? remembers_who(r_, rule)
                                               : refuses_strangers(r_, rule))
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

    void put_for_each_way(const model::Rule& rule, CopyOptions copy, const Traffic& traffic) {
        for (const std::string& way : admitted_ways(tree_, r_, traffic, rule)) {
            copy.in_or_out = way;
            put_beside(rule, copy);
        }
    }

    void put_beside(const model::Rule& rule, const CopyOptions& options) {
        const ipt::Line& line = tree_.lines[rule.line];
        for (const ipt::Option& option : tree_.options_of(line)) {
            bool numbered = option.key == ipt::key(ipt::Base::replace) ||
                            (option.key == ipt::key(ipt::Base::insert) && option.value_count > 1);
            if (numbered)
                return reason("UT903",
                              "a rule put in by number cannot get a copy beside it: write the "
                              "chain in order with -A",
                              line.begin);
        }
        std::string counters = ipt::counters_before(tree_, line).empty() ? "" : "[0:0] ";
        std::string_view chain = r_.chain(rule.chain).name;
        for (const std::string& text : untracked_copy(tree_, line, options)) {
            if (exists(r_.table_of(rule).name, chain, text)) continue;
            insert(tree_.range(line).end, counters + text);
        }
    }

    void add_error_accepts(Hook hook) {
        model::TableId filter = r_.find_table("filter");
        if (!filter.valid()) return;
        std::string_view chain_name = hook == Hook::input    ? "INPUT"
                                      : hook == Hook::output ? "OUTPUT"
                                                             : "FORWARD";
        const model::Chain& chain = r_.chain(r_.find_chain(filter, chain_name));
        // Before the first rule that may tell INVALID from RELATED.
        for (RuleId id : r_.rules_of(chain)) {
            const model::Rule& rule = r_.rule(id);
            // What stands before any test of the state keeps its say about errors, too.
            if (!tests_state(r_, rule) && !rule.jump.valid()) continue;
            std::string counters =
                ipt::counters_before(tree_, tree_.lines[rule.line]).empty() ? "" : "[0:0] ";
            bool v4 = r_.family == model::Family::ip;
            for (std::string_view type :
                 v4 ? std::vector<std::string_view>{"destination-unreachable", "time-exceeded",
                                                    "parameter-problem"}
                    : std::vector<std::string_view>{"destination-unreachable", "packet-too-big",
                                                    "time-exceeded", "parameter-problem"}) {
                std::string text =
                    fmt::format("-A {} -p {} -m {} {} -m conntrack --ctstate INVALID -j ACCEPT",
                                chain_name, v4 ? "icmp" : "ipv6-icmp",
                                v4 ? "icmp --icmp-type" : "icmp6 --icmpv6-type", type);
                if (!exists("filter", chain_name, text)) insert(offset_of(rule), counters + text);
            }
            return;
        }
    }

    /// Whether the chain holds this very rule, however it is spelled.
    bool exists(std::string_view table, std::string_view chain, const std::string& text) const {
        ChainId id = r_.find_chain(r_.find_table(table), chain);
        if (!r_.find_table(table).valid() || !id.valid()) return false;
        std::string declare = r_.chain(id).base ? "" : fmt::format(":{} - [0:0]\n", chain);
        std::string file = fmt::format("*{}\n{}", table, declare);
        for (const model::Chain& c : r_.chains)
            if (!c.base && c.name != chain && r_.table(c.table).name == table)
                file += fmt::format(":{} - [0:0]\n", c.name);
        file += fmt::format("{}\nCOMMIT\n", text);
        ipt::SyntaxTree tree = ipt::parse(file);
        model::Ruleset one = model::lower(tree, {r_.family, ""});
        if (one.rules.size() != 1) return false;
        const model::Rule& wanted = one.rules[0];
        for (RuleId rule_id : r_.rules_of(r_.chain(id))) {
            const model::Rule& rule = r_.rule(rule_id);
            if (rule.target != wanted.target || rule.match_count != wanted.match_count) continue;
            if (rule.jump.valid() && r_.chain(rule.jump).name != one.chain(wanted.jump).name)
                continue;
            if (same_matches(rule, one, wanted)) return true;
        }
        return false;
    }

    /// The same matches, in any order: iptables-save has an order of its own.
    bool same_matches(const model::Rule& rule, const model::Ruleset& other,
                      const model::Rule& wanted) const {
        for (const model::Match& w : other.matches_of(wanted)) {
            auto mine = r_.matches_of(rule);
            if (std::none_of(mine.begin(), mine.end(), [&](const model::Match& m) {
                    return model::same_match(r_, m, other, w);
                }))
                return false;
        }
        return true;
    }

    // -- edits
    // --------------------------------------------------------------------------------------------------------

    void insert(std::uint32_t at, std::string line) {
        for (const auto& [place, text] : insertions_)
            if (place == at && text == line) return;
        insertions_.emplace_back(at, std::move(line));
    }

    void make_edits() {
        out_.edits.clear();
        for (auto& [at, text] : insertions_) out_.edits.push_back({{at, at}, text + eol_});
        add_raw_edits();
        raw_order_.clear();
        sort_edits(out_.edits);
    }

    void add_raw_edits() {
        if (raw_order_.empty()) return;
        model::TableId raw = r_.find_table("raw");
        if (!raw.valid()) {
            // After the filter table: loaded first, NOTRACK would lose packets until their accepts
            // are there (measured).
            std::string text;
            if (!tree_.text.empty() && tree_.text.back() != '\n') text += eol_;
            text +=
                "*raw" + eol_ + ":PREROUTING ACCEPT [0:0]" + eol_ + ":OUTPUT ACCEPT [0:0]" + eol_;
            for (const std::string& line : raw_order_) text += line + eol_;
            text += "COMMIT" + eol_;
            auto end = static_cast<std::uint32_t>(tree_.text.size());
            out_.edits.push_back({{end, end}, std::move(text)});
            return;
        }
        // Before the first rule of the table: NOTRACK decides nothing, so what stands there keeps
        // its say.
        bool inside = false;
        for (const ipt::Line& line : tree_.lines) {
            if (line.kind == ipt::LineKind::table)
                inside = line.begin == r_.table(raw).declared.begin;
            bool rule = line.kind == ipt::LineKind::command && line.option_count > 0;
            if (!inside || (!rule && line.kind != ipt::LineKind::commit)) continue;
            std::string counters =
                rule && !ipt::counters_before(tree_, line).empty() ? "[0:0] " : "";
            for (const std::string& text : raw_order_)
                out_.edits.push_back({{line.begin, line.begin}, counters + text + eol_});
            return;
        }
    }

    const ipt::SyntaxTree& tree_;
    const model::Ruleset& r_;
    Request request_;
    bool later_at_established_ = false;
    std::vector<Service> copied_;  ///< services as the copies of rules speak of them
    std::string eol_;
    std::vector<std::pair<std::uint32_t, std::string>> insertions_;
    std::vector<std::string> raw_order_;
    bool counts_again_ = false;  ///< a limit has got a copy for SYNs
    Outcome out_;
};

}  // namespace

std::span<const std::string_view> refusal_codes() {
    static constexpr std::string_view codes[] = {
        "UT201", "UT202", "UT203", "UT205", "UT206", "UT207", "UT209", "UT210",
        "UT211", "UT214", "UT215", "UT216", "UT221", "UT223", "UT226", "UT903"};
    return codes;
}

Outcome rewrite(const ipt::SyntaxTree& tree, const model::Ruleset& ruleset,
                const Request& request) {
    return Conversion(tree, ruleset, request).run();
}

}  // namespace untrack::rewriter
