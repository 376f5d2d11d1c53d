// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>

#include "analyzer/fingerprint.hpp"
#include "analyzer/rule.hpp"
#include "model/written_in.hpp"
#include "report/json_text.hpp"
#include "report/lint_report.hpp"
#include "report/packet_json.hpp"

namespace untrack::report {
namespace {

std::string_view why(model::ConntrackNeed need) {
    switch (need) {
        case model::ConntrackNeed::state_match:
            return "state match";
        case model::ConntrackNeed::key_match:
            return "match on a connection's entry";
        case model::ConntrackNeed::nat:
            return "NAT";
        case model::ConntrackNeed::target:
            return "target on a connection's entry";
        case model::ConntrackNeed::none:
            break;
    }
    return "";
}

/// Writes the object piece by piece: a million rules can have as many findings.
class Writer {
  public:
    Writer(const std::vector<LintedFile>& files, const Sink& sink) : files_(files), sink_(sink) {}

    void write() {
        out_ = "{\"version\":1,\n\"files\":[";
        begin_list();
        for (const LintedFile& file : files_) {
            next();
            out_ += "{\"path\":";
            append_string(out_, file.path);
            format(",\"language\":\"{}\",\"family\":\"", file.text->language());
            for (const LintedFile::View& view : file.views)
                out_ += family_digit(view.ruleset->family);
            format("\",\"syntax_errors\":{}}}", file.syntax_errors);
        }
        out_ += "],\n\"findings\":[";
        begin_list();
        for (const LintedFile& file : files_) {
            analyzer::Fingerprints fingerprints(*file.text);
            for (const analyzer::Finding& f : file.findings->list) {
                next();
                finding(file, f, fingerprints.next(f, file.ruleset_of(f)));
                ++counts_[static_cast<std::size_t>(f.severity)];
            }
        }
        out_ += "],\n\"conntrack\":[";
        conntrack();
        std::size_t suppressed = 0;
        std::size_t known = 0;
        for (const LintedFile& file : files_) {
            suppressed += file.findings->suppressed.size();
            known += file.findings->known.size();
        }
        format(
            "],\n\"summary\":{{\"error\":{},\"warning\":{},\"info\":{},\"suppressed\":{},"
            "\"baseline\":{}}}}}\n",
            counts_[2], counts_[1], counts_[0], suppressed, known);
        sink_(out_);
    }

  private:
    template <typename... T>
    void format(fmt::format_string<T...> text, T&&... values) {
        fmt::format_to(std::back_inserter(out_), text, std::forward<T>(values)...);
    }

    void begin_list() { first_ = true; }
    /// Before every element of a list of one line each.
    void next() {
        constexpr std::size_t enough = 1U << 18U;
        if (out_.size() > enough) {
            sink_(out_);
            out_.clear();
        }
        out_ += first_ ? "\n" : ",\n";
        first_ = false;
    }

    void finding(const LintedFile& file, const analyzer::Finding& f, std::uint64_t fingerprint) {
        const analyzer::Rule& rule = analyzer::rules()[f.code];
        const model::TextPart& part = file.text->part(f.range.begin);
        const LineIndex& lines = file.text->lines(part);
        LineColumn begin = lines.place(f.range.begin - part.begin);
        LineColumn end = lines.place(f.range.end - part.begin);
        format("{{\"code\":\"{}\",\"name\":\"{}\",\"severity\":\"{}\"", rule.code, rule.name,
               analyzer::name(f.severity));
        append_key(out_, "message", f.message);
        append_key(out_, "path", part.path);
        format(",\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}", begin.line,
               begin.column, end.line, end.column);
        if (f.rule.valid()) {
            const model::Ruleset& ruleset = file.ruleset_of(f);
            const model::Rule& r = ruleset.rule(f.rule);
            append_key(out_, "table", ruleset.table_of(r).name);
            append_key(out_, "chain", model::written_in(ruleset, f.rule).name);
            append_key(out_, "rule", file.text->at(file.text->range(r)));
        } else {
            out_ += R"(,"table":null,"chain":null,"rule":null)";
        }
        const analyzer::FindingDetails* details = file.findings->details_of(f);
        out_ += ",\"fixes\":";
        out_ += details == nullptr ? "[]" : dump(fixes_json(*details, part.begin));
        if (details != nullptr && details->witness)
            format(",\"witness\":{}", dump(packet_json(*details->witness)));
        format(",\"fingerprint\":\"{:016x}\"}}", fingerprint);
    }

    static std::string dump(const Json& json) {
        return json.dump(-1, ' ', false, Json::error_handler_t::replace);
    }

    /// Offsets are those of the file that has the finding, which begins at `begin`.
    static Json fixes_json(const analyzer::FindingDetails& details, std::uint32_t begin) {
        Json fixes = Json::array();
        for (const analyzer::Fix& fix : details.fixes) {
            Json edits = Json::array();
            for (const TextEdit& e : fix.edits)
                edits.push_back({{"start", e.range.begin - begin},
                                 {"end", e.range.end - begin},
                                 {"text", e.text}});
            bool safe = fix.applicability == analyzer::Applicability::safe;
            fixes.push_back({{"title", fix.title},
                             {"applicability", safe ? "safe" : "unsafe"},
                             {"edits", std::move(edits)}});
        }
        return fixes;
    }

    template <typename F>
    void for_views(model::Family family, F f) {
        for (const LintedFile& file : files_)
            for (const LintedFile::View& view : file.views)
                if (view.ruleset->family == family) f(view);
    }

    void conntrack() {
        bool first_family = true;
        for (model::Family family : {model::Family::ip, model::Family::ip6}) {
            bool present = false;
            bool needed = false;
            for_views(family, [&](const LintedFile::View& view) {
                present = true;
                needed = needed || !view.uses.empty();
            });
            if (!present) continue;
            format("{}\n{{\"family\":\"{}\",\"needed\":{},\"by\":[", first_family ? "" : ",",
                   family_digit(family), needed);
            first_family = false;
            begin_list();
            for_views(family, [&](const LintedFile::View& view) {
                for (std::size_t i = 0; i < view.uses.size(); ++i) {
                    next();
                    out_ += "{\"path\":";
                    append_string(out_, view.places[i].path);
                    format(",\"line\":{},\"why\":\"{}\"}}", view.places[i].at.line,
                           why(view.uses[i].need));
                }
            });
            out_ += "]}";
        }
    }

    const std::vector<LintedFile>& files_;
    const Sink& sink_;
    std::string out_;
    bool first_ = true;
    std::array<std::size_t, 3> counts_{};
};

}  // namespace

void lint_json(const std::vector<LintedFile>& files, const Sink& sink) {
    Writer(files, sink).write();
}

}  // namespace untrack::report
