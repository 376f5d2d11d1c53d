// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/frameworks.hpp"
#include "analyzer/witness.hpp"

namespace untrack::analyzer {
namespace {

/// Where the program leaves rules alone.
std::string_view instead(const FileContext& file, bool notrack, std::string_view program,
                         bool forwarded) {
    if (notrack)
        return file.words("put it into PREROUTING or OUTPUT of the raw table",
                          "put it into a table of your own, at priority raw");
    if (program == "docker" && forwarded) return "put it into DOCKER-USER";
    if (program == "firewalld")
        return file.words("let firewalld make it (`firewall-cmd --direct')",
                          "put it into a table of your own, and open the port in firewalld");
    if (program == "ufw") return "put it into before.rules";
    return "put it into a chain of your own that comes before";
}

}  // namespace

void ut224(const FileContext& file, Reporter& report) {
    auto check = [&](model::RuleId id, bool notrack) {
        const model::Rule& rule = file.ruleset.rule(id);
        std::string_view chain = file.ruleset.chain(rule.chain).name;
        std::string_view program = program_that_rewrites(file.table_name(rule), chain);
        if (program.empty()) return;
        auto path = path_to(file, id);
        bool forwarded = path && file.ruleset.chain(path->base).hook == model::Hook::forward;
        report.add_text(
            file.range(rule),
            fmt::format("{} writes chain {} again when it starts or what it serves changes, and "
                        "takes this rule with it: half of a bypass is left; {}",
                        program, chain, instead(file, notrack, program, forwarded)),
            id);
    };
    for (model::RuleId id : file.rules.notrack) check(id, true);
    for (model::RuleId id : file.rules.state_matches)
        if (accepts_only_untracked(file.ruleset, file.ruleset.rule(id))) check(id, false);
}

}  // namespace untrack::analyzer
