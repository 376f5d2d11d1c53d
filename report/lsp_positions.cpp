// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lsp_positions.hpp"

#include <algorithm>

namespace untrack::report {
namespace {

/// A character's bytes and units of UTF-16; a byte that begins none is one of both.
struct Width {
    std::uint32_t bytes = 1;
    std::uint32_t units = 1;
};

Width width_at(std::string_view text, std::size_t at) {
    auto lead = static_cast<unsigned char>(text[at]);
    Width width;
    if (lead >= 0xf0 && lead < 0xf8) {
        width = {4, 2};
    } else if (lead >= 0xe0 && lead < 0xf0) {
        width = {3, 1};
    } else if (lead >= 0xc0 && lead < 0xe0) {
        width = {2, 1};
    }
    if (at + width.bytes > text.size()) return {};
    for (std::size_t i = at + 1; i < at + width.bytes; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) return {};
    return width;
}

}  // namespace

LspLines::LspLines(std::string_view text, PositionEncoding encoding)
    : text_(text), encoding_(encoding), starts_{0} {
    for (std::size_t i = text.find_first_of("\r\n"); i != std::string_view::npos;
         i = text.find_first_of("\r\n", i)) {
        i += text[i] == '\r' && text.substr(i + 1).starts_with('\n') ? 2 : 1;
        starts_.push_back(static_cast<std::uint32_t>(i));
    }
}

LspPosition LspLines::position(std::uint32_t offset) const {
    offset = std::min(offset, static_cast<std::uint32_t>(text_.size()));
    auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
    std::uint32_t begin = *(next - 1);
    LspPosition position{static_cast<std::uint32_t>(next - starts_.begin() - 1), 0};
    if (encoding_ == PositionEncoding::utf8) {
        position.character = offset - begin;
        return position;
    }
    for (std::uint32_t at = begin; at < offset;) {
        Width width = width_at(text_, at);
        if (at + width.bytes > offset) break;
        position.character += width.units;
        at += width.bytes;
    }
    return position;
}

std::uint32_t LspLines::offset(LspPosition position) const {
    if (position.line >= starts_.size()) return static_cast<std::uint32_t>(text_.size());
    std::uint32_t at = starts_[position.line];
    auto end = position.line + 1 < starts_.size() ? starts_[position.line + 1]
                                                  : static_cast<std::uint32_t>(text_.size());
    while (end > at && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
    std::uint32_t left = position.character;
    while (at < end) {
        Width width = width_at(text_, at);
        std::uint32_t units = encoding_ == PositionEncoding::utf8 ? width.bytes : width.units;
        if (units > left) break;
        left -= units;
        at += width.bytes;
    }
    return at;
}

}  // namespace untrack::report
