// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/lsp_findings.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "analyzer/rule.hpp"

namespace untrack::report {
namespace {

int severity_number(analyzer::Severity severity) {
    switch (severity) {
        case analyzer::Severity::error:
            return 1;
        case analyzer::Severity::warning:
            return 2;
        case analyzer::Severity::info:
            break;
    }
    return 3;
}

/// Whether the place is in the document itself, not in what it includes.
bool is_inside(const LspDocument& document, std::uint32_t offset) {
    return document.text->part(offset).begin == 0;
}

Json diagnostic(const LspDocument& document, const analyzer::Finding& finding) {
    const analyzer::Rule& rule = analyzer::rules()[finding.code];
    std::string message(finding.message);
    TextRange range = finding.range;
    if (!is_inside(document, range.begin)) {
        auto [path, at] = document.text->place(range.begin);
        message = fmt::format("{}:{}:{}: {}", path, at.line, at.column, message);
        range = {};
    }
    return {{"range", lsp_range(document, range)},
            {"severity", severity_number(finding.severity)},
            {"code", rule.code},
            {"source", "untrack"},
            {"message", fmt::format("{}: {}", rule.name, message)}};
}

Json with_head(const LspDocument& document, Json diagnostics) {
    return {{"uri", document.uri},
            {"version", document.version},
            {"diagnostics", std::move(diagnostics)}};
}

/// Touching is enough: a caret stands between two characters.
bool meets(TextRange a, TextRange b) {
    return a.begin <= b.end && b.begin <= a.end;
}

/// What changes the text; null when a change would be in an included file.
Json workspace_edit(const LspDocument& document, const analyzer::Fix& fix, bool versioned) {
    Json edits = Json::array();
    for (const TextEdit& edit : fix.edits) {
        if (!is_inside(document, edit.range.begin)) return nullptr;
        edits.push_back({{"range", lsp_range(document, edit.range)}, {"newText", edit.text}});
    }
    if (!versioned) return {{"changes", {{document.uri, std::move(edits)}}}};
    Json change = {{"textDocument", {{"uri", document.uri}, {"version", document.version}}},
                   {"edits", std::move(edits)}};
    return {{"documentChanges", Json::array({std::move(change)})}};
}

}  // namespace

Json lsp_position(LspPosition position) {
    return {{"line", position.line}, {"character", position.character}};
}

std::optional<LspPosition> read_lsp_position(const Json& json) {
    if (!json.is_object()) return std::nullopt;
    LspPosition position;
    for (auto [key, to] : {std::pair{"line", &position.line}, {"character", &position.character}}) {
        auto it = json.find(key);
        if (it == json.end() || !it->is_number_unsigned()) return std::nullopt;
        *to = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(it->get<std::uint64_t>(), 0xffffffffU));
    }
    return position;
}

Json lsp_range(const LspDocument& document, TextRange range) {
    return {{"start", lsp_position(document.lines->position(range.begin))},
            {"end", lsp_position(document.lines->position(range.end))}};
}

Json lsp_diagnostics(const LspDocument& document) {
    Json list = Json::array();
    if (document.findings != nullptr)
        for (const analyzer::Finding& finding : document.findings->list)
            list.push_back(diagnostic(document, finding));
    return with_head(document, std::move(list));
}

Json lsp_diagnostics(const LspDocument& document, std::string_view code, std::string_view message) {
    Json one = {{"range", lsp_range(document, {})},
                {"severity", 1},
                {"code", code},
                {"source", "untrack"},
                {"message", message}};
    return with_head(document, Json::array({std::move(one)}));
}

Json lsp_code_actions(const LspDocument& document, TextRange range, bool versioned) {
    Json actions = Json::array();
    if (document.findings == nullptr) return actions;
    for (const analyzer::Finding& finding : document.findings->list) {
        const analyzer::FindingDetails* details = document.findings->details_of(finding);
        if (details == nullptr || !meets(finding.range, range)) continue;
        for (const analyzer::Fix& fix : details->fixes) {
            Json edit = workspace_edit(document, fix, versioned);
            if (edit.is_null()) continue;
            bool safe = fix.applicability == analyzer::Applicability::safe;
            Json action = {{"title", safe ? fix.title : fix.title + " (not proven: look at it)"},
                           {"kind", "quickfix"},
                           {"diagnostics", Json::array({diagnostic(document, finding)})},
                           {"edit", std::move(edit)}};
            if (safe) action["isPreferred"] = true;
            actions.push_back(std::move(action));
        }
    }
    return actions;
}

std::vector<const analyzer::Finding*> findings_at(const LspDocument& document,
                                                  std::uint32_t offset) {
    std::vector<const analyzer::Finding*> found;
    if (document.findings == nullptr) return found;
    for (const analyzer::Finding& finding : document.findings->list)
        if (meets(finding.range, {offset, offset}) && is_inside(document, finding.range.begin))
            found.push_back(&finding);
    return found;
}

}  // namespace untrack::report
