// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "analyzer/context.hpp"

namespace untrack::analyzer {
namespace {

/// nf_tables refuses the sixteenth jump within a jump; x_tables takes hundreds (measured).
constexpr std::uint32_t deepest_jump = 15;

}  // namespace

void ut305(const FileContext& file, Reporter& report) {
    const model::Ruleset& r = file.ruleset;
    for (model::RuleId id : file.graph().loops()) {
        const model::Rule& rule = r.rule(id);
        report.add_text(
            file.target_range(rule),
            fmt::format("this jump leads back to chain {}, from which it is reached: the "
                        "kernel refuses the table",
                        r.chain(rule.jump).name),
            id);
    }
    if (!file.graph().loops().empty()) return;
    for (model::ChainId id : file.graph().callers_first()) {
        if (file.graph().depth(id) != deepest_jump) continue;
        for (model::RuleId rule_id : r.rules_of(r.chain(id))) {
            const model::Rule& rule = r.rule(rule_id);
            if (!rule.jump.valid()) continue;
            report.add_text(
                file.target_range(rule),
                fmt::format("chain {} lies {} jumps deep here: {} refuses more than {}{}",
                            r.chain(rule.jump).name, deepest_jump + 1,
                            file.words("iptables-nft", "the kernel"), deepest_jump,
                            file.words(" (iptables-legacy takes them)", "")),
                rule_id);
        }
    }
}

}  // namespace untrack::analyzer
