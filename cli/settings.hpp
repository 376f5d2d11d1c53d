// SPDX-License-Identifier: GPL-2.0-or-later
// What holds for one file: defaults, its configuration, and flags, which come last.
#pragma once

#include <string>
#include <vector>

#include "analyzer/selection.hpp"
#include "cli/config.hpp"
#include "model/conntrack_facts.hpp"

namespace untrack::cli {

/// The flags that say what a configuration may say; empty ones were not given.
struct Flags {
    std::vector<std::string> select, ignore, ports;
    std::string fail_on, kernel, role, address, interface;
};

/// --select, --ignore, --fail-on, --kernel.
void add_lint_flags(CLI::App& app, Flags& flags);
/// --port, --role, --address, --iface.
void add_service_flags(CLI::App& app, Flags& flags);
/// Says on stderr which words of --select and --ignore mean no lint rule; false when there are any.
bool check_lint_flags(const Flags& flags);

/// The effective values and where each comes from.
struct Settings {
    const Config* config = nullptr;  ///< none: there is no file, or none is to be read
    std::vector<Sourced> select;     ///< empty: all
    std::vector<Sourced> ignore;
    std::vector<std::pair<std::string, Sourced>> severity;  ///< of words, the last one wins
    Sourced fail_on, kernel;
    std::vector<Sourced> ports;
    Sourced role, address, interface;
};
Settings settings_for(const std::string& path, const Config* config, const Flags& flags);

/// What lint makes of them.
struct LintSettings {
    analyzer::Selection selection;
    analyzer::Severity fail_on;
    model::KernelProfile kernel;
};
LintSettings lint_settings(const Settings& settings);

}  // namespace untrack::cli
