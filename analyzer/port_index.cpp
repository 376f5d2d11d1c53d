// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/port_index.hpp"

#include <algorithm>
#include <span>

namespace untrack::analyzer {

PortIndex::Ports PortIndex::ports_of(const RulePath& path, model::MatchKind kind) const {
    for (model::RuleId id : path.rules)
        if (Ports ports = few_ports(ruleset_, ruleset_.matches_of(ruleset_.rule(id)), kind);
            !ports.empty())
            return ports;
    return {};
}

PortIndex::PortIndex(const model::Ruleset& ruleset, std::span<const RulePath> asked)
    : ruleset_(ruleset) {
    for (const RulePath& path : asked) {
        Ports destinations = ports_of(path, model::MatchKind::destination_port);
        for (std::uint16_t port : destinations) destination_.by_port.try_emplace(port);
        if (!destinations.empty()) continue;
        Ports sources = ports_of(path, model::MatchKind::source_port);
        for (std::uint16_t port : sources) source_.by_port.try_emplace(port);
        all_asked_ = all_asked_ || sources.empty();
    }
}

bool PortIndex::asked(const Side& side, const Ports& ports) {
    if (ports.empty()) return !side.by_port.empty();
    return std::any_of(ports.begin(), ports.end(),
                       [&](std::uint16_t port) { return side.by_port.contains(port); });
}

bool PortIndex::asked(const RulePath& path) const {
    return all_asked_ || asked(destination_, ports_of(path, model::MatchKind::destination_port)) ||
           asked(source_, ports_of(path, model::MatchKind::source_port));
}

void PortIndex::add_to(Side& side, const Ports& ports) const {
    auto index = static_cast<std::uint32_t>(paths_.size());
    if (ports.empty()) side.any.push_back(index);
    for (std::uint16_t port : ports)
        if (auto it = side.by_port.find(port); it != side.by_port.end())
            it->second.push_back(index);
}

void PortIndex::add(RulePath path) {
    Ports destinations = ports_of(path, model::MatchKind::destination_port);
    Ports sources = ports_of(path, model::MatchKind::source_port);
    if (!all_asked_ && !asked(destination_, destinations) && !asked(source_, sources)) return;
    add_to(destination_, destinations);
    add_to(source_, sources);
    paths_.push_back(std::move(path));
}

void PortIndex::beside(const RulePath& path,
                       const std::function<bool(const RulePath&)>& enough) const {
    Ports ports = ports_of(path, model::MatchKind::destination_port);
    const Side* side = &destination_;
    if (ports.empty()) {
        ports = ports_of(path, model::MatchKind::source_port);
        side = &source_;
    }
    if (ports.empty()) {
        for (const RulePath& p : paths_)
            if (enough(p)) return;
        return;
    }
    std::vector<std::span<const std::uint32_t>> lists{side->any};
    for (std::uint16_t port : ports)
        if (auto it = side->by_port.find(port); it != side->by_port.end())
            lists.emplace_back(it->second);
    for (;;) {
        std::size_t next = paths_.size();
        for (const auto& list : lists)
            if (!list.empty()) next = std::min<std::size_t>(next, list.front());
        if (next == paths_.size() || enough(paths_[next])) return;
        for (auto& list : lists)
            if (!list.empty() && list.front() == next) list = list.subspan(1);
    }
}

}  // namespace untrack::analyzer
