// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/rules_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analyzer/rule.hpp"

namespace untrack::report {
namespace {

/// As reports call the languages of the files that a rule looks at.
nlohmann::ordered_json languages(analyzer::Subject subject) {
    switch (subject) {
        case analyzer::Subject::rulesets:
            return {"iptables", "ip6tables", "nft"};
        case analyzer::Subject::iptables_text:
            return {"iptables", "ip6tables"};
        case analyzer::Subject::nft_text:
            return {"nft"};
        case analyzer::Subject::unread_files:
            break;
    }
    return nlohmann::ordered_json::array();
}

/// The same for a person.
std::string_view language_words(analyzer::Subject subject) {
    switch (subject) {
        case analyzer::Subject::rulesets:
            return "iptables, nft";
        case analyzer::Subject::iptables_text:
            return "iptables";
        case analyzer::Subject::nft_text:
            return "nft";
        case analyzer::Subject::unread_files:
            break;
    }
    return "others";
}

}  // namespace

std::string rules_text() {
    std::string out;
    for (const analyzer::Rule& rule : analyzer::rules())
        out += fmt::format("{}  {:<32} {:<8} {}\n", rule.code, rule.name,
                           analyzer::name(rule.severity), rule.summary);
    return out;
}

std::string rules_json() {
    std::string out = "{\"version\":1,\n\"rules\":[";
    bool first = true;
    for (const analyzer::Rule& rule : analyzer::rules()) {
        nlohmann::ordered_json one = {{"code", rule.code},
                                      {"name", rule.name},
                                      {"severity", analyzer::name(rule.severity)},
                                      {"summary", rule.summary},
                                      {"languages", languages(rule.subject)}};
        out += first ? "\n" : ",\n";
        first = false;
        out += one.dump();
    }
    return out + "]}\n";
}

std::string rules_markdown() {
    std::string out =
        "# Lint rules\n\n`untrack explain CODE` prints a rule's page. This table is what `untrack "
        "rules --format markdown` prints; the tests compare them\n(`UNTRACK_UPDATE_GOLDEN=1` "
        "writes it again).\n\n| code | name | severity | languages | finds |\n|---|---|---|---|---|"
        "\n";
    for (const analyzer::Rule& rule : analyzer::rules())
        out +=
            fmt::format("| [{0}]({0}-{1}.md) | {1} | {2} | {3} | {4} |\n", rule.code, rule.name,
                        analyzer::name(rule.severity), language_words(rule.subject), rule.summary);
    return out;
}

}  // namespace untrack::report
