// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/builder.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace untrack::parser::nft {
namespace {

/// More than these are not worth reading in an error.
constexpr std::size_t most_expectations = 6;

/// What stands at p, for an error: one word or sign.
std::string found_at(const char* p, const char* end) {
    if (p == end) return "the end of the file";
    if (at_newline(p, end)) return "the end of the line";
    ScannedValue value = scan_atom(p, end);
    const char* q = value.end == p ? p + 1 : value.end;
    // Not half of a character of several bytes.
    while (q != end && (static_cast<unsigned char>(*q) & 0xc0U) == 0x80U) ++q;
    std::string_view text(p, std::min<std::size_t>(static_cast<std::size_t>(q - p), 40));
    std::string shown;
    for (char c : text) shown += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    return fmt::format("`{}'", shown);
}

std::string quoted(std::string_view what) {
    // Sentences stay as they are; keywords and signs are shown as they are written.
    bool sentence = what.find(' ') != std::string_view::npos;
    return sentence ? std::string(what) : fmt::format("`{}'", what);
}

}  // namespace

Keyword TreeBuilder::look_up(const Input& in, const char* p) {
    word_at_ = p;
    word_end = scan_word(p, in.end());
    word_keyword_ =
        word_end == p ? Keyword::none : find_keyword({p, static_cast<std::size_t>(word_end - p)});
    return word_keyword_;
}

const char* TreeBuilder::far_token(const Input& in) {
    const char* p = skip_blanks(in.current(), in.end());
    return in_braces ? skip_lines(in, p) : p;
}

const char* TreeBuilder::skip_lines(const Input& in, const char* p) {
    for (;;) {
        if (p == in.end()) return p;
        if (*p == '#') {
            const char* line_end = find_line_end(p, in.end());
            comment(in, p, line_end);
            p = line_end;
        } else if (at_newline(p, in.end())) {
            p = skip_newline(p);
        } else {
            const char* q = skip_blanks(p, in.end());
            if (q == p) return p;
            p = q;
        }
    }
}

void TreeBuilder::comment(const Input& in, const char* begin, const char* end) {
    if (quiet) return;
    TextRange range{offset(in, begin), offset(in, end)};
    // The same place may be passed several times.
    if (!tree.comments.empty() && range.begin <= tree.comments.back().begin) return;
    tree.comments.push_back(range);
}

void TreeBuilder::start_tracking() {
    tracking = true;
    furthest_ = nullptr;
    expected_.clear();
}

void TreeBuilder::note_miss(const Input& /*in*/, const char* p, std::string_view expected) {
    if (furthest_ != nullptr && p < furthest_) return;
    if (p != furthest_) {
        furthest_ = p;
        expected_.clear();
    }
    if (std::find(expected_.begin(), expected_.end(), expected) == expected_.end())
        expected_.push_back(expected);
}

void TreeBuilder::report_misses(const Input& in, const char* begin, const char* end) {
    tracking = false;
    const char* at = furthest_ == nullptr ? begin : std::clamp(furthest_, begin, end);
    std::string message;
    if (expected_.empty() || expected_.size() > most_expectations || at != furthest_) {
        message = fmt::format("cannot be read from {} on", found_at(at, in.end()));
    } else {
        message = "expected ";
        for (std::size_t i = 0; i < expected_.size(); ++i) {
            if (i != 0) message += i + 1 == expected_.size() ? " or " : ", ";
            message += quoted(expected_[i]);
        }
        message += fmt::format(", found {}", found_at(at, in.end()));
    }
    error(in, at, at, std::move(message));
}

}  // namespace untrack::parser::nft
