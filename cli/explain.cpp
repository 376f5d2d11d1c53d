// SPDX-License-Identifier: GPL-2.0-or-later
// untrack explain: the documentation of lint rules. untrack rules: their list.
#include <cctype>
#include <fmt/format.h>

#include "analyzer/selection.hpp"
#include "cli/common.hpp"
#include "cli/rule_pages.hpp"
#include "cli/streams.hpp"
#include "report/rules_report.hpp"

namespace untrack::cli {
namespace {

std::string capitals(std::string word) {
    for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return word;
}

/// A rule's code or name as it is written in the registry: codes may be in small letters.
const analyzer::Rule* find(const std::string& word) {
    const analyzer::Rule* rule = analyzer::find_rule(word);
    return rule != nullptr ? rule : analyzer::find_rule(capitals(word));
}

int explain(const std::vector<std::string>& words) {
    std::string out;
    int code = exit_ok;
    for (const std::string& word : words) {
        const analyzer::Rule* rule = find(word);
        if (rule == nullptr) {
            complain(
                fmt::format("no lint rule is called `{}': {}", word, analyzer::nearest_rule(word)));
            code = exit_usage;
            continue;
        }
        for (const RulePage& page : rule_pages())
            if (page.code == rule->code)
                out += fmt::format("{}{}", out.empty() ? "" : "\n", page.text);
    }
    write_out(out);
    return code;
}

}  // namespace

void add_explain(CLI::App& app, Context& context) {
    auto words = std::make_shared<std::vector<std::string>>();
    CLI::App* sub = app.add_subcommand("explain", "Print the documentation of lint rules");
    sub->add_option("RULE", *words, "Codes or names: UT201, one-sided-notrack")->required();
    add_common_options(*sub, context);
    sub->callback([words, &context] { context.exit_code = explain(*words); });
}

void add_rules(CLI::App& app, Context& context) {
    auto format = std::make_shared<std::string>("text");
    CLI::App* sub = app.add_subcommand("rules", "List the lint rules");
    sub->add_option("--format", *format, "text, json or markdown")
        ->check(CLI::IsMember({"text", "json", "markdown"}))
        ->capture_default_str();
    add_common_options(*sub, context);
    sub->callback([format] {
        write_out(*format == "json"       ? report::rules_json()
                  : *format == "markdown" ? report::rules_markdown()
                                          : report::rules_text());
    });
}

}  // namespace untrack::cli
