// SPDX-License-Identifier: GPL-2.0-or-later
// XML 1.0 from any bytes.
#pragma once

#include <string>
#include <string_view>

namespace untrack::report {

/// The text as XML: right between tags and between quotation marks, where blanks, too, stay what
/// they are. What no XML file may hold, not even escaped (most control characters, what is no
/// UTF-8), becomes U+FFFD.
void append_xml(std::string& out, std::string_view text);
/// ` NAME="VALUE"`.
void append_attribute(std::string& out, std::string_view name, std::string_view value);

}  // namespace untrack::report
