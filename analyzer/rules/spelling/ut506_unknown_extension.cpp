// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>
#include <map>

#include "analyzer/context.hpp"
#include "analyzer/frameworks.hpp"

namespace untrack::analyzer {

void ut506(const FileContext& file, const parser::iptables::SyntaxTree&, Reporter& report) {
    // Once for each name: a geoip ruleset would say it a thousand times.
    std::map<std::string_view, std::pair<model::RuleId, std::size_t>> seen;
    auto note = [&](std::string_view name, model::RuleId id) {
        ++seen.try_emplace(name, id, 0).first->second.second;
    };
    for (model::RuleId id : file.rules.unknown) {
        const model::Rule& rule = file.ruleset.rule(id);
        for (const model::Match& m : file.ruleset.matches_of(rule)) {
            if (m.kind != model::MatchKind::opaque || !m.payload.opaque.unknown_extension) continue;
            std::string_view text = file.ruleset.string(m.payload.opaque.text);
            note(text.substr(0, text.find(' ')), id);
        }
        // A name that can only be a chain's is another finding (UT306).
        if (rule.target == model::TargetKind::external && rule.data == 0 &&
            !must_be_chain(file.ruleset.target_name(rule)))
            note(file.ruleset.target_name(rule), id);
    }
    for (const auto& [name, at] : seen) {
        const model::Rule& rule = file.ruleset.rule(at.first);
        std::string times = at.second == 1 ? "" : fmt::format(" ({} rules)", at.second);
        bool target =
            rule.target == model::TargetKind::external && file.ruleset.target_name(rule) == name;
        report.add_text(target ? file.target_range(rule) : file.match_range(rule, {name}),
                        fmt::format("`{}' is no {} of iptables 1.8.9{}{}: it is kept as it is, and "
                                    "answers that hang on it stay open",
                                    name, target ? "target" : "match",
                                    target ? " and no chain of this file" : "", times),
                        at.first);
    }
}

}  // namespace untrack::analyzer
