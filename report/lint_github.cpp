// SPDX-License-Identifier: GPL-2.0-or-later
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions; the escapes are
// those of toCommandValue() and escapeProperty() in actions/toolkit, packages/core/src/command.ts.
#include <fmt/format.h>
#include <iterator>

#include "analyzer/rule.hpp"
#include "base/utf8.hpp"
#include "report/buffered.hpp"
#include "report/finding_place.hpp"
#include "report/lint_formats.hpp"

namespace untrack::report {
namespace {

std::string_view command(analyzer::Severity severity) {
    switch (severity) {
        case analyzer::Severity::error:
            return "error";
        case analyzer::Severity::warning:
            return "warning";
        case analyzer::Severity::info:
            break;
    }
    return "notice";
}

std::string escaped(std::string_view text, std::string_view special) {
    std::string out;
    for (char c : utf8_text(text)) {
        if (special.find(c) == std::string_view::npos)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string message(std::string_view text) {
    return escaped(text, "%\r\n");
}
std::string property(std::string_view text) {
    return escaped(text, "%\r\n:,");
}

}  // namespace

void lint_github(const std::vector<LintedFile>& files, const Sink& sink) {
    Buffered out(sink);
    for (const LintedFile& file : files) {
        for (const analyzer::Finding& f : file.findings->list) {
            const analyzer::Rule& rule = analyzer::rules()[f.code];
            FilePlace at = place_of(file, f.range);
            fmt::format_to(std::back_inserter(out.text), "::{} file={},line={},endLine={}",
                           command(f.severity), property(at.path), at.begin.line, at.end.line);
            // Columns are for one line alone.
            if (at.begin.line == at.end.line)
                fmt::format_to(std::back_inserter(out.text), ",col={},endColumn={}",
                               at.begin.column, at.end.column);
            fmt::format_to(std::back_inserter(out.text), ",title={} {}::{}\n", rule.code, rule.name,
                           message(f.message));
            out.may_write();
        }
    }
    out.write();
}

}  // namespace untrack::report
