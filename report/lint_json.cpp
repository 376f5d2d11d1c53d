// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <fmt/format.h>
#include <map>

#include "analyzer/rule.hpp"
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

/// FNV-1a: stable over releases and hosts.
std::uint64_t hash(std::string_view text, std::uint64_t h = 1469598103934665603ULL) {
    for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return h;
}

/// The same finding in a file whose other lines changed has the same fingerprint; equal rules are
/// told apart by their number.
std::string fingerprint(const LintedFile& file, const analyzer::Finding& f,
                        std::map<std::uint64_t, unsigned>& seen) {
    std::uint64_t h = hash(analyzer::rules()[f.code].code);
    TextRange line = file.lines->line(file.lines->place(f.range.begin).line);
    h = hash(file.text.substr(line.begin, line.size()), h);
    if (f.rule.valid()) h = hash(file.ruleset->table_of(file.ruleset->rule(f.rule)).name, h);
    unsigned n = seen[h]++;
    return fmt::format("{:016x}", n == 0 ? h : hash(std::to_string(n), h));
}

Json finding_json(const LintedFile& file, const analyzer::Finding& f,
                  std::map<std::uint64_t, unsigned>& seen) {
    const analyzer::Rule& rule = analyzer::rules()[f.code];
    LineColumn begin = file.lines->place(f.range.begin);
    LineColumn end = file.lines->place(f.range.end);
    Json j;
    j["code"] = rule.code;
    j["name"] = rule.name;
    j["severity"] = analyzer::name(f.severity);
    j["message"] = f.message;
    j["path"] = file.path;
    j["line"] = begin.line;
    j["column"] = begin.column;
    j["end_line"] = end.line;
    j["end_column"] = end.column;
    j["table"] = nullptr;
    j["chain"] = nullptr;
    j["rule"] = nullptr;
    if (f.rule.valid()) {
        const model::Rule& r = file.ruleset->rule(f.rule);
        TextRange line = file.lines->line(begin.line);
        j["table"] = file.ruleset->table_of(r).name;
        j["chain"] = file.ruleset->chain(r.chain).name;
        j["rule"] = file.text.substr(line.begin, line.size());
    }
    Json fixes = Json::array();
    if (const analyzer::FindingDetails* details = file.findings->details_of(f)) {
        for (const analyzer::Fix& fix : details->fixes) {
            Json edits = Json::array();
            for (const TextEdit& e : fix.edits)
                edits.push_back({{"start", e.range.begin}, {"end", e.range.end}, {"text", e.text}});
            fixes.push_back(
                {{"title", fix.title},
                 {"applicability",
                  fix.applicability == analyzer::Applicability::safe ? "safe" : "unsafe"},
                 {"edits", std::move(edits)}});
        }
        if (details->witness) j["witness"] = packet_json(*details->witness);
    }
    j["fixes"] = std::move(fixes);
    j["fingerprint"] = fingerprint(file, f, seen);
    return j;
}

}  // namespace

std::string lint_json(const std::vector<LintedFile>& files) {
    Json out;
    out["version"] = 1;
    Json list = Json::array();
    Json findings = Json::array();
    std::array<std::size_t, 3> counts{};
    for (const LintedFile& file : files) {
        list.push_back(
            {{"path", file.path},
             {"language", file.ruleset->family == model::Family::ip ? "iptables" : "ip6tables"},
             {"family", family_digit(file.ruleset->family)},
             {"syntax_errors", file.syntax_errors}});
        std::map<std::uint64_t, unsigned> seen;
        for (const analyzer::Finding& f : file.findings->list) {
            findings.push_back(finding_json(file, f, seen));
            ++counts[static_cast<std::size_t>(f.severity)];
        }
    }
    out["files"] = std::move(list);
    out["findings"] = std::move(findings);
    Json conntrack = Json::array();
    for (model::Family family : {model::Family::ip, model::Family::ip6}) {
        bool present = false;
        Json by = Json::array();
        for (const LintedFile& file : files) {
            if (file.ruleset->family != family) continue;
            present = true;
            for (std::size_t i = 0; i < file.uses.size(); ++i)
                by.push_back({{"path", file.path},
                              {"line", file.use_lines[i]},
                              {"why", why(file.uses[i].need)}});
        }
        if (present)
            conntrack.push_back(
                {{"family", family_digit(family)}, {"needed", !by.empty()}, {"by", std::move(by)}});
    }
    out["conntrack"] = std::move(conntrack);
    out["summary"] = {{"error", counts[2]}, {"warning", counts[1]}, {"info", counts[0]}};
    return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace untrack::report
