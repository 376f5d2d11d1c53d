// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/chain_graph.hpp"

#include <algorithm>

namespace untrack::packet {

using model::ChainId;
using model::MatchKind;
using model::RuleId;
using model::TargetKind;

void ChainFacts::add(const ChainFacts& o) {
    interfaces = interfaces || o.interfaces;
    address_types = address_types || o.address_types;
    reads_marks = reads_marks || o.reads_marks;
    reads_state = reads_state || o.reads_state;
    reads_predicates = reads_predicates || o.reads_predicates;
    changes_marks = changes_marks || o.changes_marks;
    changes_state = changes_state || o.changes_state;
    changes_predicates = changes_predicates || o.changes_predicates;
    templates = templates || o.templates;
    takes_back = takes_back || o.takes_back;
    effects = effects || o.effects;
}

ChainFacts facts_of(const model::Ruleset& r, const model::Rule& rule) {
    ChainFacts f;
    for (const model::Match& m : r.matches_of(rule)) switch (m.kind) {
            case MatchKind::in_interface:
            case MatchKind::out_interface:
                f.interfaces = true;
                break;
            case MatchKind::address_type:
                f.address_types = f.reads_predicates = true;
                break;
            case MatchKind::mark:
                f.reads_marks = true;
                break;
            case MatchKind::state:
                f.reads_state = true;
                break;
            case MatchKind::conntrack:
                f.reads_state = f.reads_predicates = true;
                break;
            case MatchKind::opaque:
                f.reads_predicates = true;
                f.reads_state = f.reads_state || m.payload.opaque.key != model::ConntrackKey::none;
                // recent, hashlimit, nfacct, ... remember the packet.
                f.effects = f.effects || m.payload.opaque.nature != model::OpaqueNature::packet;
                break;
            default:
                break;
        }
    switch (rule.target) {
        case TargetKind::accept:
        case TargetKind::drop:
        case TargetKind::reject:
        case TargetKind::return_:
        case TargetKind::jump:
        case TargetKind::goto_:
            break;
        case TargetKind::none:
        case TargetKind::log:
        case TargetKind::queue:
        case TargetKind::dnat:
        case TargetKind::snat:
        case TargetKind::masquerade:
        case TargetKind::redirect:
        case TargetKind::netmap:
        case TargetKind::synproxy:
        case TargetKind::tproxy:
            f.effects = true;
            break;
        case TargetKind::notrack:
            f.effects = f.changes_state = true;
            break;
        case TargetKind::ct_template:
            f.effects = f.templates = true;
            f.takes_back = f.changes_state = rule.data != 0;
            break;
        case TargetKind::mark:
            f.effects = f.changes_marks = true;
            break;
        case TargetKind::connmark:
            f.changes_marks = rule.data != 0;
            [[fallthrough]];
        case TargetKind::connsecmark:
        case TargetKind::flow_offload:
        case TargetKind::side_effect:
            f.effects = f.changes_predicates = true;
            break;
        case TargetKind::rewrite_header:
        case TargetKind::external:
        case TargetKind::unknown:
            f.effects = f.changes_marks = f.changes_predicates = true;
            break;
    }
    return f;
}

ChainGraph::ChainGraph(const model::Ruleset& r)
    : facts_(r.chains.size()), depth_(r.chains.size()), marks_(r.chains.size(), Mark::unseen) {
    for (std::size_t i = 0; i < r.chains.size(); ++i)
        if (r.chains[i].base) visit(r, ChainId(i));
    order_.assign(finished_.rbegin(), finished_.rend());
    for (ChainId id : order_)
        for (RuleId rule : r.rules_of(r.chain(id))) {
            ChainId to = r.rule(rule).jump;
            if (!to.valid() || std::find(loops_.begin(), loops_.end(), rule) != loops_.end())
                continue;
            depth_[to.value] = std::max(depth_[to.value], depth_[id.value] + 1);
            deepest_ = std::max(deepest_, depth_[to.value]);
        }
    std::sort(loops_.begin(), loops_.end(), [](RuleId a, RuleId b) { return a.value < b.value; });
}

/// Depth first, without recursion: chains may be nested as deeply as the file likes.
void ChainGraph::visit(const model::Ruleset& r, ChainId root) {
    if (marks_[root.value] != Mark::unseen) return;
    struct Frame {
        ChainId chain;
        std::uint32_t next = 0;
    };
    std::vector<Frame> frames{{root}};
    marks_[root.value] = Mark::open;
    while (!frames.empty()) {
        ChainId id = frames.back().chain;
        std::span<const RuleId> rules = r.rules_of(r.chain(id));
        if (frames.back().next == rules.size()) {
            marks_[id.value] = Mark::done;
            finished_.push_back(id);
            frames.pop_back();
            if (!frames.empty()) facts_[frames.back().chain.value].add(facts_[id.value]);
            continue;
        }
        RuleId rule_id = rules[frames.back().next++];
        const model::Rule& rule = r.rule(rule_id);
        facts_[id.value].add(facts_of(r, rule));
        if (!rule.jump.valid()) continue;
        Mark& mark = marks_[rule.jump.value];
        if (mark == Mark::open) {
            loops_.push_back(rule_id);
        } else if (mark == Mark::done) {
            facts_[id.value].add(facts_[rule.jump.value]);
        } else {
            mark = Mark::open;
            frames.push_back({rule.jump});
        }
    }
}

}  // namespace untrack::packet
