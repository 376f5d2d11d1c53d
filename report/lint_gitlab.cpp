// SPDX-License-Identifier: GPL-2.0-or-later
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
#include <fmt/format.h>
#include <iterator>

#include "analyzer/fingerprint.hpp"
#include "analyzer/rule.hpp"
#include "report/buffered.hpp"
#include "report/finding_place.hpp"
#include "report/json_text.hpp"
#include "report/lint_formats.hpp"

namespace untrack::report {
namespace {

std::string_view severity(analyzer::Severity severity) {
    switch (severity) {
        case analyzer::Severity::error:
            return "critical";
        case analyzer::Severity::warning:
            return "major";
        case analyzer::Severity::info:
            break;
    }
    return "info";
}

/// GitLab finds a file by its path from the repository's root, without "./".
std::string_view in_repository(std::string_view path) {
    while (path.starts_with("./")) path.remove_prefix(2);
    return path;
}

}  // namespace

void lint_gitlab(const std::vector<LintedFile>& files, const Sink& sink) {
    Buffered out(sink);
    out.text = "[";
    bool first = true;
    for (const LintedFile& file : files) {
        analyzer::Fingerprints fingerprints(*file.text);
        for (const analyzer::Finding& f : file.findings->list) {
            const analyzer::Rule& rule = analyzer::rules()[f.code];
            FilePlace at = place_of(file, f.range);
            std::string_view path = in_repository(at.path);
            out.text += first ? "\n{\"description\":" : ",\n{\"description\":";
            first = false;
            append_string(out.text, f.message);
            fmt::format_to(std::back_inserter(out.text), ",\"check_name\":\"{} {}\"", rule.code,
                           rule.name);
            // Each must be the only one of its kind in the whole report.
            std::uint64_t own = fingerprints.next(f, file.ruleset_of(f));
            fmt::format_to(std::back_inserter(out.text), ",\"fingerprint\":\"{}{}\"",
                           analyzer::fingerprint_text(analyzer::fingerprint_of(path)),
                           analyzer::fingerprint_text(own));
            fmt::format_to(std::back_inserter(out.text),
                           ",\"severity\":\"{}\",\"location\":{{\"path\":", severity(f.severity));
            append_string(out.text, path);
            fmt::format_to(std::back_inserter(out.text),
                           ",\"lines\":{{\"begin\":{},\"end\":{}}}}}}}", at.begin.line,
                           at.end.line);
            out.may_write();
        }
    }
    out.text += "]\n";
    out.write();
}

}  // namespace untrack::report
