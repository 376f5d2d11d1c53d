// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/rewrite.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "model/iptables_text.hpp"
#include "model/lower_iptables.hpp"
#include "rewriter/admissions.hpp"
#include "rewriter/conversion.hpp"
#include "rewriter/refusals.hpp"
#include "rewriter/rule_text.hpp"

namespace untrack::rewriter {
namespace {

namespace ipt = parser::iptables;
using model::ChainId;
using model::Hook;
using model::RuleId;

class IptablesConversion final : public Conversion {
  public:
    IptablesConversion(const ipt::SyntaxTree& tree, const model::IptablesText& text,
                       const Request& request)
        : Conversion({&text}, request), tree_(tree) {
        eol_ = tree.text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
    }

  private:
    std::vector<Reason> refusals() override { return rewriter::refusals(text(), request_); }
    std::vector<std::string> ways(const Traffic& traffic, const model::Rule& beside) override {
        return admitted_ways(tree_, r(), traffic, beside);
    }
    std::string device(Loopback over) const override {
        return over == Loopback::no ? "" : over == Loopback::in ? "-i lo" : "-o lo";
    }
    void forget_insertions() override {
        insertions_.clear();
        raw_order_.clear();
    }

    void add_notrack() override {
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
            local = r().family == model::Family::ip
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

    void put_beside(const model::Rule& rule, const CopyOptions& options) override {
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
        std::string_view chain = r().chain(rule.chain).name;
        for (const std::string& text : untracked_copy(tree_, line, options)) {
            if (exists(r().table_of(rule).name, chain, text)) continue;
            insert(tree_.range(line).end, counters + text);
        }
    }

    void add_error_accepts(Hook hook) override {
        model::TableId filter = r().find_table("filter");
        if (!filter.valid()) return;
        std::string_view chain_name = hook == Hook::input    ? "INPUT"
                                      : hook == Hook::output ? "OUTPUT"
                                                             : "FORWARD";
        const model::Chain& chain = r().chain(r().find_chain(filter, chain_name));
        // Before the first rule that may tell INVALID from RELATED.
        for (RuleId id : r().rules_of(chain)) {
            const model::Rule& rule = r().rule(id);
            // What stands before any test of the state keeps its say about errors, too.
            if (!tests_state(r(), rule) && !rule.jump.valid()) continue;
            std::string counters =
                ipt::counters_before(tree_, tree_.lines[rule.line]).empty() ? "" : "[0:0] ";
            bool v4 = r().family == model::Family::ip;
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
        ChainId id = r().find_chain(r().find_table(table), chain);
        if (!r().find_table(table).valid() || !id.valid()) return false;
        std::string declare = r().chain(id).base ? "" : fmt::format(":{} - [0:0]\n", chain);
        std::string file = fmt::format("*{}\n{}", table, declare);
        for (const model::Chain& c : r().chains)
            if (!c.base && c.name != chain && r().table(c.table).name == table)
                file += fmt::format(":{} - [0:0]\n", c.name);
        file += fmt::format("{}\nCOMMIT\n", text);
        ipt::SyntaxTree tree = ipt::parse(file);
        model::Ruleset one = model::lower(tree, {r().family, ""});
        if (one.rules.size() != 1) return false;
        const model::Rule& wanted = one.rules[0];
        for (RuleId rule_id : r().rules_of(r().chain(id))) {
            const model::Rule& rule = r().rule(rule_id);
            if (rule.target != wanted.target || rule.match_count != wanted.match_count) continue;
            if (rule.jump.valid() && r().chain(rule.jump).name != one.chain(wanted.jump).name)
                continue;
            if (same_matches(rule, one, wanted)) return true;
        }
        return false;
    }

    /// The same matches, in any order: iptables-save has an order of its own.
    bool same_matches(const model::Rule& rule, const model::Ruleset& other,
                      const model::Rule& wanted) const {
        for (const model::Match& w : other.matches_of(wanted)) {
            auto mine = r().matches_of(rule);
            if (std::none_of(mine.begin(), mine.end(), [&](const model::Match& m) {
                    return model::same_match(r(), m, other, w);
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

    std::vector<TextEdit> edits() override {
        std::vector<TextEdit> out;
        for (auto& [at, text] : insertions_) out.push_back({{at, at}, text + eol_});
        add_raw_edits(out);
        sort_edits(out);
        return out;
    }

    void add_raw_edits(std::vector<TextEdit>& out) const {
        if (raw_order_.empty()) return;
        model::TableId raw = r().find_table("raw");
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
            out.push_back({{end, end}, std::move(text)});
            return;
        }
        // Before the first rule of the table: NOTRACK decides nothing, so what stands there keeps
        // its say.
        bool inside = false;
        for (const ipt::Line& line : tree_.lines) {
            if (line.kind == ipt::LineKind::table)
                inside = line.begin == r().table(raw).declared.begin;
            bool rule = line.kind == ipt::LineKind::command && line.option_count > 0;
            if (!inside || (!rule && line.kind != ipt::LineKind::commit)) continue;
            std::string counters =
                rule && !ipt::counters_before(tree_, line).empty() ? "[0:0] " : "";
            for (const std::string& text : raw_order_)
                out.push_back({{line.begin, line.begin}, counters + text + eol_});
            return;
        }
    }

    const ipt::SyntaxTree& tree_;
    std::string eol_;
    std::vector<std::pair<std::uint32_t, std::string>> insertions_;
    std::vector<std::string> raw_order_;
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
    model::IptablesText text(tree, ruleset);
    Request own = request;
    own.address_family = ruleset.family;
    return IptablesConversion(tree, text, own).run();
}

}  // namespace untrack::rewriter
