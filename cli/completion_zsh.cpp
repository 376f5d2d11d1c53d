// SPDX-License-Identifier: GPL-2.0-or-later
// The completion for zsh, by its _arguments.
#include <fmt/format.h>

#include "cli/definition.hpp"

namespace untrack::cli {
namespace {

/// A word in single quotes.
std::string single_quoted(std::string_view text) {
    std::string out = "'";
    for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// For the parts of a specification of _arguments.
std::string escaped(std::string_view text, std::string_view special) {
    std::string out;
    for (char c : text) {
        if (special.find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

/// ":what it is called:what completes it".
std::string value_part(const Argument& a) {
    std::string action;
    std::string words = CLI::detail::join(a.choices, " ");
    switch (a.values) {
        case Values::choices:
        case Values::formats:
            action = fmt::format("({})", words);
            break;
        case Values::list:
            action = fmt::format("_sequence compadd - {}", words);
            break;
        case Values::files:
            action = "_files";
            break;
        case Values::none:
            break;
    }
    return fmt::format(":{}:{}", escaped(a.value, ":[]\\"), action);
}

void append_arguments(std::string& out, const Command& command, std::string_view indent) {
    for (const Argument& a : command.arguments) {
        std::string description = fmt::format("[{}]", escaped(a.description, "[]\\:"));
        if (!a.has_name()) {
            out += fmt::format(" \\\n{}{}", indent,
                               single_quoted((a.repeatable ? "*" : "") + value_part(a)));
            continue;
        }
        for (const std::string& name : a.names) {
            // Long options take their value behind = or as the next word.
            std::string spec = a.repeatable ? "*" : "";
            if (!a.repeatable && a.names.size() > 1)
                spec += fmt::format("({})", CLI::detail::join(a.names, " "));
            spec += name;
            if (a.takes_value() && name.starts_with("--")) spec += '=';
            spec += description;
            if (a.takes_value()) spec += value_part(a);
            out += fmt::format(" \\\n{}{}", indent, single_quoted(spec));
        }
    }
}

}  // namespace

std::string zsh_completion(const Definition& definition) {
    std::string out =
        "#compdef untrack\n# zsh completion for untrack; written by untrack itself.\n\n_untrack() "
        "{\n    local curcontext=$curcontext state line ret=1\n    typeset -A opt_args\n    "
        "_arguments -C";
    append_arguments(out, definition.program, "        ");
    out +=
        " \\\n        '1:subcommand:->subcommand' \\\n        '*::argument:->argument' && ret=0\n"
        "    case $state in\n        subcommand)\n            local -a subcommands=(\n";
    for (const Command& sub : definition.subcommands)
        out +=
            fmt::format("                {}\n",
                        single_quoted(fmt::format("{}:{}", sub.name, escaped(sub.summary, ":\\"))));
    out +=
        "            )\n            _describe subcommand subcommands && ret=0\n            ;;\n"
        "        argument)\n            curcontext=${curcontext%:*}-$words[1]:\n"
        "            case $words[1] in\n";
    for (const Command& sub : definition.subcommands) {
        out += fmt::format("                {})\n                    _arguments", sub.name);
        append_arguments(out, sub, "                        ");
        out += " && ret=0\n                    ;;\n";
    }
    out += "            esac\n            ;;\n    esac\n    return ret\n}\n\n_untrack \"$@\"\n";
    return out;
}

}  // namespace untrack::cli
