// SPDX-License-Identifier: GPL-2.0-or-later
// Concrete packets that firewall rules speak of: the rules about bypasses confirm with them before
// they say a word.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyzer/context.hpp"
#include "packet/example.hpp"

namespace untrack::analyzer {

/// A rule with the jumps that lead to it from a base chain.
struct RulePath {
    model::ChainId base;
    std::vector<model::RuleId> rules;  ///< the jumps, then the rule itself
};
/// One way to the chain's rules; none when nothing reaches it.
std::optional<RulePath> path_to(const FileContext& file, model::ChainId chain);
/// One way to the rule; none when nothing reaches it.
std::optional<RulePath> path_to(const FileContext& file, model::RuleId rule);

/// The paths of packets that pass a hook.
std::span<const packet::Path> paths_through(model::Hook hook);

/// A packet on that path which satisfies all the rules and the jumps to them; none when they
/// contradict each other.
std::optional<packet::Packet> packet_for(const FileContext& file, packet::Path path,
                                         const std::vector<const RulePath*>& rules);

/// A packet that satisfies all the rules, on a path that passes the hooks of all of them, and of
/// which `proves` holds; none when no path has one.
std::optional<packet::Packet> witness(const FileContext& file,
                                      const std::vector<const RulePath*>& rules,
                                      const std::function<bool(const packet::Packet&)>& proves);

/// Ways to the first accept rules of filter chains at the hooks, `most` at most: their
/// conditions make packets that pass.
std::vector<RulePath> accepts_at(const FileContext& file, std::initializer_list<model::Hook> hooks,
                                 std::size_t most);

/// The same packet in another state of conntrack.
packet::Packet in_state(packet::Packet packet, packet::ConntrackState state);
/// The answer to a packet: turned round, a SYN answered by SYN and ACK.
packet::Packet answer_to(const packet::Packet& packet);

/// Whether the packet is sent to a group or to everybody: nobody answers from that address.
bool goes_one_way(const packet::Packet& packet);
/// Whether the trace ends with the packet refused.
bool is_refused(const packet::Trace& trace);

/// Whether a rule accepts packets that are UNTRACKED but none that are NEW.
bool accepts_only_untracked(const model::Ruleset& ruleset, const model::Rule& rule);
bool has_match(const model::Ruleset& ruleset, const model::Rule& rule,
               std::initializer_list<model::MatchKind> kinds);

/// Whether the way to the rule asks for a destination address, or for its type.
bool asks_destination(const FileContext& file, const RulePath& path);

/// "line 12 (-A INPUT -j DROP)" or "the policy of INPUT".
std::string describe(const FileContext& file, const packet::Step& step);

}  // namespace untrack::analyzer
