// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "analyzer/rule.hpp"
#include "report/lint_report.hpp"

namespace untrack::report {
namespace {

constexpr std::size_t widest_excerpt = 160;

/// A piece of a line that is safe to print: tabs are blanks, control bytes are dots, a character of
/// UTF-8 is never cut.
struct Excerpt {
    std::string text;
    std::size_t caret = 0;  ///< in columns of `text`
    std::size_t width = 1;
};

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

bool is_plain(std::string_view line) {
    if (line.size() > widest_excerpt) return false;
    // The highest distance from ' ', where bytes below it come out on top: a loop without a way out
    // is done sixteen bytes at a time.
    std::uint8_t highest = 0;
    for (char c : line) highest = std::max(highest, static_cast<std::uint8_t>(c - ' '));
    return highest <= '~' - ' ';
}

/// A message may quote the ruleset: control bytes are dots, as in excerpts.
void append_message(std::string& out, std::string_view text) {
    auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    bool any = false;
    for (char c : text) any |= is_control(c);
    std::size_t begin = out.size();
    out += text;
    if (any)
        std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), is_control,
                        '.');
}

void append_number(std::string& out, std::uint32_t n, std::size_t width = 0) {
    fmt::format_int digits(n);
    if (digits.size() < width) out.append(width - digits.size(), ' ');
    out.append(digits.data(), digits.size());
}

Excerpt excerpt(std::string_view line, std::size_t begin, std::size_t end) {
    begin = std::min(begin, line.size());
    end = std::clamp(end, begin, line.size());
    std::size_t from = 0;
    std::size_t to = line.size();
    if (line.size() > widest_excerpt) {
        from = begin > 40 ? begin - 40 : 0;
        to = std::min(line.size(), from + widest_excerpt);
        while (from < begin && is_continuation(line[from])) ++from;
        while (to > begin && to < line.size() && is_continuation(line[to])) --to;
    }
    Excerpt e;
    if (from > 0) e.text = "...";
    std::size_t columns = e.text.size();
    std::size_t stop = columns;
    for (std::size_t i = from; i < to; ++i) {
        if (i == begin) e.caret = columns;
        char c = line[i];
        bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        e.text += c == '\t' ? ' ' : control ? '.' : c;
        if (!is_continuation(c)) ++columns;
        if (i < end) stop = columns;
    }
    if (begin >= to) e.caret = columns;
    if (to < line.size()) e.text += "...";
    e.width = stop > e.caret ? stop - e.caret : 1;
    return e;
}

std::string_view colour(analyzer::Severity severity) {
    switch (severity) {
        case analyzer::Severity::error:
            return "\x1b[1;31m";
        case analyzer::Severity::warning:
            return "\x1b[1;33m";
        case analyzer::Severity::info:
            return "\x1b[1;36m";
    }
    return {};
}

}  // namespace

void append_finding(std::string& out, const LintedFile& file, const analyzer::Finding& finding,
                    bool color) {
    const analyzer::Rule& rule = analyzer::rules()[finding.code];
    const model::TextPart& part = file.text->part(finding.range.begin);
    const LineIndex& lines = file.text->lines(part);
    LineColumn at = lines.place(finding.range.begin - part.begin);
    TextRange range = lines.line(at.line);
    std::string_view line = part.text.substr(range.begin, range.size());
    std::string_view on = color ? colour(finding.severity) : "";
    std::string_view off = color ? "\x1b[0m" : "";
    // PATH:LINE:COLUMN: SEVERITY[CODE] NAME: MESSAGE, put together by hand: there can be a million.
    out += part.path;
    out += ':';
    append_number(out, at.line);
    out += ':';
    append_number(out, at.column);
    out += ": ";
    out += on;
    out += analyzer::name(finding.severity);
    out += '[';
    out += rule.code;
    out += ']';
    out += off;
    out += ' ';
    out += rule.name;
    out += ": ";
    append_message(out, finding.message);
    out += '\n';
    append_number(out, at.line, 6);
    out += " | ";
    Excerpt e;
    std::size_t begin = finding.range.begin - part.begin - range.begin;
    std::size_t end = finding.range.end - part.begin - range.begin;
    if (is_plain(line)) {
        // Nearly every line: one column for each byte.
        e.caret = std::min(begin, line.size());
        e.width = std::max<std::size_t>(std::min(end, line.size()) - e.caret, 1);
        out += line;
    } else {
        e = excerpt(line, begin, end);
        out += e.text;
    }
    out += "\n       | ";
    out.append(e.caret, ' ');
    out += on;
    out += '^';
    out.append(std::min(e.width, widest_excerpt) - 1, '~');
    out += off;
    out += '\n';
    const analyzer::FindingDetails* details = file.findings->details_of(finding);
    if (details == nullptr) return;
    for (const analyzer::Fix& fix : details->fixes) {
        out += "       = fix: ";
        out += fix.title;
        out += fix.applicability == analyzer::Applicability::safe ? " [--fix]\n"
                                                                  : " [--unsafe-fixes]\n";
    }
}

std::string lint_summary(const std::vector<LintedFile>& files) {
    std::array<std::size_t, 3> counts{};
    std::size_t suppressed = 0;
    std::size_t known = 0;
    for (const LintedFile& file : files) {
        for (const analyzer::Finding& f : file.findings->list)
            ++counts[static_cast<std::size_t>(f.severity)];
        suppressed += file.findings->suppressed.size();
        known += file.findings->known.size();
    }
    auto plural = [](std::size_t n, const char* noun) {
        return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
    };
    std::string out = counts[0] + counts[1] + counts[2] == 0
                          ? std::string("no findings")
                          : fmt::format("{}, {}, {}", plural(counts[2], "error"),
                                        plural(counts[1], "warning"), plural(counts[0], "remark"));
    std::string besides;
    if (suppressed != 0) besides = fmt::format("{} suppressed", suppressed);
    if (known != 0)
        besides += fmt::format("{}{} in the baseline", besides.empty() ? "" : ", ", known);
    if (!besides.empty()) out += fmt::format(" ({})", besides);
    return out + '\n';
}

std::string conntrack_summary(const std::vector<LintedFile>& files) {
    std::string out;
    for (model::Family family : {model::Family::ip, model::Family::ip6}) {
        std::size_t count = 0;
        bool present = false;
        std::string places;
        std::size_t shown = 0;
        for (const LintedFile& file : files) {
            for (const LintedFile::View& view : file.views) {
                if (view.ruleset->family != family) continue;
                present = true;
                count += view.uses.size();
                std::string_view named;
                for (const model::TextPlace& place : view.places) {
                    if (shown == most_lines_named) break;
                    bool other = files.size() > 1 || place.path != file.path;
                    if (other && named != place.path) {
                        places += fmt::format("{}{}:{}", places.empty() ? "" : "; ", place.path,
                                              place.at.line);
                    } else {
                        places += fmt::format("{}{}", places.empty() ? "" : ", ", place.at.line);
                    }
                    named = place.path;
                    ++shown;
                }
            }
        }
        if (!present) continue;
        if (count == 0) {
            out += fmt::format("IPv{}: nothing here needs connection tracking\n",
                               family_digit(family));
            continue;
        }
        std::string_view noun = files.size() > 1 ? "at" : count == 1 ? "line" : "lines";
        out +=
            fmt::format("IPv{}: connection tracking is needed by {} {}: {} {}",
                        family_digit(family), count, count == 1 ? "rule" : "rules", noun, places);
        if (count > shown) out += fmt::format(" and {} more", count - shown);
        out += '\n';
    }
    return out;
}

}  // namespace untrack::report
