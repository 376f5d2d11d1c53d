// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of refusals(): one use of an extension, and the checks that option_limits.def cannot say.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/option_limits.hpp"
#include "model/refusals.hpp"

namespace untrack::model {

/// An option of the use.
struct UsedOption {
    const ipt::Option* option;
    std::string_view value;  ///< its last, quotation marks taken off
    std::string_view first;  ///< the one before it, of options that take two
    TextRange range;         ///< the whole option
    TextRange value_range;   ///< the value; the whole option when it has none

    [[nodiscard]] std::string_view name() const { return ipt::option_info(option->key).name; }
    [[nodiscard]] bool negated() const {
        return (option->flags & (ipt::Option::negated | ipt::Option::negated_after)) != 0;
    }
};

/// One -m or -j of a line with its options, and what of the line matters to it.
struct UseInLine {
    ipt::ExtensionId extension = ipt::no_extension;
    std::vector<UsedOption> options;
    Family family = Family::ip;
    HookBits hooks = 0;  ///< from which the rule is reached; none when that is not known
    bool base = false;   ///< the rule stands in a built-in chain
    /// The number after -p, negated or not; none without -p, and for any protocol.
    std::optional<std::uint8_t> protocol;

    [[nodiscard]] const UsedOption* find(std::string_view name) const {
        for (const UsedOption& o : options)
            if (o.name() == name) return &o;
        return nullptr;
    }
};

/// What is refused: where, and why.
struct Complaint {
    TextRange range;
    std::string message;
};

/// The first thing that the extension's own check refuses. Values have been looked at before.
std::optional<Complaint> check_specially(SpecialCheck check, const UseInLine& use);

}  // namespace untrack::model
