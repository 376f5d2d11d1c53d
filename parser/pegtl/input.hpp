// SPDX-License-Identifier: GPL-2.0-or-later
// PEGTL as this program uses it: over bytes in memory, without keeping lines and columns (they are
// found when something is printed), and with errors that are reported and recovered from instead of
// thrown.
#pragma once

#include <cstdint>
#include <string_view>
#include <tao/pegtl.hpp>

namespace untrack::parser::pegtl {

using namespace tao::pegtl;

/// Input that only counts bytes: three times faster than counting lines (measured).
using Input = memory_input<tracking_mode::lazy, eol::lf, const char*>;

/// The offset of a position in the input.
inline std::uint32_t offset(const Input& in, const char* p) {
    return static_cast<std::uint32_t>(p - in.begin());
}

/// Rule, or else a report to the builder: `Message::report(builder, offset)`. The rule fails then,
/// and whoever asked goes on with its recovery.
template <typename Rule, typename Message>
struct expect {
    using rule_t = expect;
    using subs_t = type_list<Rule>;

    template <apply_mode A, rewind_mode M, template <typename...> class Action,
              template <typename...> class Control, typename In, typename Builder>
    static bool match(In& in, Builder& builder) {
        if (Control<Rule>::template match<A, rewind_mode::required, Action, Control>(in, builder))
            return true;
        Message::report(builder, static_cast<std::uint32_t>(in.current() - in.begin()));
        return false;
    }
};

}  // namespace untrack::parser::pegtl
