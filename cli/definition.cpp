// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/definition.hpp"

#include <algorithm>

#include "analyzer/rule.hpp"
#include "cli/formats.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::cli {
namespace {

/// "{auto,always,never}", as CLI11 describes CLI::IsMember, taken apart; empty when it is none.
std::vector<std::string> members(std::string_view description) {
    if (!description.starts_with('{') || !description.ends_with('}')) return {};
    return CLI::detail::split(std::string(description.substr(1, description.size() - 2)), ',');
}

std::vector<std::string> rule_words(bool names) {
    std::vector<std::string> words;
    for (const analyzer::Rule& rule : analyzer::rules()) words.emplace_back(rule.code);
    if (names)
        for (const analyzer::Rule& rule : analyzer::rules()) words.emplace_back(rule.name);
    return words;
}

/// Files are known by what their value is called.
bool names_a_file(std::string_view value) {
    return value == "PATH" || value == "BEFORE" || value == "AFTER" || value.starts_with("FILE") ||
           value == "DIRECTORY";
}

/// What its value is chosen from, by CLI11's type of the option: "TEXT:{a,b}", "CODES", "N:INT in
/// [1 - 9]".
void describe_value(Argument& argument, const std::string& type) {
    std::size_t colon = type.find(':');
    std::string name = type.substr(0, colon);
    if (argument.has_name()) argument.value = name;
    if (colon != std::string::npos) argument.choices = members(type.substr(colon + 1));
    if (!argument.choices.empty()) {
        argument.values = Values::choices;
        if (argument.has_name()) argument.value = CLI::detail::join(argument.choices, "|");
    } else if (argument.value == "CODES") {
        argument.values = Values::list;
        argument.choices = rule_words(true);
    } else if (argument.value == "RULE") {
        argument.values = Values::choices;
        argument.choices = rule_words(true);
    } else if (argument.value == "CODE") {
        argument.values = Values::choices;
        for (std::string_view code : rewriter::refusal_codes()) argument.choices.emplace_back(code);
    } else if (argument.value == "FORMAT[=FILE]" || argument.value == "REPORT[=FILE]") {
        argument.values = Values::formats;
        Reports reports = argument.value == "REPORT[=FILE]" ? Reports::findings : Reports::own;
        for (std::string_view format : format_names(reports)) argument.choices.emplace_back(format);
    } else if (names_a_file(argument.value)) {
        argument.values = Values::files;
    }
}

Argument argument_of(const CLI::Option& option) {
    Argument argument;
    for (const std::string& name : option.get_snames()) argument.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) argument.names.push_back("--" + name);
    if (!argument.has_name()) argument.value = option.get_name(true);
    argument.description = option.get_description();
    argument.preset = option.get_default_str();
    argument.required = option.get_required();
    argument.repeatable = option.get_items_expected_max() > 1;
    if (option.get_items_expected_max() > 0) describe_value(argument, option.get_type_name());
    return argument;
}

Command command_of(const CLI::App& app) {
    Command command;
    command.name = app.get_name();
    command.summary = app.get_description();
    for (const CLI::Option* option : app.get_options())
        if (!option->get_group().empty()) command.arguments.push_back(argument_of(*option));
    return command;
}

}  // namespace

bool is_hidden(const CLI::App& subcommand) {
    return subcommand.get_group().empty();
}

Definition definition_of(const CLI::App& program) {
    Definition definition;
    definition.program = command_of(program);
    definition.program.name.clear();
    for (const CLI::App* sub : program.get_subcommands([](const CLI::App*) { return true; }))
        if (!is_hidden(*sub)) definition.subcommands.push_back(command_of(*sub));
    return definition;
}

}  // namespace untrack::cli
