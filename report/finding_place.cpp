// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/finding_place.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace untrack::report {
namespace {

LineColumn in_characters(const model::TextPart& part, const LineIndex& lines,
                         std::uint32_t offset) {
    LineColumn at = lines.place(offset);
    // Behind the last line end begins a line that has no text.
    if (offset > 0 && offset == part.text.size() && part.text.back() == '\n')
        return {at.line + 1, 1};
    std::string_view before = part.text.substr(offset - (at.column - 1), at.column - 1);
    return {at.line, static_cast<std::uint32_t>(utf8_length(before)) + 1};
}

}  // namespace

FilePlace place_of(const LintedFile& file, TextRange range) {
    const model::TextPart& part = file.text->part(range.begin);
    const LineIndex& lines = file.text->lines(part);
    auto size = static_cast<std::uint32_t>(part.text.size());
    return {part.path, in_characters(part, lines, std::min(range.begin - part.begin, size)),
            in_characters(part, lines, std::min(range.end - part.begin, size))};
}

std::string_view line_of(const LintedFile& file, TextRange range) {
    const model::TextPart& part = file.text->part(range.begin);
    const LineIndex& lines = file.text->lines(part);
    TextRange line = lines.line(lines.place(range.begin - part.begin).line);
    return part.text.substr(line.begin, line.size());
}

}  // namespace untrack::report
