// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/admissions.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace untrack::rewriter {
namespace {

namespace ipt = parser::iptables;
using ipt::Base;

constexpr std::size_t most_ways = 16;

struct Place {
    Base from, to;
    std::string_view text;
};
constexpr Place as_they_stand[] = {{Base::source, Base::source, "-s"},
                                   {Base::destination, Base::destination, "-d"},
                                   {Base::in_interface, Base::in_interface, "-i"},
                                   {Base::out_interface, Base::out_interface, "-o"}};
constexpr Place turned_round[] = {{Base::source, Base::destination, "-d"},
                                  {Base::destination, Base::source, "-s"},
                                  {Base::in_interface, Base::out_interface, "-o"},
                                  {Base::out_interface, Base::in_interface, "-i"}};

bool only_loopback(const model::Ruleset& r, const model::Rule& rule) {
    for (const model::Match& m : r.matches_of(rule))
        if (m.kind == model::MatchKind::in_interface && !m.negated &&
            r.string(m.payload.interface.name) == "lo")
            return true;
    return false;
}

/// The options of `rule` that `beside` has not got, where they belong in a copy of it.
std::string options_for(const ipt::SyntaxTree& tree, const model::Rule& rule,
                        const model::Rule& beside, const Traffic& traffic) {
    const ipt::Line& line = tree.lines[rule.line];
    auto given = tree.options_of(tree.lines[beside.line]);
    std::span<const Place> places(as_they_stand);
    if (traffic.answer) places = turned_round;
    std::string out;
    for (const ipt::Option& option : tree.options_of(line)) {
        for (const Place& place : places) {
            if (option.key != ipt::key(place.from)) continue;
            bool taken = std::any_of(given.begin(), given.end(), [&](const ipt::Option& o) {
                return o.key == ipt::key(place.to);
            });
            // Where there is no such interface, only a negated one was met.
            bool server_out =
                place.from == Base::out_interface && traffic.request->role == Role::server;
            if (taken || server_out) continue;
            ipt::OptionWords words(tree, line, option);
            ipt::Word word;
            if (!words.next(word)) continue;
            bool negated =
                (option.flags & (ipt::Option::negated | ipt::Option::negated_after)) != 0;
            out += fmt::format("{}{}{} {}", out.empty() ? "" : " ", negated ? "! " : "", place.text,
                               tree.text.substr(word.range.begin, word.range.size()));
        }
    }
    return out;
}

}  // namespace

std::vector<std::string> admitted_ways(const ipt::SyntaxTree& tree, const model::Ruleset& r,
                                       const Traffic& traffic, const model::Rule& beside) {
    std::set<std::string> ways;
    bool over_lo = false;
    Traffic question{traffic.service, false, traffic.request};
    model::Hook hook =
        traffic.request->role == Role::server ? model::Hook::input : model::Hook::forward;
    each_rule_met(r, hook, question, [&](const model::Rule& rule) {
        bool opens = (matched_states(r, rule) & model::state_new) != 0;
        if (rule.target == model::TargetKind::accept && opens &&
            r.table_of(rule).name == "filter") {
            if (only_loopback(r, rule))
                over_lo = true;
            else
                ways.insert(options_for(tree, rule, beside, traffic));
        }
    });
    if (ways.empty() && over_lo) return {};
    if (ways.empty() || ways.contains("") || ways.size() > most_ways) return {""};
    return {ways.begin(), ways.end()};
}

}  // namespace untrack::rewriter
