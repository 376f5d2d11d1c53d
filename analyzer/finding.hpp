// SPDX-License-Identifier: GPL-2.0-or-later
// What a lint rule says: compact, because a ruleset of a million rules can have as many findings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_edit.hpp"
#include "base/text_range.hpp"
#include "model/ruleset.hpp"
#include "packet/packet.hpp"

namespace untrack::analyzer {

enum class Severity : std::uint8_t { info, warning, error };
std::string_view name(Severity severity);

/// A lint rule by its place in the registry.
using RuleIndex = std::uint16_t;

/// How far a fix may be trusted: `safe` only when shown for this very file.
enum class Applicability : std::uint8_t { safe, unsafe };

/// What a fix does to the ruleset, which says how it can be shown to be safe.
enum class FixKind : std::uint8_t {
    spelling,    ///< nothing: the same rule in other words
    removal,     ///< takes rules away
    correction,  ///< a rule comes to mean what was meant
};

struct Fix {
    std::string title;
    Applicability applicability = Applicability::unsafe;
    FixKind kind = FixKind::correction;
    std::vector<TextEdit> edits;
};

/// Another place that a finding speaks of.
struct Related {
    TextRange range;
    std::string_view message;  ///< what is there: "takes packets of the rule"
};

/// What only few findings have.
struct FindingDetails {
    std::vector<Fix> fixes;
    std::optional<packet::Packet> witness;
    std::vector<Related> related;
};

/// One finding. Its message is either static text or owned by the Findings it is in.
struct Finding {
    TextRange range;  ///< what the caret stands under
    std::string_view message;
    model::RuleId rule;                   ///< the firewall rule, if it is about one
    std::uint32_t details = 0xffffffffU;  ///< into Findings::details
    RuleIndex code = 0;
    Severity severity = Severity::warning;
    std::uint8_t view = 0;  ///< whose rule it is: the number of the context that was linted
};

}  // namespace untrack::analyzer
