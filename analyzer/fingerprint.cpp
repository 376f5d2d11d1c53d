// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/fingerprint.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "analyzer/rule.hpp"
#include "model/written_in.hpp"

namespace untrack::analyzer {
namespace {

/// FNV-1a of the text and its end, so that texts after each other do not run together.
std::uint64_t hash(std::string_view text, std::uint64_t h = 14695981039346656037ULL) {
    constexpr std::uint64_t prime = 1099511628211ULL;
    for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * prime;
    return (h ^ 0xffU) * prime;
}

bool is_number(std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "[12:3456]", as iptables-save writes the counters of chains and rules.
bool is_counter(std::string_view word) {
    if (word.size() < 5 || word.front() != '[' || word.back() != ']') return false;
    word = word.substr(1, word.size() - 2);
    std::size_t colon = word.find(':');
    return colon != std::string_view::npos && is_number(word.substr(0, colon)) &&
           is_number(word.substr(colon + 1));
}

/// The words of a line that is no rule, without what only counts.
std::uint64_t hash_words(std::string_view line) {
    std::uint64_t h = hash("");
    bool counts = false;
    for (std::size_t at = 0; at < line.size();) {
        std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
        std::string_view word = line.substr(at, end - at);
        at = end + 1;
        if (word.empty() || is_counter(word) || (counts && is_number(word))) continue;
        counts = word == "packets" || word == "bytes";
        h = hash(word, h);
    }
    return h;
}

}  // namespace

std::string fingerprint_text(std::uint64_t fingerprint) {
    return fmt::format("{:016x}", fingerprint);
}

std::uint64_t fingerprint_of(std::string_view text) {
    return hash(text);
}

std::uint64_t Fingerprints::place(const Finding& finding, const model::Ruleset& ruleset) {
    if (!finding.rule.valid()) {
        const model::TextPart& part = text_.part(finding.range.begin);
        const LineIndex& lines = text_.lines(part);
        TextRange line = lines.line(lines.place(finding.range.begin - part.begin).line);
        return hash_words(part.text.substr(line.begin, line.size()));
    }
    if (last_ruleset_ == &ruleset && last_rule_ == finding.rule) return last_place_;
    const model::Rule& rule = ruleset.rule(finding.rule);
    std::uint64_t h = hash(ruleset.table_of(rule).name);
    h = hash(model::written_in(ruleset, finding.rule).name, h);
    last_place_ = hash(text_.plain_text(rule), h);
    last_ruleset_ = &ruleset;
    last_rule_ = finding.rule;
    return last_place_;
}

std::uint64_t Fingerprints::next(const Finding& finding, const model::Ruleset& ruleset) {
    std::uint64_t h = hash(rules()[finding.code].code, place(finding, ruleset));
    std::uint32_t before = seen_[h]++;
    return before == 0 ? h : hash(std::to_string(before), h);
}

}  // namespace untrack::analyzer
