// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/iptables/syntax.hpp"

#include <algorithm>

#include "parser/iptables/words.hpp"

namespace untrack::parser::iptables {

TextRange SyntaxTree::range(const Line& line) const {
    auto index = static_cast<std::size_t>(&line - lines.data());
    auto end =
        index + 1 < lines.size() ? lines[index + 1].begin : static_cast<std::uint32_t>(text.size());
    return {line.begin, end};
}

std::string_view SyntaxTree::content(const Line& line) const {
    TextRange r = range(line);
    std::string_view s = text.substr(r.begin, r.size());
    if (!s.empty() && s.back() == '\n') s.remove_suffix(1);
    if (!s.empty() && s.back() == '\r') s.remove_suffix(1);
    return s;
}

bool WordReader::next(Word& word) {
    const char* base = text_.data();
    const char* end = base + end_;
    const char* p = skip_gap(base + at_, end);
    if (at_line_end(p, end) || *p == '\0') {
        at_ = end_;
        return false;
    }
    ScannedWord scanned = scan_word(p, end);
    word.range = {static_cast<std::uint32_t>(p - base),
                  static_cast<std::uint32_t>(scanned.end - base)};
    word.quoted = scanned.quoted;
    word.unterminated = scanned.unterminated;
    at_ = word.range.end;
    return true;
}

std::string_view quoted_value(std::string_view text, const Word& word, std::string& storage) {
    std::string_view raw = text.substr(word.range.begin, word.range.size());
    // The usual case: the whole word is one quotation without escapes.
    if (raw.size() >= 2 && raw.front() == '"' && !word.unterminated &&
        raw.find('\\') == std::string_view::npos)
        return raw.substr(1, raw.size() - 2);
    storage.clear();
    bool inside = false;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '"') {
            inside = !inside;
        } else if (inside && raw[i] == '\\' && i + 1 < raw.size()) {
            storage += raw[++i];
        } else {
            storage += raw[i];
        }
    }
    return storage;
}

OptionWords::OptionWords(const SyntaxTree& tree, const Line& line, const Option& option)
    : OptionWords(tree, line.begin + static_cast<std::uint32_t>(tree.content(line).size()),
                  option) {}

OptionWords::OptionWords(const SyntaxTree& tree, std::uint32_t line_end, const Option& option)
    : tree_(tree),
      option_(option),
      reader_(tree.text, option.begin, line_end),
      left_(option.value_count) {
    Word word;
    reader_.next(word);
    name_ = word.range;
    if ((option.flags & Option::negated_after) != 0) reader_.next(word);
}

bool OptionWords::next(Word& value) {
    if (left_ == 0) return false;
    bool first = left_ == option_.value_count;
    --left_;
    if (first && (option_.flags & (Option::glued | Option::equals)) != 0) {
        std::string_view raw = tree_.text.substr(name_.begin, name_.size());
        std::size_t skip = (option_.flags & Option::glued) != 0 ? 2 : raw.find('=') + 1;
        value.range = {name_.begin + static_cast<std::uint32_t>(skip), name_.end};
        value.quoted = raw.find('"', skip) != std::string_view::npos;
        value.unterminated = false;
        return true;
    }
    return reader_.next(value);
}

TextRange OptionWords::whole(const SyntaxTree& tree, const Line& line, const Option& option) {
    if (option.value_count == 1 && option.value_size != 0)
        return {option.begin, option.begin + option.value_offset + option.value_size};
    OptionWords words(tree, line, option);
    TextRange range = words.name();
    for (Word value; words.next(value);) range.end = value.range.end;
    return range;
}

std::string_view first_value(const SyntaxTree& tree, const Line& line, const Option& option,
                             std::string& storage) {
    if (option.value_size != 0) return tree.plain_value(option);
    OptionWords words(tree, line, option);
    Word word;
    if (!words.next(word)) return {};
    return word_value(tree.text, word, storage);
}

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// The next run of bytes that are not blank, from `at` on.
TextRange plain_word(std::string_view text, std::uint32_t at, std::uint32_t end) {
    while (at < end && is_blank(text[at])) ++at;
    std::uint32_t begin = at;
    while (at < end && !is_blank(text[at])) ++at;
    return {begin, at};
}

}  // namespace

DeclarationParts declaration(const SyntaxTree& tree, const Line& line) {
    std::string_view content = tree.content(line);
    std::uint32_t end = line.begin + static_cast<std::uint32_t>(content.size());
    DeclarationParts parts;
    parts.name = plain_word(tree.text, line.begin + 1, end);
    if (line.kind != LineKind::chain) return parts;
    parts.policy = plain_word(tree.text, parts.name.end, end);
    parts.counters = plain_word(tree.text, parts.policy.end, end);
    return parts;
}

TextRange counters_before(const SyntaxTree& tree, const Line& line) {
    std::string_view content = tree.content(line);
    if (content.empty() || content.front() != '[') return {line.begin, line.begin};
    return plain_word(tree.text, line.begin,
                      line.begin + static_cast<std::uint32_t>(content.size()));
}

LineIndex line_index(const SyntaxTree& tree) {
    // The tree knows them, unless a backslash made one line of two.
    if (tree.lines.empty() || std::any_of(tree.notes.begin(), tree.notes.end(), [](const Note& n) {
            return n.kind == NoteKind::backslash_at_end;
        }))
        return LineIndex(tree.text);
    std::vector<std::uint32_t> starts;
    starts.reserve(tree.lines.size());
    for (const Line& line : tree.lines) starts.push_back(line.begin);
    return {tree.text, std::move(starts)};
}

std::string print(const SyntaxTree& tree) {
    std::string out;
    out.reserve(tree.text.size());
    for (const Line& line : tree.lines) {
        // Leaf by leaf: the gaps between words, and the words.
        TextRange range = tree.range(line);
        std::uint32_t at = range.begin;
        if (line.kind == LineKind::command || line.kind == LineKind::error) {
            WordReader reader(tree.text, range.begin, range.end);
            for (Word word; reader.next(word);) {
                out += tree.text.substr(at, word.range.begin - at);
                out += tree.text.substr(word.range.begin, word.range.size());
                at = word.range.end;
            }
        }
        out += tree.text.substr(at, range.end - at);
    }
    return out;
}

}  // namespace untrack::parser::iptables
