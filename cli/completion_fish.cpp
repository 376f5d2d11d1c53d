// SPDX-License-Identifier: GPL-2.0-or-later
// The completion for fish.
#include <fmt/format.h>

#include "cli/definition.hpp"

namespace untrack::cli {
namespace {

std::string single_quoted(std::string_view text) {
    std::string out = "'";
    for (char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

/// The words that complete a value, as an argument of `complete`.
std::string value_words(const Argument& a) {
    switch (a.values) {
        case Values::choices:
        case Values::formats:
            return fmt::format(" -x -a {}", single_quoted(CLI::detail::join(a.choices, " ")));
        case Values::list:
            return fmt::format(" -x -a {}",
                               single_quoted(fmt::format("(__fish_append , {})",
                                                         CLI::detail::join(a.choices, " "))));
        case Values::files:
            return " -r -F";
        case Values::none:
            return " -x";
    }
    return {};
}

void append_arguments(std::string& out, const Command& command, const std::string& condition) {
    std::string begin = fmt::format("complete -c untrack -n {}", single_quoted(condition));
    for (const Argument& a : command.arguments) {
        if (!a.has_name()) {
            out += begin + value_words(a) + "\n";
            continue;
        }
        out += begin;
        for (const std::string& name : a.names)
            out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        if (a.takes_value()) out += value_words(a);
        out += fmt::format(" -d {}\n", single_quoted(a.description));
    }
}

}  // namespace

std::string fish_completion(const Definition& definition) {
    std::string out =
        "# fish completion for untrack; written by untrack itself.\n\ncomplete -c untrack -f\n";
    append_arguments(out, definition.program, "__fish_use_subcommand");
    for (const Command& sub : definition.subcommands)
        out += fmt::format("complete -c untrack -n __fish_use_subcommand -a {} -d {}\n", sub.name,
                           single_quoted(sub.summary));
    for (const Command& sub : definition.subcommands)
        append_arguments(out, sub, "__fish_seen_subcommand_from " + sub.name);
    return out;
}

}  // namespace untrack::cli
