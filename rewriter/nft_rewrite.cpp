// SPDX-License-Identifier: GPL-2.0-or-later
// Conversions of nftables text: where rules are put, and how NOTRACK is spelled.
#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "rewriter/conversion.hpp"
#include "rewriter/nft_rule_text.hpp"
#include "rewriter/refusals.hpp"

namespace untrack::rewriter {
namespace {

namespace nft = parser::nft;
using model::ChainId;
using model::ChainRole;
using model::Hook;
using model::RuleId;
using nft::Kind;
using nft::Node;

constexpr std::size_t most_ways = 16;

bool only_loopback(const model::Ruleset& r, const model::Rule& rule) {
    for (const model::Match& m : r.matches_of(rule))
        if (m.kind == model::MatchKind::in_interface && !m.negated &&
            r.string(m.payload.interface.name) == "lo")
            return true;
    return false;
}

/// Only what starts or ends a rule may stand between it and the end of its line.
bool ends_its_line(std::string_view text, std::size_t at) {
    at = text.find_first_not_of(" \t;\r", at);
    return at == std::string_view::npos || text[at] == '\n' || text[at] == '#';
}

class NftConversion final : public Conversion {
  public:
    NftConversion(const nft::SyntaxTree& tree, const std::vector<const model::RulesetText*>& views,
                  const Request& request)
        : Conversion(views, request), tree_(tree) {
        eol_ = tree.text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n";
        family_ = views.size() > 1                                ? "inet"
                  : views[0]->ruleset.family == model::Family::ip ? "ip"
                                                                  : "ip6";
    }

  private:
    std::vector<Reason> refusals() override {
        std::vector<Reason> reasons;
        if (!tree_.included.empty())
            reasons.push_back({"UT903",
                               "this file includes others: convert what `nft list ruleset' prints, "
                               "which has all of it",
                               tree_.nodes[tree_.inclusions.front().node].begin,
                               {}});
        for (const model::Problem& p : r().unfollowed)
            reasons.push_back({"UT903", p.message, p.range.begin, {}});
        if (!reasons.empty()) return reasons;
        return rewriter::refusals(text(), request_);
    }

    std::string device(Loopback over) const override {
        return over == Loopback::no   ? ""
               : over == Loopback::in ? "iifname \"lo\""
                                      : "oifname \"lo\"";
    }

    std::vector<std::string> ways(const Traffic& traffic, const model::Rule& beside) override {
        std::set<std::string> found;
        bool over_lo = false;
        Traffic question{traffic.service, false, traffic.request};
        Hook hook = request_.role == Role::server ? Hook::input : Hook::forward;
        each_rule_met(r(), hook, question, [&](const model::Rule& rule) {
            bool opens = (matched_states(r(), rule) & model::state_new) != 0;
            ChainRole role = r().chain(rule.chain).role;
            if (rule.target != model::TargetKind::accept || !opens || role == ChainRole::raw ||
                role == ChainRole::nat)
                return;
            if (only_loopback(r(), rule))
                over_lo = true;
            else
                found.insert(nft_way(tree_, rule, beside, traffic));
        });
        if (found.empty() && over_lo) return {};
        if (found.empty() || found.contains("") || found.size() > most_ways) return {""};
        return {found.begin(), found.end()};
    }

    /// Effects before the verdict are rules of the model for themselves.
    bool is_part_of_another(const model::Rule& rule) const override {
        bool verdict =
            rule.target == model::TargetKind::accept || rule.target == model::TargetKind::drop ||
            rule.target == model::TargetKind::reject || rule.target == model::TargetKind::return_ ||
            rule.jump.valid() || rule.target == model::TargetKind::queue;
        if (verdict) return false;
        const Node& node = tree_.nodes[rule.line];
        for (const Node& n : nft::children(node))
            if (n.kind == Kind::verdict || n.kind == Kind::vmap || n.kind == Kind::reject ||
                n.kind == Kind::queue || n.kind == Kind::subchain)
                return true;
        return false;
    }
    bool acts_on_each(const model::Rule& rule) const override {
        return acts_on_each_packet(tree_.nodes[rule.line]);
    }

    // -- NOTRACK
    // -----------------------------------------------------------------------------------

    void add_notrack() override {
        bool server = request_.role == Role::server;
        bool six = request_.address_family == model::Family::ip6;
        auto address = [&](std::string_view side) {
            return request_.address
                       ? fmt::format("{} {} {} ", six ? "ip6" : "ip", side, request_.address_text)
                       : std::string();
        };
        std::string own_destination = address("daddr");
        std::string own_source = address("saddr");
        std::string in;
        std::string out;
        if (!request_.interface.empty()) {
            in = fmt::format("iifname \"{}\" ", request_.interface);
            out = fmt::format("oifname \"{}\" ", request_.interface);
        }
        std::string local;
        if (server && !request_.address && may_forward()) local = "fib daddr type local ";
        if (!server) local = "fib daddr type != { local, broadcast, multicast } ";
        for (const Service& service : request_.services) {
            std::string asked = nft_ports(service, false);
            std::string answered = nft_ports(service, true);
            raw(Hook::prerouting,
                fmt::format("{}{}{} {}notrack", own_destination, in, asked, local));
            if (!server) {
                raw(Hook::prerouting, fmt::format("{}{} {}notrack", own_source, answered, local));
                continue;
            }
            raw(Hook::output, fmt::format("{}oifname \"lo\" {} notrack", own_destination, asked));
            raw(Hook::output, fmt::format("{}{}{} notrack", own_source, out, answered));
            // Answers over lo leave by lo, whatever the interface of the others.
            if (!out.empty())
                raw(Hook::output, fmt::format("{}oifname \"lo\" {} notrack", own_source, answered));
        }
    }

    void raw(Hook hook, std::string rule) {
        std::vector<std::string>& list = hook == Hook::prerouting ? prerouting_ : output_;
        if (std::find(list.begin(), list.end(), rule) == list.end())
            list.push_back(std::move(rule));
    }

    /// A chain for such rules that the file has: its block, whose table the packets of all views
    /// meet.
    const Node* raw_chain(Hook hook) const {
        for (ChainId id : r().base_chains()) {
            const model::Chain& chain = r().chain(id);
            if (chain.hook != hook || chain.role != ChainRole::raw ||
                !r().table(chain.table).name.starts_with(fmt::format("{} ", family_)))
                continue;
            for (const Node& n : tree_.nodes)
                if (n.kind == Kind::chain && n.has(nft::flag::braces) &&
                    nft::child(n, Kind::hook) != nullptr && n.begin <= chain.declared.begin &&
                    chain.declared.end <= n.end)
                    return &n;
        }
        return nullptr;
    }

    void raw_edits(std::vector<TextEdit>& out) const {
        std::string chains;
        for (Hook hook : {Hook::prerouting, Hook::output}) {
            const std::vector<std::string>& rules =
                hook == Hook::prerouting ? prerouting_ : output_;
            if (rules.empty()) continue;
            if (const Node* chain = raw_chain(hook)) {
                into_chain(*chain, rules, out);
                continue;
            }
            chains += fmt::format(
                "\tchain {} {{{}\t\ttype filter hook {} priority raw; policy "
                "accept;{}",
                name(hook), eol_, name(hook), eol_);
            for (const std::string& rule : rules) chains += fmt::format("\t\t{}{}", rule, eol_);
            chains += "\t}" + eol_;
        }
        if (chains.empty()) return;
        std::string table;
        std::string name = fmt::format("{} {}", family_, new_table());
        // A backslash takes the line end into its line.
        if (!tree_.text.empty() && (tree_.text.back() != '\n' || tree_.text.ends_with("\\\n")))
            table += eol_;
        if (empties_its_own_alone())
            table += fmt::format("table {}{}delete table {}{}", name, eol_, name, eol_);
        table += fmt::format("table {} {{{}{}}}{}", name, eol_, chains, eol_);
        auto end = static_cast<std::uint32_t>(tree_.text.size());
        out.push_back({{end, end}, std::move(table)});
    }

    /// Before its first rule: NOTRACK decides nothing, so what stands there keeps its say.
    void into_chain(const Node& chain, const std::vector<std::string>& rules,
                    std::vector<TextEdit>& out) const {
        const Node* first = nft::child(chain, Kind::rule);
        const Node* last = &chain;  // of what stands before rules: its hook at least
        for (const Node& n : nft::children(chain))
            if (n.kind == Kind::hook || n.kind == Kind::policy) last = &n;
        std::string_view text = tree_.text;
        if (first != nullptr && begins_its_line(first->begin)) {
            std::uint32_t at = line_begin(first->begin);
            std::string indent(text.substr(at, first->begin - at));
            for (const std::string& rule : rules) out.push_back({{at, at}, indent + rule + eol_});
            return;
        }
        if (first == nullptr && begins_its_line(chain.begin) && ends_its_line(text, last->end)) {
            std::uint32_t begin = line_begin(last->begin);
            std::size_t newline = text.find('\n', last->end);
            std::string indent(text.substr(begin, text.find_first_not_of(" \t", begin) - begin));
            auto at = static_cast<std::uint32_t>(newline + 1);
            for (const std::string& rule : rules) out.push_back({{at, at}, indent + rule + eol_});
            return;
        }
        std::uint32_t at = first != nullptr ? first->begin : last->end;
        std::string all;
        for (const std::string& rule : rules) all += first != nullptr ? rule + "; " : "; " + rule;
        out.push_back({{at, at}, all});
    }

    /// Whether the file, each time that it is loaded, empties or deletes what it is about to fill,
    /// and leaves other tables alone. A table that is added must then be deleted first, too: its
    /// rules would pile up, and NOTRACK would outlive the accepts that it needs. Deleted, not
    /// flushed: chains of one priority are then called in the proven order after each load.
    bool empties_its_own_alone() const {
        bool empties = false;
        for (const Node& n : nft::children(tree_.nodes.front())) {
            if (n.kind != Kind::command) continue;
            auto verb = n.as<nft::Verb>();
            const Node* object = nft::child(n, std::size_t{0});
            if (object == nullptr || (verb != nft::Verb::flush && verb != nft::Verb::delete_ &&
                                      verb != nft::Verb::destroy))
                continue;
            const Node* family = nft::child(*object, Kind::family);
            if (object->kind == Kind::ruleset &&
                (family == nullptr || tree_.text_of(*family) == family_))
                return false;
            empties = empties || object->kind == Kind::ruleset || object->kind == Kind::table ||
                      object->kind == Kind::chain;
        }
        return empties;
    }

    std::string new_table() const {
        auto taken = [&](const std::string& name) {
            return std::any_of(r().tables.begin(), r().tables.end(), [&](const model::Table& t) {
                return t.name == fmt::format("{} {}", family_, name);
            });
        };
        std::string name = "untrack";
        for (unsigned n = 2; taken(name); ++n) name = fmt::format("untrack{}", n);
        return name;
    }

    // -- copies
    // ------------------------------------------------------------------------------------

    void put_beside(const model::Rule& rule, const CopyOptions& options) override {
        const Node& node = tree_.nodes[rule.line];
        const Node* command = command_of(rule.line);
        if (command != nullptr && (command->as<nft::Verb>() == nft::Verb::insert ||
                                   nft::child(node, Kind::position) != nullptr))
            return reason("UT903",
                          "a rule that is put in by its place cannot get a copy beside it: write "
                          "the chain in order",
                          node.begin);
        auto copy = nft_untracked_copy(tree_, r(), rule, options);
        if (!copy)
            return reason("UT903",
                          "this rule asks for the state together with something else, or in a "
                          "block of its own: how it is copied for untracked packets is not known",
                          node.begin);
        if (exists(rule.chain, *copy)) return;
        std::string_view text = tree_.text;
        std::uint32_t starts = command != nullptr ? command->begin : node.begin;
        if (ends_its_line(text, node.end) && begins_its_line(starts)) {
            std::uint32_t begin = line_begin(starts);
            std::string indent(text.substr(begin, starts - begin));
            std::size_t newline = text.find('\n', node.end);
            bool last = newline == std::string_view::npos;
            auto at = static_cast<std::uint32_t>(last ? text.size() : newline + 1);
            return insert(at, last ? eol_ + indent + *copy : indent + *copy + eol_);
        }
        insert(node.end, "; " + *copy);
    }

    const Node* command_of(std::uint32_t rule) const {
        const Node* parent = rule == 0 ? nullptr : &tree_.nodes[rule - 1];
        return parent != nullptr && parent->kind == Kind::command ? parent : nullptr;
    }

    std::uint32_t line_begin(std::uint32_t at) const {
        std::size_t newline = at == 0 ? std::string_view::npos : tree_.text.rfind('\n', at - 1);
        return newline == std::string_view::npos ? 0 : static_cast<std::uint32_t>(newline + 1);
    }
    bool begins_its_line(std::uint32_t at) const {
        std::uint32_t begin = line_begin(at);
        return tree_.text.substr(begin, at - begin).find_first_not_of(" \t") ==
               std::string_view::npos;
    }

    /// Whether the chain holds this very rule.
    bool exists(ChainId chain, std::string_view copy) const {
        auto plain = [](std::string_view rule) {
            std::string out;
            for (std::size_t at = 0; at < rule.size();) {
                std::size_t end = std::min(rule.find_first_of(" \t\n", at), rule.size());
                std::string_view word = rule.substr(at, end - at);
                if (!word.empty() && word != "counter") out += std::string(word) + " ";
                at = end + 1;
            }
            return out;
        };
        std::string wanted = plain(copy);
        auto rules = r().rules_of(r().chain(chain));
        return std::any_of(rules.begin(), rules.end(),
                           [&](RuleId id) { return text().plain_text(r().rule(id)) == wanted; });
    }

    void add_error_accepts(Hook hook) override {
        bool v4 = r().family == model::Family::ip;
        std::string rule =
            v4 ? "icmp type { destination-unreachable, time-exceeded, parameter-problem } ct state "
                 "invalid accept"
               : "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
                 "parameter-problem } ct state invalid accept";
        for (ChainId id : r().base_chains()) {
            const model::Chain& chain = r().chain(id);
            if (chain.hook != hook || chain.role == ChainRole::raw || chain.role == ChainRole::nat)
                continue;
            // Before the first rule that may tell INVALID from RELATED: what stands before any test
            // of the state keeps its say about errors, too.
            for (RuleId rule_id : r().rules_of(chain)) {
                const model::Rule& first = r().rule(rule_id);
                if (!tests_state(r(), first) && !first.jump.valid()) continue;
                const Node& node = tree_.nodes[first.line];
                std::string all = rule;
                if (command_of(first.line) != nullptr) {
                    std::string reference;
                    for (const Node& n : nft::children(node))
                        if (n.kind == Kind::family || n.kind == Kind::table_name ||
                            n.kind == Kind::chain_name)
                            reference += fmt::format(" {}", tree_.text_of(n));
                    all = fmt::format("add rule{} {}", reference, rule);
                }
                std::uint32_t begin = node.begin;
                if (const Node* command = command_of(first.line)) begin = command->begin;
                if (begins_its_line(begin)) {
                    std::uint32_t at = line_begin(begin);
                    insert(at, std::string(tree_.text.substr(at, begin - at)) + all + eol_);
                } else {
                    insert(begin, all + "; ");
                }
                break;
            }
        }
    }

    // -- edits
    // -------------------------------------------------------------------------------------

    void insert(std::uint32_t at, std::string text) {
        for (const auto& [place, known] : insertions_)
            if (place == at && text == known) return;
        insertions_.emplace_back(at, std::move(text));
    }
    void forget_insertions() override {
        insertions_.clear();
        prerouting_.clear();
        output_.clear();
    }
    std::vector<TextEdit> edits() override {
        std::vector<TextEdit> out;
        for (auto& [at, text] : insertions_) out.push_back({{at, at}, text});
        raw_edits(out);
        sort_edits(out);
        return out;
    }

    const nft::SyntaxTree& tree_;
    std::string_view family_;  ///< of a table that the packets of all views meet
    std::string eol_;
    std::vector<std::pair<std::uint32_t, std::string>> insertions_;
    std::vector<std::string> prerouting_;
    std::vector<std::string> output_;
};

}  // namespace

Outcome rewrite(const nft::SyntaxTree& tree, const std::vector<const model::RulesetText*>& views,
                const Request& request) {
    return NftConversion(tree, views, request).run();
}

}  // namespace untrack::rewriter
