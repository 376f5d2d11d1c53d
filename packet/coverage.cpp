// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/coverage.hpp"

#include <algorithm>
#include <map>

#include "packet/coverage_table.hpp"
#include "packet/order.hpp"

namespace untrack::packet {
namespace {

using model::ChainId;
using model::RuleId;

/// Deeper than any kernel goes; what walks chains by recursion is safe up to there.
constexpr std::uint32_t deepest_jump = 512;
/// Words of a table's pool. Measured: up to 1500 for each rule of servers of 100 000 rules, fewer
/// elsewhere; what takes many times as much grows faster than any memory would.
constexpr FieldOrder usual_order = FieldOrder::small_first;
constexpr std::size_t usual_words_per_rule = 1800;
constexpr std::size_t usual_words = 4'000'000;
constexpr std::size_t most_words_per_rule = 2000;
constexpr std::size_t most_words_beside = 16'000'000;
/// The part of the words that each order gets; only the most promising gets all of them then.
constexpr std::size_t first_part = 8;

std::size_t rules_of(const model::Ruleset& r, model::TableId table) {
    std::size_t n = 0;
    for (const model::Chain& c : r.chains)
        if (c.table == table) n += c.rule_count;
    return n;
}

/// Whether packets come to the table at all.
bool is_entered(const model::Ruleset& r, model::TableId table) {
    return std::any_of(r.chains.begin(), r.chains.end(),
                       [&](const model::Chain& c) { return c.base && c.table == table; });
}

/// A line with several addresses is several rules: it is idle when all of them are, for the same
/// reason, and is then spoken of once.
void join_lines(const model::Ruleset& r, std::vector<IdleRule>& idle) {
    std::map<std::uint32_t, std::size_t> of_line;
    for (const IdleRule& i : idle) of_line[r.rule(i.rule).line] = 0;
    for (const model::Rule& rule : r.rules)
        if (auto it = of_line.find(rule.line); it != of_line.end()) ++it->second;
    std::vector<IdleRule> kept;
    for (std::size_t i = 0; i < idle.size();) {
        std::uint32_t line = r.rule(idle[i].rule).line;
        std::size_t end = i;
        bool same = true;
        for (; end < idle.size() && r.rule(idle[end].rule).line == line; ++end)
            same = same && idle[end].why == idle[i].why;
        if (same && end - i == of_line[line]) kept.push_back(std::move(idle[i]));
        i = end;
    }
    idle = std::move(kept);
}

}  // namespace

Coverage coverage(const model::Ruleset& r, const Tracer& tracer, const CoverageOptions& options) {
    Coverage result;
    ChainGraph graph(r);
    if (!graph.loops().empty()) return result;
    const model::Ruleset* rulesets[] = {&r};
    Host host = rulesets;
    auto attempt = [&](model::TableId table, FieldOrder order, std::size_t words) {
        try {
            Coverage found;
            CoverageTable(r, table, graph, order, words, tracer, options, found).run();
            result.idle.insert(result.idle.end(), found.idle.begin(), found.idle.end());
            result.unentered.insert(result.unentered.end(), found.unentered.begin(),
                                    found.unentered.end());
            result.open_ends.insert(result.open_ends.end(), found.open_ends.begin(),
                                    found.open_ends.end());
            result.broken_flows.insert(result.broken_flows.end(), found.broken_flows.begin(),
                                       found.broken_flows.end());
            result.unconfirmed += found.unconfirmed;
            return true;
        } catch (const PoolExhausted&) {
            return false;
        }
    };
    std::vector<FieldOrder> orders;  // ranked when they are asked for
    auto decided = [&](model::TableId table) {
        std::size_t rules = rules_of(r, table);
        std::size_t most =
            std::min(options.most_words, rules * most_words_per_rule + most_words_beside);
        std::size_t usual = std::min(most, rules * usual_words_per_rule + usual_words);
        if (attempt(table, usual_order, usual)) return true;
        if (orders.empty()) orders = ranked_orders(r.family, {&host, 1});
        for (FieldOrder order : orders) {
            if (order == usual_order && most / first_part <= usual) continue;
            if (attempt(table, order, most / first_part)) return true;
        }
        bool tried = orders[0] == usual_order && usual == most;
        return !tried && attempt(table, orders[0], most);
    };
    for (std::size_t t = 0; t < r.tables.size(); ++t) {
        model::TableId table(t);
        // What else meets the chains of such tables is not in the packet sets.
        if (!is_entered(r, table) || rules_of(r, table) == 0 || r.table(table).other_frames)
            continue;
        if (graph.deepest() <= deepest_jump && decided(table)) continue;
        for (ChainId id : graph.callers_first())
            if (r.chain(id).table == table && r.chain(id).rule_count != 0)
                result.undecided.push_back(id);
    }
    std::stable_sort(
        result.idle.begin(), result.idle.end(),
        [](const IdleRule& a, const IdleRule& b) { return a.rule.value < b.rule.value; });
    result.idle.erase(std::remove_if(result.idle.begin(), result.idle.end(),
                                     [&](const IdleRule& i) { return r.rule(i.rule).implied; }),
                      result.idle.end());
    join_lines(r, result.idle);
    return result;
}

}  // namespace untrack::packet
