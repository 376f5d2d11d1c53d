// SPDX-License-Identifier: GPL-2.0-or-later
// What `untrack trace` prints: a path in words, or one JSON line.
#pragma once

#include <string>

#include "report/place.hpp"

namespace untrack::report {

/// How much of a path is printed, and whether in colour.
struct TraceStyle {
    bool steps = true;
    bool color = false;
};

std::string trace_text(const packet::Packet& packet, const packet::Trace& trace, RulesetTexts texts,
                       TraceStyle style);
/// Without a line end.
std::string trace_json(const packet::Packet& packet, const packet::Trace& trace,
                       RulesetTexts texts);

/// "accept", "jump SERVICES", "policy drop": what a step did.
std::string action_text(const packet::Step& step);

}  // namespace untrack::report
