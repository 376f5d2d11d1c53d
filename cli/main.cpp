// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <new>

#include "base/spelling.hpp"
#include "cli/common.hpp"
#include "cli/definition.hpp"
#include "cli/streams.hpp"

namespace {

using namespace untrack::cli;

/// The subcommand that a word was meant to be, in a sentence.
std::string unknown_subcommand(const CLI::App& app, const std::string& word) {
    std::string list;
    std::string best;
    std::size_t least = word.size() / 2 + 1;
    for (const CLI::App* sub :
         app.get_subcommands([](const CLI::App* s) { return !is_hidden(*s); })) {
        list += (list.empty() ? "" : ", ") + sub->get_name();
        if (std::size_t d = untrack::distance(word, sub->get_name()); d < least) {
            least = d;
            best = sub->get_name();
        }
    }
    return fmt::format("there is no subcommand `{}': {}", word,
                       best.empty() ? "there are " + list : fmt::format("did you mean {}?", best));
}

/// What is wrong with the command line, and where to read more.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
    auto chosen = app.get_subcommands();
    std::string name = chosen.empty() ? std::string() : chosen.front()->get_name();
    std::string message = error.what();
    if (chosen.empty()) {
        const char* const* word = std::find_if(argv + std::min(argc, 1), argv + argc,
                                               [](const char* w) { return w[0] != '-'; });
        if (word != argv + argc) {
            message = unknown_subcommand(app, *word);
        } else if (auto rest = app.remaining(); !rest.empty()) {
            message = fmt::format("there is no option {}", rest.front());
        } else if (argc <= 1) {
            print_error(app.help());
            return exit_usage;
        }
    }
    complain(fmt::format("{}{}{}\nRun `untrack{}{} --help' for more information.", name,
                         name.empty() ? "" : ": ", message, name.empty() ? "" : " ", name));
    return exit_usage;
}

int run(int argc, char** argv) {
    Context context;
    CLI::App app(
        "Find what makes a host track connections, and check and rewrite rulesets that should do "
        "without.",
        "untrack");
    add_common_options(app, context);
    app.require_subcommand(1);
    add_lint(app, context);
    add_rewrite(app, context);
    add_verify(app, context);
    add_trace(app, context);
    add_explain(app, context);
    add_rules(app, context);
    add_config(app, context);
    add_dump(app, context);
    add_lsp(app, context);
    add_generate(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        write_out(app.help());
    } catch (const CLI::CallForVersion& e) {
        write_out(fmt::format("{}\n", e.what()));
    } catch (const CLI::ParseError& e) {
        // CLI11 numbers its errors; the contract has one code for all of them.
        return usage_error(app, e, argc, argv);
    }
    return context.exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    prepare_process();
    try {
        return run(argc, argv);
    } catch (const Fatal& e) {
        complain(e.what());
        return exit_usage;
    } catch (const std::bad_alloc&) {
        complain("there is not enough memory for this input");
        return exit_usage;
    } catch (const std::exception& e) {
        complain(std::string("internal error: ") + e.what() + "; please report it");
        return exit_bug;
    }
}
