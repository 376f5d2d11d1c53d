// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/json_text.hpp"

#include <algorithm>

#include "report/packet_json.hpp"

namespace untrack::report {

void append_string(std::string& out, std::string_view s) {
    // Most need no escape; the library does those that do.
    bool plain = std::all_of(s.begin(), s.end(),
                             [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
    if (!plain) {
        out += Json(s).dump(-1, ' ', false, Json::error_handler_t::replace);
        return;
    }
    out += '"';
    out += s;
    out += '"';
}

void append_key(std::string& out, std::string_view key, std::string_view value) {
    out += ",\"";
    out += key;
    out += "\":";
    append_string(out, value);
}

}  // namespace untrack::report
