// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/order.hpp"

#include <algorithm>
#include <limits>

namespace untrack::packet {
namespace {

/// Rules of a sample: enough to tell the orders apart (measured on servers, clusters, lists of
/// addresses and rules by chance), and still a few milliseconds.
constexpr std::size_t sample_rules = 1000;
constexpr std::size_t sample_words = 2'000'000;
/// Fewer rules are asked under the first order sooner than they are sampled under all.
constexpr std::size_t few_rules = 300;
/// The part of the words that each order gets before any order gets all of them: a trial errs
/// sometimes, and an order that is off by a factor need not be followed to its end.
constexpr std::size_t first_part = 4;

std::size_t rules_of_family(Host host, model::Family family) {
    std::size_t n = 0;
    for (const model::Ruleset* r : host)
        if (r->family == family)
            for (const model::Chain& c : r->chains) n += c.rule_count;
    return n;
}

/// The size of the diagrams of all ways; the largest number when they grow too large.
std::size_t trial(model::Family family, Host host, FieldOrder order, std::uint32_t stride) {
    PacketSpace space(family, host, order, sample_words);
    Outcomes outcomes;
    EvaluateOptions options;
    options.stride = stride;
    try {
        Evaluator evaluator(space, outcomes, host, options);
        std::size_t size = 0;
        for (Way way : all_ways) size += space.pool().size(evaluator.way(way));
        return size;
    } catch (const PoolExhausted&) {
        return std::numeric_limits<std::size_t>::max();
    }
}

}  // namespace

std::vector<FieldOrder> ranked_orders(model::Family family, std::span<const Host> hosts) {
    std::vector<FieldOrder> orders(std::begin(field_orders), std::end(field_orders));
    Host largest;
    std::size_t rules = 0;
    for (Host host : hosts)
        if (std::size_t n = rules_of_family(host, family); n > rules) {
            rules = n;
            largest = host;
        }
    if (rules < few_rules) return orders;
    auto stride = static_cast<std::uint32_t>((rules + sample_rules - 1) / sample_rules);
    std::vector<std::pair<std::size_t, FieldOrder>> sizes;
    for (FieldOrder order : orders)
        sizes.emplace_back(trial(family, largest, order, stride), order);
    std::stable_sort(sizes.begin(), sizes.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(sizes.begin(), sizes.end(), orders.begin(),
                   [](const auto& s) { return s.second; });
    return orders;
}

bool try_orders(model::Family family, std::span<const Host> hosts,
                std::span<const std::string> interfaces, std::size_t most_words,
                const std::function<void(PacketSpace&)>& question) {
    std::vector<const model::Ruleset*> rulesets;
    for (Host host : hosts) rulesets.insert(rulesets.end(), host.begin(), host.end());
    std::vector<FieldOrder> orders = ranked_orders(family, hosts);
    for (std::size_t words : {most_words / first_part, most_words})
        for (FieldOrder order : orders) {
            try {
                PacketSpace space(family, rulesets, order, words, interfaces);
                question(space);
                return true;
            } catch (const PoolExhausted&) {
                // Too large in this order.
            }
        }
    return false;
}

}  // namespace untrack::packet
