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

std::size_t rules_of(const model::Ruleset& r, model::TableId table) {
    std::size_t n = 0;
    for (const model::Chain& c : r.chains)
        if (c.table == table) n += c.rule_count;
    return n;
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
    // The usual order with half of the words, then all of them, the most promising first.
    constexpr std::size_t first_part = 2;
    std::vector<std::pair<FieldOrder, std::size_t>> attempts{
        {FieldOrder::small_first, options.most_words / first_part}};
    auto next_attempt = [&](std::size_t i) {
        if (i == 1 && attempts.size() == 1)
            for (FieldOrder order : ranked_orders(r.family, {&host, 1}))
                attempts.emplace_back(order, options.most_words);
        return i < attempts.size();
    };
    for (std::size_t t = 0; t < r.tables.size(); ++t) {
        model::TableId table(t);
        if (!r.tables[t].built_in || rules_of(r, table) == 0) continue;
        bool done = false;
        if (graph.deepest() <= deepest_jump)
            for (std::size_t i = 0; next_attempt(i); ++i) {
                try {
                    Coverage found;
                    CoverageTable(r, table, graph, attempts[i].first, attempts[i].second, tracer,
                                  options, found)
                        .run();
                    result.idle.insert(result.idle.end(), found.idle.begin(), found.idle.end());
                    result.unentered.insert(result.unentered.end(), found.unentered.begin(),
                                            found.unentered.end());
                    result.open_ends.insert(result.open_ends.end(), found.open_ends.begin(),
                                            found.open_ends.end());
                    result.broken_flows.insert(result.broken_flows.end(),
                                               found.broken_flows.begin(),
                                               found.broken_flows.end());
                    result.unconfirmed += found.unconfirmed;
                    done = true;
                    break;
                } catch (const PoolExhausted&) {
                    // The next order may do with less.
                }
            }
        if (done) continue;
        for (ChainId id : graph.callers_first())
            if (r.chain(id).table == table && r.chain(id).rule_count != 0)
                result.undecided.push_back(id);
    }
    std::stable_sort(
        result.idle.begin(), result.idle.end(),
        [](const IdleRule& a, const IdleRule& b) { return a.rule.value < b.rule.value; });
    join_lines(r, result.idle);
    return result;
}

}  // namespace untrack::packet
