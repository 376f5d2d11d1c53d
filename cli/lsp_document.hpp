// SPDX-License-Identifier: GPL-2.0-or-later
// A document that an editor has open: its text, changes of it, and what lint finds in it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/driver.hpp"
#include "cli/input.hpp"
#include "report/lsp_findings.hpp"

namespace untrack::cli {

class LspText {
  public:
    /// `language_id`: what the editor takes it for; only heard where the text does not say.
    LspText(std::string uri, std::string_view language_id, std::int64_t version, std::string text,
            report::PositionEncoding encoding);
    LspText(const LspText&) = delete;
    LspText& operator=(const LspText&) = delete;

    /// Puts a text in the place of a range, or of everything; a new version.
    void replace(std::string text);
    void replace(report::LspPosition begin, report::LspPosition end, std::string_view text);
    void set_version(std::int64_t version) { document_.version = version; }

    /// Lints the text if it has changed since.
    void lint(const Context& context, const analyzer::Selection& selection);
    [[nodiscard]] bool is_current() const { return current_; }
    /// The file, or what it includes, may have changed on the disk.
    void distrust() { current_ = false; }

    /// The parameters of textDocument/publishDiagnostics.
    [[nodiscard]] report::Json diagnostics() const;
    [[nodiscard]] const report::LspDocument& document() const { return document_; }
    [[nodiscard]] const report::LspLines& lines();

  private:
    std::string text_;
    report::PositionEncoding encoding_;
    std::string language_id_;  ///< as --lang has it; empty when the editor does not know
    report::LspDocument document_;
    std::optional<report::LspLines> lines_;
    bool current_ = false;
    /// What the document refers to: the linted text, its views, and what was found.
    std::unique_ptr<Input> input_;
    std::unique_ptr<analyzer::Findings> findings_;
    std::string refusal_;  ///< why it is not read; empty when it is, or is none of our business
};

/// The path that a URI names; of other schemes than file the URI itself.
std::string path_of_uri(std::string_view uri);

}  // namespace untrack::cli
