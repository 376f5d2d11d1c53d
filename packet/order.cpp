// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/order.hpp"

#include <algorithm>
#include <limits>

namespace untrack::packet {
namespace {

/// Most rulesets need no choice: in the first order they take some words for each rule, and asking
/// costs less than trying. Measured: up to 230 on servers of 100 000 rules, 100 elsewhere.
constexpr std::size_t usual_words_per_rule = 500;
constexpr std::size_t usual_words = 1'000'000;
/// What needs many times the usual words grows faster than any memory would: a few more are enough
/// to tell.
constexpr std::size_t most_words_per_rule = 1000;
constexpr std::size_t most_words_beside = 16'000'000;
/// Rules of a sample: enough to tell the orders apart (measured on servers, clusters, lists of
/// addresses and rules by chance), and still a few milliseconds.
constexpr std::size_t sample_rules = 1000;
constexpr std::size_t sample_words = 2'000'000;
/// The part of the words that each order gets; only the first gets all of them then. A trial errs
/// sometimes, but hardly by so much, and what no order can hold is to end soon.
constexpr std::size_t first_part = 8;

std::size_t rules_of_family(Host host, model::Family family) {
    std::size_t n = 0;
    for (const model::Ruleset* r : host)
        if (r->family == family)
            for (const model::Chain& c : r->chains) n += c.rule_count;
    return n;
}

struct Trial {
    std::size_t size = std::numeric_limits<std::size_t>::max();  ///< of the diagrams of all ways
    std::size_t words = 0;                                       ///< what it took to make them
};

/// The largest size when the diagrams grow too large.
Trial trial(model::Family family, Host host, FieldOrder order, std::uint32_t stride,
            std::size_t most_words) {
    Trial result;
    PacketSpace space(family, host, order, most_words);
    Outcomes outcomes;
    EvaluateOptions options;
    options.stride = stride;
    try {
        Evaluator evaluator(space, outcomes, host, options);
        std::size_t size = 0;
        for (Way way : all_ways) size += space.pool().size(evaluator.way(way));
        result.size = size;
    } catch (const PoolExhausted&) {
        // As large as can be.
    }
    result.words = space.pool().words();
    return result;
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
    if (rules == 0) return orders;
    auto stride = static_cast<std::uint32_t>((rules + sample_rules - 1) / sample_rules);
    std::vector<std::pair<std::size_t, FieldOrder>> sizes;
    std::size_t words = sample_words;
    for (FieldOrder order : orders) {
        Trial t = trial(family, largest, order, stride, words);
        // An order that takes many times what another took is none to begin with.
        words = std::min(words, t.words * 8 + sample_words / 16);
        sizes.emplace_back(t.size, order);
    }
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
    std::size_t rules = 0;
    for (Host host : hosts) {
        rulesets.insert(rulesets.end(), host.begin(), host.end());
        rules += rules_of_family(host, family);
    }
    auto answered = [&](FieldOrder order, std::size_t words) {
        try {
            PacketSpace space(family, rulesets, order, words, interfaces);
            question(space);
            return true;
        } catch (const PoolExhausted&) {
            return false;
        }
    };
    most_words = std::min(most_words, rules * most_words_per_rule + most_words_beside);
    std::size_t usual = std::min(most_words, rules * usual_words_per_rule + usual_words);
    FieldOrder usual_order = field_orders[0];
    if (answered(usual_order, usual)) return true;
    std::vector<FieldOrder> orders = ranked_orders(family, hosts);
    for (FieldOrder order : orders) {
        std::size_t words = most_words / first_part;
        if (order == usual_order && words <= usual) continue;
        if (answered(order, words)) return true;
    }
    bool tried = orders[0] == usual_order && usual == most_words;
    return !tried && answered(orders[0], most_words);
}

}  // namespace untrack::packet
