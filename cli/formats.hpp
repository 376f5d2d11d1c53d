// SPDX-License-Identifier: GPL-2.0-or-later
// --format FORMAT[=FILE]: who gets which report.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/common.hpp"
#include "rewriter/write_file.hpp"

namespace untrack::cli {

enum class Format : std::uint8_t { text, json, sarif, github, gitlab, junit, checkstyle };

/// The words that --format takes.
std::vector<std::string_view> format_names(Reports reports);

/// Standard output, or a file that appears whole when it is finished.
class Output {
  public:
    /// An empty path is standard output. Throws Fatal when the file cannot be made.
    Output(Format format, std::string path);

    [[nodiscard]] Format format() const { return format_; }
    [[nodiscard]] bool is_standard_output() const { return !file_; }
    /// Throws Fatal when it cannot be written.
    void write(std::string_view text);
    void finish();

  private:
    Format format_;
    std::string path_;
    std::unique_ptr<rewriter::FileWriter> file_;
};

/// Where --format sends the reports; text on standard output when nothing else was asked for.
/// Throws Fatal about what is no format, two reports for one place, or a report in the place of an
/// input.
class Formats {
  public:
    Formats(const Context& context, const std::vector<std::string>& inputs,
            Reports reports = Reports::own);

    [[nodiscard]] bool wants(Format format) const;
    /// Whether nobody but people is told.
    [[nodiscard]] bool only_text() const;
    /// Whether the format goes to a file.
    [[nodiscard]] bool files(Format format) const;
    /// Opens the outputs of the formats for which `has` holds. It comes last: files are written
    /// from here on.
    [[nodiscard]] std::vector<Output> open(const std::function<bool(Format)>& has) const;

  private:
    struct Destination {
        Format format;
        std::string path;  ///< empty: standard output
    };
    std::vector<Destination> destinations_;
};

}  // namespace untrack::cli
