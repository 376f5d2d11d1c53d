// SPDX-License-Identifier: GPL-2.0-or-later
// The elements and attributes of JUnit's XML that Jenkins and GitLab both read.
#include <algorithm>
#include <fmt/format.h>
#include <iterator>

#include "analyzer/rule.hpp"
#include "report/buffered.hpp"
#include "report/finding_place.hpp"
#include "report/lint_formats.hpp"
#include "report/xml_text.hpp"

namespace untrack::report {
namespace {

void failure(std::string& out, const LintedFile& file, const analyzer::Finding& f) {
    const analyzer::Rule& rule = analyzer::rules()[f.code];
    FilePlace at = place_of(file, f.range);
    out += "<testcase";
    append_attribute(out, "classname", file.path);
    fmt::format_to(std::back_inserter(out), " name=\"{} {} {}:{}\"", rule.code, rule.name,
                   at.begin.line, at.begin.column);
    append_attribute(out, "file", at.path);
    fmt::format_to(std::back_inserter(out), " line=\"{}\"><failure type=\"{}\"", at.begin.line,
                   analyzer::name(f.severity));
    append_attribute(out, "message", f.message);
    out += '>';
    append_xml(out, at.path);
    fmt::format_to(std::back_inserter(out), ":{}:{}: {}[{}] {}: ", at.begin.line, at.begin.column,
                   analyzer::name(f.severity), rule.code, rule.name);
    append_xml(out, f.message);
    out += '\n';
    append_xml(out, line_of(file, f.range));
    out += "</failure></testcase>\n";
}

}  // namespace

void lint_junit(const std::vector<LintedFile>& files, const Sink& sink) {
    std::size_t tests = 0;
    std::size_t failures = 0;
    for (const LintedFile& file : files) {
        failures += file.findings->list.size();
        tests += std::max<std::size_t>(file.findings->list.size(), 1);
    }
    Buffered out(sink);
    out.text = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"untrack\" tests=\"{}\" "
        "failures=\"{}\" errors=\"0\">\n",
        tests, failures);
    for (const LintedFile& file : files) {
        const auto& list = file.findings->list;
        out.text += "<testsuite";
        append_attribute(out.text, "name", file.path);
        fmt::format_to(std::back_inserter(out.text),
                       " tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">\n",
                       std::max<std::size_t>(list.size(), 1), list.size());
        if (list.empty()) {
            out.text += "<testcase";
            append_attribute(out.text, "classname", file.path);
            out.text += " name=\"lint\"";
            append_attribute(out.text, "file", file.path);
            out.text += "/>\n";
        }
        for (const analyzer::Finding& f : list) {
            failure(out.text, file, f);
            out.may_write();
        }
        out.text += "</testsuite>\n";
    }
    out.text += "</testsuites>\n";
    out.write();
}

}  // namespace untrack::report
