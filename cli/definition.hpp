// SPDX-License-Identifier: GPL-2.0-or-later
// The command line as data, read from CLI11's own definition: manual pages and completions are made
// of it, so that they cannot say anything else.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace untrack::cli {

/// What a value is chosen from, for completions.
enum class Values : std::uint8_t {
    none,     ///< anything
    choices,  ///< one of Argument::choices
    list,     ///< several of Argument::choices, with commas between
    formats,  ///< one of Argument::choices, or one with =FILE
    files,
};

/// An option, or what stands at its place (PATH) without a name.
struct Argument {
    std::vector<std::string> names;  ///< "-q", "--quiet"; empty of what has its place
    std::string value;               ///< what its value is called: "N", "PATH"; empty of a flag
    Values values = Values::none;
    std::vector<std::string> choices;
    std::string description;
    std::string preset;  ///< the value when it is not given; may be empty
    bool required = false;
    bool repeatable = false;

    [[nodiscard]] bool has_name() const { return !names.empty(); }
    [[nodiscard]] bool takes_value() const { return !value.empty(); }
};

struct Command {
    std::string name;  ///< "lint"; empty of the program itself
    std::string summary;
    std::vector<Argument> arguments;
};

struct Definition {
    Command program;
    std::vector<Command> subcommands;  ///< without those that are hidden
};

/// Reads the definition of the whole program.
Definition definition_of(const CLI::App& program);
/// Whether a subcommand is for the build alone: --help and completions do not name it.
bool is_hidden(const CLI::App& subcommand);

/// The manual page untrack(1) (no subcommand) or untrack-SUBCOMMAND(1), in the man(7) macros.
std::string manual_page(const Definition& definition, const Command& command);
std::string bash_completion(const Definition& definition);
std::string zsh_completion(const Definition& definition);
std::string fish_completion(const Definition& definition);

}  // namespace untrack::cli
