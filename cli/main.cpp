// SPDX-License-Identifier: GPL-2.0-or-later
#include <exception>

#include "cli/common.hpp"

int main(int argc, char** argv) {
    using namespace untrack::cli;
    hold_standard_streams();
    Context context;
    CLI::App app(
        "Find what makes a host track connections, and check and rewrite rulesets that should do "
        "without.",
        "untrack");
    app.set_version_flag("--version", "untrack " UNTRACK_VERSION);
    app.require_subcommand(1);
    add_lint(app, context);
    add_rewrite(app, context);
    add_verify(app, context);
    add_trace(app, context);
    add_explain(app, context);
    add_rules(app, context);
    add_dump(app, context);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        // CLI11 numbers its errors; the contract has one code for all of them, and 0 for --help and
        // --version.
        return app.exit(e) == 0 ? exit_ok : exit_usage;
    } catch (const std::exception& e) {
        complain(std::string("internal error: ") + e.what() + "; please report it");
        return exit_bug;
    }
    return context.exit_code;
}
