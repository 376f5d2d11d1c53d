// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/common.hpp"

#include <algorithm>
#include <sched.h>

namespace untrack::cli {

void add_common_options(CLI::App& app, Context& context) {
    app.add_option("--color", context.color,
                   "auto (on a terminal, unless NO_COLOR is set), always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();
    app.add_flag("-q,--quiet", context.quiet, "Results, refusals and errors only");
    app.add_flag("-v,--verbose", context.verbose, "Say on standard error how each file is read");
    app.set_version_flag("--version", "untrack " UNTRACK_VERSION);
}

void add_input_options(CLI::App& app, Context& context) {
    app.add_option("--lang", context.language,
                   "Language of the files; this version reads iptables, ip6tables and nft")
        ->check(CLI::IsMember(
            {"auto", "iptables", "ip6tables", "nft", "iptables-config", "sysctl", "modprobe"}))
        ->capture_default_str();
    app.add_option("--family", context.family,
                   "Family of iptables files: 4 or 6 (guessed from names and addresses)")
        ->check(CLI::IsMember({"4", "6"}));
}

void add_format_option(CLI::App& app, Context& context, Reports reports) {
    bool findings = reports == Reports::findings;
    add_repeatable(app, "--format", context.formats,
                   findings ? "text, json, sarif, github, gitlab, junit or checkstyle; with =FILE "
                              "into that file (repeatable)"
                            : "text or json; with =FILE into that file (repeatable)")
        ->type_name(findings ? "REPORT[=FILE]" : "FORMAT[=FILE]");
}

void add_jobs_option(CLI::App& app, Context& context) {
    app.add_option("--jobs", context.jobs, "Threads (as many as there are processors)")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
}

CLI::Option* add_repeatable(CLI::App& app, const std::string& name,
                            std::vector<std::string>& values, const std::string& description) {
    return app.add_option(name, values, description)->allow_extra_args(false);
}

std::size_t job_count(const Context& context) {
    if (context.jobs != 0) return context.jobs;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
    return static_cast<std::size_t>(std::max(CPU_COUNT(&allowed), 1));
}

}  // namespace untrack::cli
