// SPDX-License-Identifier: GPL-2.0-or-later
// What checkstyle's XMLLogger writes.
#include <fmt/format.h>
#include <iterator>

#include "analyzer/rule.hpp"
#include "report/buffered.hpp"
#include "report/finding_place.hpp"
#include "report/lint_formats.hpp"
#include "report/xml_text.hpp"

namespace untrack::report {
namespace {

class Writer {
  public:
    explicit Writer(const Sink& sink) : out_(sink) {}

    void write(const std::vector<LintedFile>& files) {
        out_.text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"4.3\">\n";
        for (const LintedFile& file : files) {
            begin_file(file.path);
            for (const analyzer::Finding& f : file.findings->list) finding(file, f);
            out_.text += "</file>\n";
        }
        out_.text += "</checkstyle>\n";
        out_.write();
    }

  private:
    void begin_file(std::string_view path) {
        out_.text += "<file";
        append_attribute(out_.text, "name", path);
        out_.text += ">\n";
        path_ = path;
    }

    void finding(const LintedFile& file, const analyzer::Finding& f) {
        FilePlace at = place_of(file, f.range);
        if (at.path != path_) {  // what a file includes stands behind it
            out_.text += "</file>\n";
            begin_file(at.path);
        }
        fmt::format_to(std::back_inserter(out_.text),
                       "<error line=\"{}\" column=\"{}\" severity=\"{}\"", at.begin.line,
                       at.begin.column, analyzer::name(f.severity));
        append_attribute(out_.text, "message", f.message);
        fmt::format_to(std::back_inserter(out_.text), " source=\"untrack.{}\"/>\n",
                       analyzer::rules()[f.code].code);
        out_.may_write();
    }

    Buffered out_;
    std::string_view path_;
};

}  // namespace

void lint_checkstyle(const std::vector<LintedFile>& files, const Sink& sink) {
    Writer(sink).write(files);
}

}  // namespace untrack::report
