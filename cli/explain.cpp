// SPDX-License-Identifier: GPL-2.0-or-later
// untrack explain: the documentation of lint rules. untrack rules: their list.
#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include "analyzer/rule.hpp"
#include "cli/common.hpp"
#include "cli/rule_pages.hpp"

namespace untrack::cli {
namespace {

/// How many letters must be changed, added or taken away.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t corner = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            corner = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row[b.size()];
}

std::string capitals(std::string word) {
    for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return word;
}

/// A rule's code or name as it is written in the registry: codes may be in small letters.
const analyzer::Rule* find(const std::string& word) {
    const analyzer::Rule* rule = analyzer::find_rule(word);
    return rule != nullptr ? rule : analyzer::find_rule(capitals(word));
}

std::string nearest(const std::string& word) {
    const analyzer::Rule* best = nullptr;
    std::size_t least = word.size() / 2 + 1;
    for (const analyzer::Rule& rule : analyzer::rules())
        for (std::size_t d : {distance(capitals(word), rule.code), distance(word, rule.name)})
            if (d < least) {
                least = d;
                best = &rule;
            }
    return best == nullptr ? std::string("`untrack rules' lists them")
                           : fmt::format("did you mean {} ({})?", best->code, best->name);
}

int explain(const std::vector<std::string>& words) {
    std::string out;
    int code = exit_ok;
    for (const std::string& word : words) {
        const analyzer::Rule* rule = find(word);
        if (rule == nullptr) {
            complain(fmt::format("no lint rule is called `{}': {}", word, nearest(word)));
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
    sub->add_option("rule", *words, "Codes or names: UT201, one-sided-notrack")->required();
    sub->callback([words, &context] { context.exit_code = explain(*words); });
}

void add_rules(CLI::App& app, Context&) {
    CLI::App* sub = app.add_subcommand("rules", "List the lint rules");
    sub->callback([] {
        std::string out;
        for (const analyzer::Rule& rule : analyzer::rules())
            out += fmt::format("{}  {:<32} {:<8} {}\n", rule.code, rule.name,
                               analyzer::name(rule.severity), rule.summary);
        write_out(out);
    });
}

}  // namespace untrack::cli
