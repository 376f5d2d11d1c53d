// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/context.hpp"

#include <algorithm>
#include <iterator>

#include "analyzer/frameworks.hpp"
#include "base/parallel.hpp"

namespace untrack::analyzer {

using model::ChainRole;

FindingDetails& Findings::details(Finding& finding) {
    if (finding.details >= details_.size()) {
        finding.details = static_cast<std::uint32_t>(details_.size());
        details_.emplace_back();
    }
    return details_[finding.details];
}

void Findings::append(Findings&& others) {
    auto moved = static_cast<std::uint32_t>(details_.size());
    auto take = [&](std::vector<Finding>& to, std::vector<Finding>& from) {
        for (Finding& finding : from)
            if (finding.details < others.details_.size()) finding.details += moved;
        to.insert(to.end(), from.begin(), from.end());
    };
    take(list, others.list);
    take(suppressed, others.suppressed);
    take(known, others.known);
    texts_.splice(texts_.end(), others.texts_);
    std::move(others.details_.begin(), others.details_.end(), std::back_inserter(details_));
}

Finding& Reporter::add(TextRange range, std::string_view message, model::RuleId rule) {
    Finding finding;
    finding.range = range;
    finding.message = message;
    finding.rule = rule;
    finding.code = code_;
    finding.severity = severity_;
    findings_.add(finding);
    return findings_.list.back();
}

FileContext::FileContext(const model::RulesetText& t, model::KernelProfile k, std::size_t threads)
    : text(t), ruleset(t.ruleset), kernel(k) {
    void (FileContext::*const parts[])() = {&FileContext::find_reachable, &FileContext::sort_rules,
                                            &FileContext::find_uses};
    in_order(
        std::size(parts), threads, [&](std::size_t i) { return (this->*parts[i])(), i; },
        [](std::size_t, std::size_t) {});
}

void FileContext::find_uses() {
    rules.uses = model::conntrack_uses(ruleset, kernel);
}

void FileContext::sort_rules() {
    std::uint8_t other_icmp =
        ruleset.family == model::Family::ip6 ? packet::proto_icmp : packet::proto_icmpv6;
    for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
        const model::Rule& rule = ruleset.rules[i];
        if (!rule.live) continue;
        model::RuleId id(i);
        switch (rule.target) {
            case model::TargetKind::notrack:
                rules.notrack.push_back(id);
                break;
            case model::TargetKind::ct_template:
                rules.ct_templates.push_back(id);
                break;
            case model::TargetKind::dnat:
            case model::TargetKind::snat:
            case model::TargetKind::masquerade:
            case model::TargetKind::redirect:
            case model::TargetKind::netmap:
                rules.nat.push_back(id);
                break;
            case model::TargetKind::synproxy:
                rules.synproxy = true;
                break;
            default:
                break;
        }
        bool state = false;
        bool foreign = false;
        bool unknown = rule.target == model::TargetKind::external;
        bool from_port = false;
        bool to_port = false;
        for (const model::Match& m : ruleset.matches_of(rule)) {
            if (m.kind == model::MatchKind::state || m.kind == model::MatchKind::conntrack)
                state = true;
            else if (m.kind == model::MatchKind::protocol)
                foreign = foreign || (m.payload.number == other_icmp && !m.negated);
            else if (m.kind == model::MatchKind::source_port)
                from_port = true;
            else if (m.kind == model::MatchKind::destination_port ||
                     m.kind == model::MatchKind::either_port)
                to_port = true;
            else if (m.kind == model::MatchKind::opaque)
                unknown = unknown || m.payload.opaque.unknown_extension;
        }
        if (state) rules.state_matches.push_back(id);
        if (from_port && !to_port && rule.target == model::TargetKind::accept)
            rules.accepts_by_source_port.push_back(id);
        if (foreign) rules.other_icmp.push_back(id);
        if (unknown) rules.unknown.push_back(id);
    }
}

void FileContext::find_reachable() {
    jumps = model::ChainJumps(ruleset);
    base_of_.assign(ruleset.chains.size(), model::ChainId());
    reached_by_.assign(ruleset.chains.size(), model::RuleId());
    std::vector<model::ChainId> todo;
    for (std::size_t i = 0; i < ruleset.chains.size(); ++i) {
        if (!ruleset.chains[i].base) continue;
        base_of_[i] = model::ChainId(i);
        todo.push_back(base_of_[i]);
    }
    while (!todo.empty()) {
        model::ChainId chain = todo.back();
        todo.pop_back();
        for (const model::Jump& jump : jumps.of(chain)) {
            if (reachable(jump.to)) continue;
            base_of_[jump.to.value] = base_of_[chain.value];
            reached_by_[jump.to.value] = jump.rule;
            todo.push_back(jump.to);
        }
    }
}

const packet::Tracer& FileContext::tracer() const {
    return tracer_.get([&] {
        const model::Ruleset* host[] = {&ruleset};
        return packet::Tracer(host);
    });
}

const packet::Tracer& FileContext::treatment_tracer() const {
    return treatment_tracer_.get([&] {
        const model::Ruleset* host[] = {&ruleset};
        static constexpr ChainRole roles[] = {ChainRole::raw, ChainRole::mangle, ChainRole::nat};
        return packet::Tracer(host, roles);
    });
}

const packet::Tracer& FileContext::raw_tracer() const {
    return raw_tracer_.get([&] {
        const model::Ruleset* host[] = {&ruleset};
        static constexpr ChainRole roles[] = {ChainRole::raw};
        return packet::Tracer(host, roles);
    });
}

const packet::Tracer& FileContext::filter_tracer() const {
    return filter_tracer_.get([&] {
        const model::Ruleset* host[] = {&ruleset};
        static constexpr ChainRole roles[] = {ChainRole::mangle, ChainRole::filter,
                                              ChainRole::security};
        return packet::Tracer(host, roles);
    });
}

const packet::ChainGraph& FileContext::graph() const {
    return graph_.get([&] { return packet::ChainGraph(ruleset); });
}

const model::Ruleset& FileContext::with_texts() const {
    return with_texts_.get([&] { return text.with_target_texts(); });
}

const packet::Coverage& FileContext::coverage() const {
    return coverage_.get([&] {
        const model::Ruleset& r = with_texts();
        const model::Ruleset* host[] = {&r};
        packet::Tracer tracer(host);
        packet::CoverageOptions options;
        options.filled_later = [&](model::ChainId id) {
            return is_owned_by_program(r.chain(id).name);
        };
        return packet::coverage(r, tracer, options);
    });
}

}  // namespace untrack::analyzer
