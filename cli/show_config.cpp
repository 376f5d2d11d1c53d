// SPDX-License-Identifier: GPL-2.0-or-later
// untrack config: what holds for a file, and where each value comes from.
#include "analyzer/rule.hpp"
#include "cli/formats.hpp"
#include "cli/settings.hpp"
#include "cli/streams.hpp"
#include "report/config_report.hpp"

namespace untrack::cli {
namespace {

struct ConfigArguments {
    std::string path = ".";
    Flags flags;
};

report::ConfigReport report_of(const std::string& path, const Settings& settings) {
    report::ConfigReport out;
    out.path = path;
    if (settings.config != nullptr) out.file = settings.config->path;
    auto say = [&](std::string key, const Sourced& s) {
        out.values.push_back(
            {std::move(key), s.value, s.origin.path, s.origin.line, s.origin.flag});
    };
    auto list = [&](const char* key, const std::vector<Sourced>& words, const char* otherwise) {
        for (const Sourced& word : words) say(key, word);
        if (words.empty()) say(key, {otherwise, {}});
    };
    list("select", settings.select, "all");
    list("ignore", settings.ignore, "none");
    for (const auto& [word, grade] : settings.severity) say("severity." + word, grade);
    say("fail-on", settings.fail_on);
    say("kernel", settings.kernel);
    list("services.ports", settings.ports, "none");
    say("services.role", settings.role);
    // Of these there is no default.
    if (!settings.address.value.empty()) say("services.address", settings.address);
    if (!settings.interface.value.empty()) say("services.iface", settings.interface);
    analyzer::Selection selection = lint_settings(settings).selection;
    for (const analyzer::Rule& rule : analyzer::rules()) {
        analyzer::RuleIndex index = analyzer::index_of(rule);
        if (!selection.contains(index)) continue;
        out.rules.emplace_back(rule.code,
                               analyzer::name(selection.severity(index).value_or(rule.severity)));
    }
    return out;
}

int show(const ConfigArguments& arguments, const Context& context) {
    if (!check_lint_flags(arguments.flags)) return exit_usage;
    Configs configs(context);
    auto config = configs.of(arguments.path);
    if (!config) {
        print_error(config.error());
        return exit_usage;
    }
    Formats formats(context, {});
    report::ConfigReport report =
        report_of(arguments.path, settings_for(arguments.path, *config, arguments.flags));
    for (Output& output : formats.open([](Format) { return true; })) {
        output.write(output.format() == Format::json ? report::config_json(report)
                                                     : report::config_text(report));
        output.finish();
    }
    return exit_ok;
}

}  // namespace

void add_config(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<ConfigArguments>();
    CLI::App* sub = app.add_subcommand(
        "config", "Show the configuration of a file, and where each value comes from");
    sub->add_option("PATH", arguments->path, "A file or a directory (the current one)");
    add_lint_flags(*sub, arguments->flags);
    add_service_flags(*sub, arguments->flags);
    add_config_options(*sub, context);
    add_format_option(*sub, context);
    add_common_options(*sub, context);
    sub->callback([arguments, &context] { context.exit_code = show(*arguments, context); });
}

}  // namespace untrack::cli
