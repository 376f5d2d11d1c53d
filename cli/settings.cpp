// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/settings.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "cli/streams.hpp"

namespace untrack::cli {
namespace {

namespace fs = std::filesystem;

bool concerns(const PerPath& section, const std::string& path, const Config& config) {
    std::error_code error;
    std::string full = fs::absolute(path, error).lexically_normal().string();
    std::string below = fs::path(full).lexically_proximate(config.folder).string();
    return std::any_of(section.patterns.begin(), section.patterns.end(), [&](const auto& pattern) {
        return path_matches(pattern, pattern.starts_with('/') ? full : below);
    });
}

std::vector<Sourced> given(const std::vector<std::string>& words, const char* flag) {
    std::vector<Sourced> out;
    out.reserve(words.size());
    for (const std::string& word : words) out.push_back({word, {{}, 0, flag}});
    return out;
}

template <typename T>
void add(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

/// The flag, else the file, else the default.
Sourced one(const std::string& value, const char* flag, const std::optional<Sourced>& configured,
            const char* otherwise) {
    if (!value.empty()) return {value, {{}, 0, flag}};
    return configured ? *configured : Sourced{otherwise, {}};
}

}  // namespace

void add_lint_flags(CLI::App& app, Flags& flags) {
    add_repeatable(app, "--select", flags.select,
                   "Only these rules, and syntax errors: codes, names or prefixes (UT1,UT203)")
        ->delimiter(',')
        ->type_name("CODES");
    add_repeatable(app, "--ignore", flags.ignore, "Not these rules")
        ->delimiter(',')
        ->type_name("CODES");
    app.add_option("--fail-on", flags.fail_on,
                   "Exit with 1 from this severity on: info, warning (the default) or error")
        ->check(CLI::IsMember({"info", "warning", "error"}));
    app.add_option("--kernel", flags.kernel,
                   "Kernel profile: modern (4.9 and later, the default), 3.10 or 2.6")
        ->check(CLI::IsMember({"modern", "3.10", "2.6"}));
}

void add_service_flags(CLI::App& app, Flags& flags) {
    add_repeatable(app, "--port", flags.ports,
                   "A service: 80,443/tcp, 8000-8010/tcp, 53/udp, https/tcp (repeatable)")
        ->type_name("SPEC");
    app.add_option("--role", flags.role,
                   "server (the default): this host is the destination; router: the service passes "
                   "through")
        ->check(CLI::IsMember({"server", "router"}));
    app.add_option("--address", flags.address, "The service's own address or network")
        ->type_name("A[/LEN]");
    app.add_option("--iface", flags.interface, "The interface by which its clients come")
        ->type_name("NAME");
}

bool check_lint_flags(const Flags& flags) {
    bool good = true;
    for (const auto* words : {&flags.select, &flags.ignore})
        for (const std::string& word : *words) {
            if (!analyzer::rules_called(word).empty()) continue;
            complain(fmt::format("{} {}: no lint rule is called so: {}",
                                 words == &flags.select ? "--select" : "--ignore",
                                 word.empty() ? "''" : word, analyzer::nearest_rule(word)));
            good = false;
        }
    return good;
}

Settings settings_for(const std::string& path, const Config* config, const Flags& flags) {
    static const Config nothing;
    const Config& file = config != nullptr ? *config : nothing;
    Settings s;
    s.config = config;
    // Who selects begins anew; who ignores takes away.
    if (file.rules.select) s.select = *file.rules.select;
    s.ignore = file.rules.ignore;
    s.severity = file.rules.severity;
    std::vector<Sourced> ignored_here;
    for (const PerPath& section : file.per_path) {
        if (!concerns(section, path, file)) continue;
        if (section.rules.select) {
            s.select = *section.rules.select;
            s.ignore.clear();
        }
        add(ignored_here, section.rules.ignore);
        add(s.severity, section.rules.severity);
    }
    if (!flags.select.empty()) {
        s.select = given(flags.select, "--select");
        s.ignore.clear();
    }
    add(s.ignore, ignored_here);
    add(s.ignore, given(flags.ignore, "--ignore"));
    s.fail_on = one(flags.fail_on, "--fail-on", file.fail_on, "warning");
    s.kernel = one(flags.kernel, "--kernel", file.kernel, "modern");
    // Other ports are another service: what the file says of its own has nothing to do with them.
    bool other = !flags.ports.empty();
    s.ports = other ? given(flags.ports, "--port") : file.ports;
    s.role = one(flags.role, "--role", other ? std::nullopt : file.role, "server");
    s.address = one(flags.address, "--address", other ? std::nullopt : file.address, "");
    s.interface = one(flags.interface, "--iface", other ? std::nullopt : file.interface, "");
    return s;
}

LintSettings lint_settings(const Settings& settings) {
    auto words = [](const std::vector<Sourced>& list) {
        std::vector<std::string> out;
        out.reserve(list.size());
        for (const Sourced& word : list) out.push_back(word.value);
        return out;
    };
    auto severity = [](std::string_view name) {
        return name == "error"  ? analyzer::Severity::error
               : name == "info" ? analyzer::Severity::info
                                : analyzer::Severity::warning;
    };
    // What cannot be read is never passed over, unless it is ignored by name.
    std::vector<std::string> select = words(settings.select);
    if (!select.empty()) select.emplace_back("UT901");
    LintSettings out{analyzer::Selection::make(select, words(settings.ignore)).value(),
                     severity(settings.fail_on.value),
                     settings.kernel.value == "2.6"    ? model::KernelProfile::rhel6_2_6
                     : settings.kernel.value == "3.10" ? model::KernelProfile::rhel7_3_10
                                                       : model::KernelProfile::modern};
    for (const auto& [word, grade] : settings.severity)
        out.selection.set_severity(word, severity(grade.value));
    return out;
}

}  // namespace untrack::cli
