// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/coverage_text.hpp"
#include "analyzer/frameworks.hpp"

namespace untrack::analyzer {
namespace {

TextRange range_of(const FileContext& file, const model::Chain& chain) {
    if (!chain.declared.empty()) return chain.declared;
    return file.range(file.ruleset.rule(file.ruleset.rules_of(chain).front()));
}

}  // namespace

void ut303(const FileContext& file, Reporter& report) {
    const model::Ruleset& r = file.ruleset;
    std::vector<std::vector<model::RuleId>> jumps(r.chains.size());
    for (std::size_t i = 0; i < r.rules.size(); ++i)
        if (r.rules[i].live && r.rules[i].jump.valid())
            jumps[r.rules[i].jump.value].push_back(model::RuleId(i));
    auto say = [&](model::ChainId id, std::string why) {
        const model::Chain& c = r.chain(id);
        report.add_text(
            range_of(file, c),
            fmt::format("no packet enters chain {}: {}. Its {} {} nothing", c.name, why,
                        c.rule_count == 1 ? "rule" : fmt::format("{} rules", c.rule_count),
                        c.rule_count == 1 ? "does" : "do"));
    };
    for (std::size_t i = 0; i < r.chains.size(); ++i) {
        const model::Chain& c = r.chains[i];
        if (c.base || c.rule_count == 0 || file.reachable(model::ChainId(i)) ||
            is_owned_by_program(c.name))
            continue;
        say(model::ChainId(i),
            jumps[i].empty()
                ? "nothing jumps to it"
                : fmt::format("only {} to it, and nothing reaches {}",
                              lines(file, jumps[i]) + (jumps[i].size() == 1 ? " jumps" : " jump"),
                              jumps[i].size() == 1 ? "that" : "those"));
    }
    for (model::ChainId id : file.coverage().unentered)
        if (!is_owned_by_program(r.chain(id).name))
            say(id, fmt::format("{} to it, but no packet gets there",
                                lines(file, jumps[id.value]) +
                                    (jumps[id.value].size() == 1 ? " jumps" : " jump")));
}

}  // namespace untrack::analyzer
