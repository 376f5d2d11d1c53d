// SPDX-License-Identifier: GPL-2.0-or-later
// What the subcommands share: exit codes, options that mean the same everywhere, and reading
// rulesets.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/line_index.hpp"
#include "base/source_file.hpp"
#include "model/conntrack_facts.hpp"
#include "model/lower_iptables.hpp"

namespace untrack::cli {

enum Exit : int {
    exit_ok = 0,
    exit_findings = 1,
    exit_refused = 1,
    exit_different = 1,
    exit_usage = 2,
    exit_bug = 3,
    exit_undecided = 4,
};

/// Filled in by the parsed command line; main returns `exit_code`.
struct Context {
    int exit_code = exit_ok;
    std::string language = "auto";
    std::string family;
};

/// --lang, --family: how files are read.
void add_input_options(CLI::App& app, Context& context);

/// One ruleset with everything that refers to it; it does not move.
struct Input {
    SourceFile file;
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;
    std::optional<LineIndex> lines;

    explicit Input(SourceFile f) : file(std::move(f)) {}
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    const LineIndex& line_index() {
        if (!lines) lines.emplace(file.text());
        return *lines;
    }
};

/// Reads, parses and lowers a file ("-" is standard input). When it cannot be read, or is no
/// iptables file, says so on stderr and returns nothing. Syntax errors are left to the caller.
std::unique_ptr<Input> read_input(const std::string& path, const Context& context);
/// Whether a file found in a directory is an iptables ruleset.
bool is_iptables_file(const std::string& path);
/// Prints the syntax errors and unreadable values of a file as FILE:LINE:COLUMN: error: ...; true
/// when there are any.
bool print_syntax_errors(Input& input);

/// "untrack: MESSAGE" on stderr.
void complain(const std::string& message);
/// Text for standard error; that it cannot be written is no reason to stop half-way.
void print_error(std::string_view text);
/// A closed standard stream's number must not go to a file that is opened next: messages would land
/// in a ruleset.
void hold_standard_streams();
/// Writes to stdout; when nobody reads any more the program ends as if killed by SIGPIPE.
void write_out(std::string_view text);

void add_trace(CLI::App& app, Context& context);
void add_dump(CLI::App& app, Context& context);
void add_lint(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_rules(CLI::App& app, Context& context);
void add_rewrite(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);

}  // namespace untrack::cli
