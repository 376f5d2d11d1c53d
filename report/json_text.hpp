// SPDX-License-Identifier: GPL-2.0-or-later
// JSON that is written piece by piece: reports can be larger than what one wants to keep in memory.
#pragma once

#include <string>
#include <string_view>

namespace untrack::report {

/// A string with its quotation marks, whatever bytes it has: what is no UTF-8 becomes U+FFFD.
void append_string(std::string& out, std::string_view s);
/// `,"KEY":"VALUE"`; the key needs no escapes.
void append_key(std::string& out, std::string_view key, std::string_view value);

}  // namespace untrack::report
