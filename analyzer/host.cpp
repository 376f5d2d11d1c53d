// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/host.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace untrack::analyzer {

HostContext::HostContext(std::span<const HostFile> files) : file_count_(files.size()) {
    for (std::size_t i = 0; i < files.size(); ++i)
        for (std::size_t k = 0; k < files[i].size(); ++k) {
            const model::Ruleset& r = files[i][k]->ruleset;
            if (r.rules.empty() && r.chains.empty() && r.conntrack_objects.empty()) continue;
            members_.push_back(
                {files[i][k], static_cast<std::uint32_t>(i), static_cast<std::uint8_t>(k)});
        }
    auto six = std::stable_partition(members_.begin(), members_.end(), [](const Member& m) {
        return m.file->ruleset.family == model::Family::ip;
    });
    of_ip_ = static_cast<std::size_t>(six - members_.begin());
}

bool HostContext::needs_conntrack(model::Family family) const {
    auto of = members(family);
    return std::any_of(of.begin(), of.end(),
                       [](const Member& m) { return !m.file->rules.uses.empty(); });
}

const packet::Tracer& HostContext::tracer() const {
    return tracer_.get([&] {
        std::vector<const model::Ruleset*> host;
        for (const Member& m : members_) host.push_back(&m.file->ruleset);
        return packet::Tracer(host);
    });
}

std::string HostContext::describe(const packet::Step& step, const Member& spoken_of) const {
    const model::Chain& chain = step.ruleset->chain(step.chain);
    auto of = std::find_if(members_.begin(), members_.end(),
                           [&](const Member& m) { return &m.file->ruleset == step.ruleset; });
    bool elsewhere = of != members_.end() && of->number != spoken_of.number;
    if (of == members_.end() || !step.rule.valid())
        return fmt::format("the policy of {}{}", chain.name,
                           elsewhere ? fmt::format(" in {}", step.ruleset->path) : "");
    const FileContext& file = *of->file;
    TextRange range = file.range(step.ruleset->rule(step.rule));
    model::TextPlace place = file.text.place(range.begin);
    return fmt::format("line {}{} ({})", place.at.line,
                       elsewhere ? fmt::format(" of {}", place.path) : "", file.text.at(range));
}

Finding& HostReporter::add(const HostContext::Member& member, TextRange range, std::string message,
                           model::RuleId rule) {
    Findings& findings = findings_[member.number];
    Finding finding;
    finding.range = range;
    finding.message = findings.keep(std::move(message));
    finding.rule = rule;
    finding.code = code_;
    finding.severity = severity_;
    finding.view = member.view;
    findings.add(finding);
    return findings.list.back();
}

}  // namespace untrack::analyzer
