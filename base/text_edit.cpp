// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text_edit.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "base/line_index.hpp"

namespace untrack {
namespace {

constexpr std::uint32_t context = 3;

/// Old lines [first, last) (from 0) replaced by these new ones, line ends included.
struct LineChange {
    std::uint32_t first;
    std::uint32_t last;
    std::string text;
};

std::uint32_t count_lines(std::string_view text) {
    auto n = std::count(text.begin(), text.end(), '\n');
    return static_cast<std::uint32_t>(n) + (!text.empty() && text.back() != '\n' ? 1U : 0U);
}

/// The old lines as ranges with their line ends.
class Lines {
  public:
    explicit Lines(std::string_view text) : text_(text), index_(text) {}
    [[nodiscard]] std::uint32_t count() const { return text_.empty() ? 0 : index_.line_count(); }
    [[nodiscard]] std::uint32_t begin(std::uint32_t line) const {
        return line < count() ? index_.line(line + 1).begin
                              : static_cast<std::uint32_t>(text_.size());
    }
    /// The line that holds the offset; the number of lines for the end of a text that ends in a
    /// newline.
    [[nodiscard]] std::uint32_t at(std::uint32_t offset) const {
        if (text_.empty()) return 0;
        if (offset == text_.size() && text_.back() == '\n') return count();
        return index_.place(offset).line - 1;
    }
    [[nodiscard]] std::string_view text(std::uint32_t first, std::uint32_t last) const {
        return text_.substr(begin(first), begin(last) - begin(first));
    }

  private:
    std::string_view text_;
    LineIndex index_;
};

/// Edits turned into whole-line changes; neighbours that touch the same line become one.
std::vector<LineChange> line_changes(const std::vector<TextEdit>& edits, const Lines& lines) {
    std::vector<LineChange> changes;
    for (std::size_t i = 0; i < edits.size();) {
        std::uint32_t first = lines.at(edits[i].range.begin);
        std::uint32_t last = first;
        std::size_t j = i;
        for (; j < edits.size(); ++j) {
            const TextEdit& edit = edits[j];
            std::uint32_t from = lines.at(edit.range.begin);
            bool whole_lines = edit.range.empty() && edit.range.begin == lines.begin(from) &&
                               !edit.text.empty() && edit.text.back() == '\n';
            if (j > i && from >= last && (from > first || last > first)) break;
            std::uint32_t to = whole_lines ? from : lines.at(edit.range.end) + 1;
            if (!whole_lines && !edit.range.empty() &&
                edit.range.end == lines.begin(lines.at(edit.range.end)) &&
                (edit.text.empty() || edit.text.back() == '\n'))
                to = lines.at(edit.range.end);
            last = std::max(last, std::min(to, lines.count()));
        }
        std::string_view old = lines.text(first, last);
        std::vector<TextEdit> local(edits.begin() + static_cast<std::ptrdiff_t>(i),
                                    edits.begin() + static_cast<std::ptrdiff_t>(j));
        std::uint32_t base = lines.begin(first);
        for (TextEdit& edit : local) {
            edit.range.begin -= base;
            edit.range.end -= base;
        }
        changes.push_back({first, last, apply_edits(old, local)});
        i = j;
    }
    return changes;
}

void append_lines(std::string& out, char mark, std::string_view text) {
    while (!text.empty()) {
        std::size_t newline = text.find('\n');
        out += mark;
        out += text.substr(0, newline);
        out += '\n';
        if (newline == std::string_view::npos) {
            out += "\\ No newline at end of file\n";
            return;
        }
        text.remove_prefix(newline + 1);
    }
}

}  // namespace

void sort_edits(std::vector<TextEdit>& edits) {
    std::stable_sort(edits.begin(), edits.end(), [](const TextEdit& a, const TextEdit& b) {
        return a.range.begin != b.range.begin ? a.range.begin < b.range.begin
                                              : a.range.end < b.range.end;
    });
}

std::string apply_edits(std::string_view text, const std::vector<TextEdit>& edits) {
    std::string out;
    std::size_t added = 0;
    for (const TextEdit& edit : edits) added += edit.text.size();
    out.reserve(text.size() + added);
    std::uint32_t at = 0;
    for (const TextEdit& edit : edits) {
        out += text.substr(at, edit.range.begin - at);
        out += edit.text;
        at = edit.range.end;
    }
    out += text.substr(at);
    return out;
}

std::vector<TextEdit> chain_edits(std::size_t size, const std::vector<TextEdit>& first,
                                  const std::vector<TextEdit>& then) {
    // What comes out of `first`, as pieces: bytes that were kept, or new ones.
    struct Piece {
        TextRange kept;
        std::string_view text;
        [[nodiscard]] std::uint32_t size() const {
            return text.empty() ? kept.size() : static_cast<std::uint32_t>(text.size());
        }
    };
    std::vector<Piece> pieces;
    std::uint32_t at = 0;
    for (const TextEdit& edit : first) {
        if (edit.range.begin > at) pieces.push_back({{at, edit.range.begin}, {}});
        if (!edit.text.empty()) pieces.push_back({{}, edit.text});
        at = edit.range.end;
    }
    if (size > at) pieces.push_back({{at, static_cast<std::uint32_t>(size)}, {}});

    std::vector<TextEdit> out;
    TextEdit open;  // what stands between the kept bytes before and those that come next
    auto keep = [&](TextRange range) {
        open.range.end = range.begin;
        if (!open.range.empty() || !open.text.empty()) out.push_back(std::move(open));
        open = {{range.end, range.end}, {}};
    };
    auto piece = pieces.begin();
    std::uint32_t used = 0;  // of the piece
    // Takes so many bytes of the pieces, kept or not.
    auto advance = [&](std::uint32_t bytes, bool kept) {
        while (bytes > 0) {
            std::uint32_t n = std::min(bytes, piece->size() - used);
            if (kept && piece->text.empty()) {
                keep({piece->kept.begin + used, piece->kept.begin + used + n});
            } else if (kept) {
                open.text += piece->text.substr(used, n);
            }
            bytes -= n;
            used += n;
            if (used == piece->size()) {
                ++piece;
                used = 0;
            }
        }
    };
    std::uint32_t done = 0;
    for (const TextEdit& edit : then) {
        advance(edit.range.begin - done, true);
        open.text += edit.text;
        advance(edit.range.size(), false);
        done = edit.range.end;
    }
    while (piece != pieces.end()) advance(piece->size() - used, true);
    open.range.end = static_cast<std::uint32_t>(size);
    if (!open.range.empty() || !open.text.empty()) out.push_back(std::move(open));
    return out;
}

std::string unified_diff(std::string_view text, const std::vector<TextEdit>& edits,
                         std::string_view before_name, std::string_view after_name) {
    Lines lines(text);
    std::vector<LineChange> changes = line_changes(edits, lines);
    std::erase_if(changes,
                  [&](const LineChange& c) { return lines.text(c.first, c.last) == c.text; });
    if (changes.empty()) return {};
    std::string out = fmt::format("--- {}\n+++ {}\n", before_name, after_name);
    std::int64_t shift = 0;
    for (std::size_t i = 0; i < changes.size();) {
        std::size_t j = i + 1;
        while (j < changes.size() && changes[j].first <= changes[j - 1].last + 2 * context) ++j;
        std::uint32_t from = changes[i].first - std::min(changes[i].first, context);
        std::uint32_t to = std::min(changes[j - 1].last + context, lines.count());
        std::string body;
        std::uint32_t at = from;
        std::int64_t delta = 0;
        for (std::size_t k = i; k < j; ++k) {
            append_lines(body, ' ', lines.text(at, changes[k].first));
            append_lines(body, '-', lines.text(changes[k].first, changes[k].last));
            append_lines(body, '+', changes[k].text);
            delta += static_cast<std::int64_t>(count_lines(changes[k].text)) -
                     (changes[k].last - changes[k].first);
            at = changes[k].last;
        }
        append_lines(body, ' ', lines.text(at, to));
        std::int64_t old_count = to - from;
        std::int64_t new_count = old_count + delta;
        // An empty side is named by the line before it.
        out += fmt::format("@@ -{},{} +{},{} @@\n", from + (old_count > 0 ? 1 : 0), old_count,
                           from + shift + (new_count > 0 ? 1 : 0), new_count);
        out += body;
        shift += delta;
        i = j;
    }
    return out;
}

}  // namespace untrack
