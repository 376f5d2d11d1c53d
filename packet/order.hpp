// SPDX-License-Identifier: GPL-2.0-or-later
// Questions about packet sets under the orders of fields in turn. No order is good for every
// ruleset, and a bad one is worse by orders of magnitude: where the usual one takes too much, a
// trial on a sample of the rules tells which to go on with, and where a pool is exhausted the next
// order gets its chance.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "packet/evaluate.hpp"

namespace untrack::packet {

/// Words of a pool for one question: 256 MB, and up to twice as much beside it.
inline constexpr std::size_t default_words = 64'000'000;

/// All orders, the most promising first: those with small diagrams of a sample of the rules, of the
/// host that has the most of the family.
std::vector<FieldOrder> ranked_orders(model::Family family, std::span<const Host> hosts);

/// Asks under one order after the other, each in a space of its own, until one comes to an end
/// without exhausting its pool; the first attempts get a part of the words, and the very first is
/// made before the rules are sampled. Says whether one came to an end.
bool try_orders(model::Family family, std::span<const Host> hosts,
                std::span<const std::string> interfaces, std::size_t most_words,
                const std::function<void(PacketSpace&)>& question);

/// What `question(space)` answers: for a space of the family with all hosts' rulesets in it, made
/// anew for each attempt. It must begin from nothing at each call; what it says when a pool is
/// exhausted is never seen. Nothing when that happens under every order: undecided.
/// `interfaces` are names to be told apart besides those that rules name.
template <typename Question>
auto for_orders(model::Family family, std::span<const Host> hosts,
                std::span<const std::string> interfaces, std::size_t most_words,
                Question&& question)
    -> std::optional<std::invoke_result_t<Question&, PacketSpace&>> {
    std::optional<std::invoke_result_t<Question&, PacketSpace&>> answer;
    try_orders(family, hosts, interfaces, most_words,
               [&](PacketSpace& space) { answer.emplace(question(space)); });
    return answer;
}

}  // namespace untrack::packet
