// SPDX-License-Identifier: GPL-2.0-or-later
// SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
#include <cassert>
#include <fmt/format.h>
#include <iterator>

#include "analyzer/fingerprint.hpp"
#include "analyzer/rule.hpp"
#include "model/written_in.hpp"
#include "report/buffered.hpp"
#include "report/finding_place.hpp"
#include "report/json_text.hpp"
#include "report/lint_formats.hpp"
#include "report/packet_json.hpp"

namespace untrack::report {
namespace {

std::string_view level(analyzer::Severity severity) {
    switch (severity) {
        case analyzer::Severity::error:
            return "error";
        case analyzer::Severity::warning:
            return "warning";
        case analyzer::Severity::info:
            break;
    }
    return "note";
}

/// A path as a reference of RFC 3986: what stands for itself in a path stays, any other byte is
/// written by its number. A relative one is relative to where the reader thinks fit.
std::string uri(std::string_view path) {
    std::string out;
    if (path.starts_with('/')) out = "file://";
    // What stands before a colon in the first segment would be a scheme.
    std::size_t colon = path.find(':');
    if (colon != std::string_view::npos && path.find('/') > colon) out = "./";
    for (char c : path) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     std::string_view("-._~/!$&'()*+,;=:@").find(c) != std::string_view::npos;
        if (plain)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

class Writer {
  public:
    Writer(const std::vector<LintedFile>& files, const RulePages& pages, bool complete,
           const Sink& sink)
        : files_(files),
          pages_(pages),
          complete_(complete),
          out_(sink),
          index_(analyzer::rules().size(), none) {}

    void write() {
        out_.text =
            "{\"$schema\":\"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
            "sarif-schema-2.1.0.json\",\"version\":\"2.1.0\",\n\"runs\":[{\"tool\":{\"driver\":{"
            "\"name\":\"untrack\",\"version\":\"" UNTRACK_VERSION
            "\",\"semanticVersion\":\"" UNTRACK_VERSION "\",\n\"rules\":[";
        rules();
        format(
            "]}}}},\n\"invocations\":[{{\"executionSuccessful\":{}}}],\n"
            "\"columnKind\":\"unicodeCodePoints\",\n\"artifacts\":[",
            complete_);
        artifacts();
        out_.text += "],\n\"results\":[";
        first_ = true;
        for (const LintedFile& file : files_) {
            analyzer::Fingerprints fingerprints(*file.text);
            auto results = [&](const std::vector<analyzer::Finding>& list, std::string_view by) {
                for (const analyzer::Finding& f : list) {
                    next();
                    result(file, f, fingerprints.next(f, file.ruleset_of(f)), by);
                }
            };
            results(file.findings->list, {});
            results(file.findings->suppressed, "{\"kind\":\"inSource\"}");
            results(file.findings->known, "{\"kind\":\"external\"}");
        }
        out_.text += "]}]}\n";
        out_.write();
    }

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    template <typename... T>
    void format(fmt::format_string<T...> text, T&&... values) {
        fmt::format_to(std::back_inserter(out_.text), text, std::forward<T>(values)...);
    }
    /// Before every element of a list of one line each.
    void next() {
        out_.may_write();
        out_.text += first_ ? "\n" : ",\n";
        first_ = false;
    }

    /// Those that found something.
    void rules() {
        for (const LintedFile& file : files_) {
            const analyzer::Findings& all = *file.findings;
            for (const auto* list : {&all.list, &all.suppressed, &all.known})
                for (const analyzer::Finding& f : *list) index_[f.code] = 0;
            some_suppressed_ = some_suppressed_ || !all.suppressed.empty() || !all.known.empty();
        }
        first_ = true;
        std::size_t count = 0;
        for (std::size_t i = 0; i < index_.size(); ++i) {
            if (index_[i] == none) continue;
            index_[i] = count++;
            next();
            const analyzer::Rule& rule = analyzer::rules()[i];
            format("{{\"id\":\"{}\",\"name\":\"{}\",\"shortDescription\":{{\"text\":", rule.code,
                   rule.name);
            append_string(out_.text, rule.summary);
            out_.text += "}";
            if (std::string_view page = pages_(rule.code); !page.empty()) {
                out_.text += ",\"help\":{\"text\":";
                append_string(out_.text, page);
                append_key(out_.text, "markdown", page);
                out_.text += '}';
            }
            format(",\"defaultConfiguration\":{{\"level\":\"{}\"}}}}", level(rule.severity));
        }
    }

    void artifacts() {
        first_ = true;
        for (const LintedFile& file : files_) {
            next();
            out_.text += "{\"location\":{\"uri\":";
            append_string(out_.text, uri(file.path));
            format("}},\"roles\":[\"analysisTarget\"],\"sourceLanguage\":\"{}\"}}",
                   file.text->language());
        }
    }

    void artifact_location(std::string_view path) {
        out_.text += "\"artifactLocation\":{\"uri\":";
        append_string(out_.text, uri(path));
        out_.text += '}';
    }

    void region(const FilePlace& at) {
        format("{{\"startLine\":{},\"startColumn\":{},\"endLine\":{},\"endColumn\":{}}}",
               at.begin.line, at.begin.column, at.end.line, at.end.column);
    }

    void physical_location(const FilePlace& at) {
        out_.text += "\"physicalLocation\":{";
        artifact_location(at.path);
        out_.text += ",\"region\":";
        region(at);
        out_.text += '}';
    }

    /// `suppressed`: how; empty when it is not.
    void result(const LintedFile& file, const analyzer::Finding& f, std::uint64_t fingerprint,
                std::string_view suppressed) {
        format("{{\"ruleId\":\"{}\",\"ruleIndex\":{},\"level\":\"{}\",\"message\":{{\"text\":",
               analyzer::rules()[f.code].code, index_[f.code], level(f.severity));
        append_string(out_.text, f.message);
        out_.text += "},\"locations\":[{";
        physical_location(place_of(file, f.range));
        if (f.rule.valid()) logical_location(file.ruleset_of(f), f.rule);
        out_.text += "}]";
        if (const analyzer::FindingDetails* details = file.findings->details_of(f)) {
            related(file, *details);
            fixes(file, *details);
        }
        format(",\"partialFingerprints\":{{\"rule/v1\":\"{}\"}}",
               analyzer::fingerprint_text(fingerprint));
        // All results have it when one has.
        if (some_suppressed_) format(",\"suppressions\":[{}]", suppressed);
        const analyzer::FindingDetails* details = file.findings->details_of(f);
        if (details != nullptr && details->witness)
            format(",\"properties\":{{\"witness\":{}}}",
                   packet_json(*details->witness)
                       .dump(-1, ' ', false, Json::error_handler_t::replace));
        out_.text += '}';
    }

    void logical_location(const model::Ruleset& ruleset, model::RuleId rule) {
        const model::Chain& chain = model::written_in(ruleset, rule);
        out_.text += ",\"logicalLocations\":[{\"name\":";
        append_string(out_.text, chain.name);
        append_key(out_.text, "fullyQualifiedName",
                   fmt::format("{}/{}", ruleset.table(chain.table).name, chain.name));
        out_.text += R"(,"kind":"chain"}])";
    }

    void related(const LintedFile& file, const analyzer::FindingDetails& details) {
        if (details.related.empty()) return;
        out_.text += ",\"relatedLocations\":[";
        for (std::size_t i = 0; i < details.related.size(); ++i) {
            format("{}{{\"id\":{},", i == 0 ? "" : ",", i + 1);
            physical_location(place_of(file, details.related[i].range));
            out_.text += ",\"message\":{\"text\":";
            append_string(out_.text, details.related[i].message);
            out_.text += "}}";
        }
        out_.text += ']';
    }

    void fixes(const LintedFile& file, const analyzer::FindingDetails& details) {
        if (details.fixes.empty()) return;
        out_.text += ",\"fixes\":[";
        for (std::size_t i = 0; i < details.fixes.size(); ++i) {
            const analyzer::Fix& fix = details.fixes[i];
            assert(!fix.edits.empty());
            out_.text += i == 0 ? "{\"description\":{\"text\":" : ",{\"description\":{\"text\":";
            append_string(out_.text, fix.title);
            out_.text += "},\"artifactChanges\":[";
            std::string_view path;
            for (std::size_t e = 0; e < fix.edits.size(); ++e) {
                const TextEdit& edit = fix.edits[e];
                FilePlace at = place_of(file, edit.range);
                if (e == 0 || at.path != path) {
                    out_.text += e == 0 ? "{" : "]},{";
                    artifact_location(at.path);
                    out_.text += ",\"replacements\":[";
                    path = at.path;
                } else {
                    out_.text += ',';
                }
                out_.text += "{\"deletedRegion\":";
                region(at);
                if (!edit.text.empty()) {
                    out_.text += ",\"insertedContent\":{\"text\":";
                    append_string(out_.text, edit.text);
                    out_.text += '}';
                }
                out_.text += '}';
            }
            bool safe = fix.applicability == analyzer::Applicability::safe;
            format("]}}],\"properties\":{{\"applicability\":\"{}\"}}}}", safe ? "safe" : "unsafe");
        }
        out_.text += ']';
    }

    const std::vector<LintedFile>& files_;
    const RulePages& pages_;
    bool complete_;
    bool some_suppressed_ = false;
    Buffered out_;
    std::vector<std::size_t> index_;  ///< of the registry's rules in this log
    bool first_ = true;
};

}  // namespace

void lint_sarif(const std::vector<LintedFile>& files, const RulePages& pages, bool complete,
                const Sink& sink) {
    Writer(files, pages, complete, sink).write();
}

}  // namespace untrack::report
