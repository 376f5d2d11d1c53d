// SPDX-License-Identifier: GPL-2.0-or-later
// The completion for bash: it needs nothing but bash itself.
#include <fmt/format.h>
#include <iterator>

#include "cli/definition.hpp"

namespace untrack::cli {
namespace {

constexpr std::string_view head = R"script(# bash completion for untrack; written by untrack itself.

# Words that begin with what stands under the cursor.
_untrack_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# The same for the last of several words with commas between.
_untrack_list() {
    local before=
    [[ $cur == *,* ]] && before=${cur%,*},
    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$1" -- "${cur##*,}")
    compopt -o nospace 2>/dev/null
}

_untrack_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

_untrack() {
    local cur=${COMP_WORDS[COMP_CWORD]} option= command= i
    COMPREPLY=()
    # bash makes --name=value three words.
    if [[ $cur == = ]]; then
        cur=
        option=${COMP_WORDS[COMP_CWORD - 1]}
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
        # --format json=FILE, --format=json=FILE
        case $option in
            -*) ;;
            *)
                _untrack_files
                return
                ;;
        esac
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == -* ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
)script";

constexpr std::string_view find_command = R"script(            = | -*) ;;
            *)
                command=${COMP_WORDS[i]}
                break
                ;;
        esac
    done
    case $command,$option in
)script";

constexpr std::string_view tail = R"script(    esac
}

complete -F _untrack untrack
)script";

/// Words in double quotes for compgen -W.
std::string words(const std::vector<std::string>& list) {
    return CLI::detail::join(list, " ");
}

/// What completes the value; empty when anything may stand there.
std::string completes(const Argument& a) {
    switch (a.values) {
        case Values::choices:
            return fmt::format("_untrack_words \"{}\"", words(a.choices));
        case Values::list:
            return fmt::format("_untrack_list \"{}\"", words(a.choices));
        case Values::formats:
            return fmt::format("_untrack_words \"{}\"", words(a.choices));
        case Values::files:
            return "_untrack_files";
        case Values::none:
            break;
    }
    return ":";
}

void append_command(std::string& out, const Command& command,
                    const std::vector<std::string>& subcommands) {
    auto to = std::back_inserter(out);
    std::vector<std::string> names;
    std::string places;  ///< what completes words that are no options
    for (const Argument& a : command.arguments) {
        names.insert(names.end(), a.names.begin(), a.names.end());
        if (!a.has_name()) {
            if (places.empty()) places = completes(a);
            continue;
        }
        if (!a.takes_value()) continue;
        std::string patterns;
        for (const std::string& name : a.names)
            patterns += (patterns.empty() ? "" : " | ") + command.name + "," + name;
        fmt::format_to(to, "        {}) {} ;;\n", patterns, completes(a));
    }
    if (!subcommands.empty()) places = fmt::format("_untrack_words \"{}\"", words(subcommands));
    fmt::format_to(to,
                   "        {},*)\n            if [[ $cur == -* ]]; then\n"
                   "                _untrack_words \"{}\"\n            else\n"
                   "                {}\n            fi\n            ;;\n",
                   command.name, words(names), places.empty() ? ":" : places);
}

}  // namespace

std::string bash_completion(const Definition& definition) {
    std::string out(head);
    std::vector<std::string> subcommands;
    for (const Command& sub : definition.subcommands) subcommands.push_back(sub.name);
    // An option of the program itself may have its value before the subcommand.
    for (const Argument& a : definition.program.arguments)
        for (const std::string& name : a.names)
            if (a.takes_value())
                out += fmt::format(
                    "            {}) [[ ${{COMP_WORDS[i + 1]}} == = ]] && ((i++)); ((i++)) ;;\n",
                    name);
    out += find_command;
    append_command(out, definition.program, subcommands);
    for (const Command& sub : definition.subcommands) append_command(out, sub, {});
    out += tail;
    return out;
}

}  // namespace untrack::cli
