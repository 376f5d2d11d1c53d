// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/refusals.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "model/conntrack_facts.hpp"
#include "parser/iptables/syntax.hpp"
#include "rewriter/traffic.hpp"

namespace untrack::rewriter {
namespace {

namespace ipt = parser::iptables;
using model::Hook;
using model::MatchKind;
using model::TargetKind;

/// Control ports whose data connections a helper must announce.
constexpr std::uint16_t helper_ports[] = {21,   69,   137,  161,  1719, 1720,
                                          1723, 5060, 6566, 6667, 10080};

class Refusals {
  public:
    Refusals(const model::RulesetText& text, const Request& request)
        : text_(text), r_(text.ruleset), request_(request) {}

    std::vector<Reason> run() {
        if (const ipt::SyntaxTree* tree = text_.iptables()) check_file(*tree);
        check_helpers();
        check_conntrack_keys();
        check_nat();
        check_templates();
        // In the order of the file, and one of a kind for each rule.
        std::stable_sort(reasons_.begin(), reasons_.end(),
                         [](const Reason& a, const Reason& b) { return a.offset < b.offset; });
        auto same = [](const Reason& a, const Reason& b) {
            return a.offset != 0 && a.offset == b.offset && a.code == b.code;
        };
        reasons_.erase(std::unique(reasons_.begin(), reasons_.end(), same), reasons_.end());
        return std::move(reasons_);
    }

  private:
    void reason(std::string code, std::string message, std::uint32_t offset) {
        reasons_.push_back({std::move(code), std::move(message), offset, {}});
    }
    std::uint32_t offset_of(const model::Rule& rule) const { return text_.range(rule).begin; }

    void check_file(const ipt::SyntaxTree& tree) {
        for (const ipt::Note& note : tree.notes)
            if (note.kind == ipt::NoteKind::missing_commit ||
                note.kind == ipt::NoteKind::no_table_line)
                return reason("UT510",
                              "no iptables-restore loads this file as it is: every table needs its "
                              "`*table' line and its COMMIT",
                              note.range.begin);
        for (const ipt::Line& line : tree.lines)
            for (const ipt::Option& option : tree.options_of(line))
                if (option.key == ipt::key(ipt::Base::ipv4) ||
                    option.key == ipt::key(ipt::Base::ipv6))
                    return reason(
                        "UT903",
                        "this file serves both families (-4, -6): split it, and convert each part",
                        line.begin);
        if (!r_.repeated_tables.empty())
            reason("UT514",
                   "a table that comes twice empties itself when it is loaded: put its parts "
                   "together first",
                   r_.repeated_tables.front().begin);
    }

    void check_helpers() {
        for (const Service& s : request_.services)
            for (const model::PortRange& range : s.ports)
                for (std::uint16_t port : helper_ports)
                    if (range.first <= port && port <= range.last)
                        reason("UT214",
                               fmt::format("port {} is one whose further connections a conntrack "
                                           "helper must announce; untracked, they are lost",
                                           port),
                               0);
    }

    /// Calls `f` for each rule that traffic of the services may meet at the hooks, both directions,
    /// loopback included.
    template <typename F>
    void for_traffic(F f) {
        for (const Service& service : request_.services) {
            Traffic question{&service, false, &request_};
            Traffic answer{&service, true, &request_};
            bool server = request_.role == Role::server;
            std::vector<Hook> asked =
                server ? std::vector<Hook>{Hook::prerouting, Hook::input, Hook::output,
                                           Hook::postrouting}
                       : std::vector<Hook>{Hook::prerouting, Hook::forward, Hook::postrouting};
            for (Hook hook : asked) {
                bool own_way = !server || hook == Hook::prerouting || hook == Hook::input;
                each_rule_met(r_, hook, question,
                              [&](const model::Rule& rule) { f(rule, hook, question, own_way); });
                each_rule_met(r_, hook, answer, [&](const model::Rule& rule) {
                    f(rule, hook, answer,
                      !server || hook == Hook::output || hook == Hook::postrouting);
                });
            }
        }
    }

    void check_conntrack_keys() {
        std::set<std::uint32_t> told;
        for_traffic([&](const model::Rule& rule, Hook, const Traffic&, bool own_way) {
            if (!own_way || told.contains(rule.line)) return;
            bool key = model::entry_key(r_, rule) != nullptr;
            bool complex =
                std::any_of(r_.matches_of(rule).begin(), r_.matches_of(rule).end(),
                            [](const model::Match& m) { return m.kind == MatchKind::conntrack; });
            if (key || rule.target == TargetKind::connmark ||
                rule.target == TargetKind::connsecmark) {
                told.insert(rule.line);
                reason("UT215",
                       "this rule works on a connection's entry, which untracked packets of the "
                       "service have not",
                       offset_of(rule));
            } else if (rule.target == TargetKind::synproxy) {
                told.insert(rule.line);
                reason("UT210", "SYNPROXY needs the service's connections tracked",
                       offset_of(rule));
            } else if (complex) {
                told.insert(rule.line);
                reason("UT221",
                       "on untracked packets this match reads nothing but the state: what else it "
                       "asks cannot be carried over",
                       offset_of(rule));
            }
        });
    }

    void check_nat() {
        std::set<std::uint32_t> told;
        for_traffic([&](const model::Rule& rule, Hook hook, const Traffic& traffic, bool own_way) {
            if (model::conntrack_need(rule.target) != model::ConntrackNeed::nat || traffic.answer ||
                told.contains(rule.line))
                return;
            // Over lo only a changed destination would matter: the source is this host's either
            // way.
            if (!own_way && hook == Hook::postrouting) return;
            if (request_.role == Role::router && leaves_by_question_interface(rule)) return;
            told.insert(rule.line);
            reason("UT205",
                   fmt::format("{} may translate packets of the service, and NAT never touches "
                               "untracked packets",
                               r_.target_name(rule)),
                   offset_of(rule));
        });
    }

    /// A question that came in by --iface does not leave by it.
    bool leaves_by_question_interface(const model::Rule& rule) const {
        if (request_.interface.empty()) return false;
        for (const model::Match& m : r_.matches_of(rule))
            if (m.kind == MatchKind::out_interface && !m.negated && !m.payload.interface.wildcard &&
                r_.string(m.payload.interface.name) == request_.interface)
                return true;
        return false;
    }

    void check_templates() {
        std::set<std::uint32_t> told;
        for_traffic([&](const model::Rule& rule, Hook, const Traffic&, bool own_way) {
            if (!own_way || rule.target != TargetKind::ct_template ||
                !told.insert(rule.line).second)
                return;
            reason("UT209",
                   r_.language == model::Language::nft
                       ? "this rule gives a zone to packets of the service, too: it wins over "
                         "notrack, and they would stay tracked"
                       : "this CT rule is for packets of the service too; the first CT target "
                         "wins, and what it assigns would be lost",
                   offset_of(rule));
        });
    }

    const model::RulesetText& text_;
    const model::Ruleset& r_;
    const Request& request_;
    std::vector<Reason> reasons_;
};

}  // namespace

std::vector<Reason> refusals(const model::RulesetText& text, const Request& request) {
    return Refusals(text, request).run();
}

}  // namespace untrack::rewriter
