// SPDX-License-Identifier: GPL-2.0-or-later
// What the subcommands share: exit codes, and options that mean the same everywhere.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace untrack::cli {

/// What a subcommand can report: text and JSON, or findings in the formats of other programs, too.
enum class Reports : std::uint8_t { own, findings };

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
    std::string color = "auto";
    std::vector<std::string> formats;
    std::string config;  ///< the configuration file that was named
    bool no_config = false;
    std::size_t jobs = 0;  ///< threads; 0: as many as there are processors
    bool quiet = false;
    bool verbose = false;
};

/// --color, -q, -v, --version.
void add_common_options(CLI::App& app, Context& context);
/// --lang, --family: how files are read.
void add_input_options(CLI::App& app, Context& context);
/// --format FORMAT[=FILE].
void add_format_option(CLI::App& app, Context& context, Reports reports = Reports::own);
/// --jobs.
void add_jobs_option(CLI::App& app, Context& context);
/// An option that may come again and takes one value each time, so that paths after it stay paths.
CLI::Option* add_repeatable(CLI::App& app, const std::string& name,
                            std::vector<std::string>& values, const std::string& description);

/// The number of threads that --jobs asks for.
std::size_t job_count(const Context& context);

void add_trace(CLI::App& app, Context& context);
void add_dump(CLI::App& app, Context& context);
void add_lint(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_rules(CLI::App& app, Context& context);
void add_rewrite(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);
void add_generate(CLI::App& app);
void add_lsp(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);

}  // namespace untrack::cli
