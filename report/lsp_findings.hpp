// SPDX-License-Identifier: GPL-2.0-or-later
// Findings in the words of the language server protocol (3.17).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/context.hpp"
#include "model/ruleset_text.hpp"
#include "report/lsp_positions.hpp"
#include "report/packet_json.hpp"

namespace untrack::report {

/// A document and what was found in it.
struct LspDocument {
    std::string uri;
    std::int64_t version = 0;
    const LspLines* lines = nullptr;
    const model::RulesetText* text = nullptr;  ///< nullptr: it is no ruleset, and nothing is found
    const analyzer::Findings* findings = nullptr;
};

/// {"line","character"} and back; nothing when it is no such object.
Json lsp_position(LspPosition position);
std::optional<LspPosition> read_lsp_position(const Json& json);

/// The parameters of textDocument/publishDiagnostics. What was found in an included file is said at
/// the document's begin.
Json lsp_diagnostics(const LspDocument& document);
/// The same for a document that has one thing to be said of all of it (UT904).
Json lsp_diagnostics(const LspDocument& document, std::string_view code, std::string_view message);
/// The result of textDocument/codeAction: a quick fix for each fix of what was found in the bytes
/// `range`. `versioned`: the client takes edits of a named version.
Json lsp_code_actions(const LspDocument& document, TextRange range, bool versioned);
/// The findings at a byte of the document.
std::vector<const analyzer::Finding*> findings_at(const LspDocument& document,
                                                  std::uint32_t offset);
/// A finding's place.
Json lsp_range(const LspDocument& document, TextRange range);

}  // namespace untrack::report
