// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/xml_text.hpp"

#include "base/utf8.hpp"

namespace untrack::report {
namespace {

/// The characters of XML 1.0 (production 2, Char), of those that UTF-8 has.
bool is_allowed(char32_t c) {
    if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
    return c != 0xfffe && c != 0xffff;
}

std::string_view escape(char32_t c) {
    switch (c) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\t':
            return "&#9;";
        case '\n':
            return "&#10;";
        case '\r':
            return "&#13;";
        default:
            return {};
    }
}

}  // namespace

void append_xml(std::string& out, std::string_view text) {
    while (!text.empty()) {
        Utf8Piece piece = utf8_piece(text);
        std::string_view escaped = escape(piece.character);
        if (!piece.valid || !is_allowed(piece.character))
            out += "\xef\xbf\xbd";
        else
            out += escaped.empty() ? text.substr(0, piece.size) : escaped;
        text.remove_prefix(piece.size);
    }
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
    out += ' ';
    out += name;
    out += "=\"";
    append_xml(out, value);
    out += '"';
}

}  // namespace untrack::report
