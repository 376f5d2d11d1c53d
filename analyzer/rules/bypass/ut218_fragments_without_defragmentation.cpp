// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using model::MatchKind;
using packet::Packet;
using packet::Verdict;

/// UDP services whose datagrams become larger than a packet, and which of them do.
struct Service {
    std::uint16_t port;
    bool questions;
    bool answers;
    const char* name;
};
constexpr Service services[] = {
    {53, false, true, "DNS"},     {500, true, true, "IKE"},     {1645, true, true, "RADIUS"},
    {1646, true, true, "RADIUS"}, {1812, true, true, "RADIUS"}, {1813, true, true, "RADIUS"},
    {2049, true, true, "NFS"},    {4500, true, true, "IKE"},    {5060, true, true, "SIP"}};

/// Without conntrack IPv4 puts together what is for this host after the rules of raw and mangle,
/// but before INPUT; IPv6 after INPUT, and both never what they pass on (measured).
bool sees_fragments(const FileContext& file, model::Hook hook) {
    return hook == model::Hook::forward ||
           (hook == model::Hook::input && file.ruleset.family == model::Family::ip6);
}

/// `-m socket' and TPROXY have packets put together, too (measured).
bool is_put_together(const model::Ruleset& r) {
    return std::any_of(r.rules.begin(), r.rules.end(), [&](const model::Rule& rule) {
        if (!rule.live) return false;
        auto matches = r.matches_of(rule);
        return rule.target == model::TargetKind::tproxy ||
               std::any_of(matches.begin(), matches.end(), [&](const model::Match& m) {
                   return m.kind == MatchKind::opaque &&
                          r.string(m.payload.opaque.text).starts_with("socket");
               });
    });
}

bool asks_port(const model::Ruleset& r, const model::Rule& rule, bool answers) {
    MatchKind side = answers ? MatchKind::source_port : MatchKind::destination_port;
    return has_match(r, rule, {side, MatchKind::either_port});
}

Packet later_fragment(Packet p) {
    p.fragment = true;
    p.source_port = p.destination_port = 0;
    return p;
}

/// What is lost of a datagram that the rule lets in.
struct Loss {
    const Service* service;
    Packet fragment;
    packet::Step by;
};

std::optional<Loss> loss_of(const FileContext& file, const RulePath& path, packet::Path way) {
    const model::Ruleset& r = file.ruleset;
    const model::Rule& rule = r.rule(path.rules.back());
    auto example = packet_for(file, way, {&path});
    if (!example || example->protocol != packet::proto_udp) return std::nullopt;
    for (const Service& service : services)
        for (bool answer : {false, true}) {
            if (!(answer ? service.answers : service.questions) || !asks_port(r, rule, answer))
                continue;
            Packet whole = *example;
            (answer ? whole.source_port : whole.destination_port) = service.port;
            packet::Trace trace = file.tracer().trace(whole, false);
            if (trace.verdict != Verdict::accept || trace.decision.rule != path.rules.back())
                continue;
            Packet fragment = later_fragment(whole);
            trace = file.tracer().trace(fragment, false);
            if (trace.verdict == Verdict::drop || trace.verdict == Verdict::reject)
                return Loss{&service, fragment, trace.decision};
        }
    return std::nullopt;
}

}  // namespace

void ut218(const FileContext& file, Reporter& report) {
    const model::Ruleset& r = file.ruleset;
    if (!file.rules.uses.empty()) return;
    std::vector<bool> told(r.chains.size());
    bool looked = false;
    for (std::size_t i = 0; i < r.chains.size(); ++i) {
        const model::Chain& chain = r.chains[i];
        if (file.role(model::ChainId(i)) != model::ChainRole::filter) continue;
        auto way_in = path_to(file, model::ChainId(i));
        if (!way_in || told[way_in->base.value]) continue;
        model::Hook hook = r.chain(way_in->base).hook;
        if (!sees_fragments(file, hook)) continue;
        for (model::RuleId id : r.rules_of(chain)) {
            const model::Rule& rule = r.rule(id);
            if (rule.target != model::TargetKind::accept ||
                !(asks_port(r, rule, false) || asks_port(r, rule, true)))
                continue;
            RulePath path = *way_in;
            path.rules.push_back(id);
            auto loss = loss_of(file, path, paths_through(hook).front());
            if (!loss) continue;
            if (!looked && is_put_together(r)) return;
            looked = true;
            told[way_in->base.value] = true;
            bool six = r.family == model::Family::ip6;
            Finding& finding = report.add_text(
                file.range(rule),
                fmt::format(
                    "nothing here needs conntrack, so nothing puts fragments together "
                    "before these rules: of large {} datagrams only the first has ports, "
                    "and {} drops the rest, for example {}; accept them before, in {} with `{}'",
                    loss->service->name, describe(file, loss->by), packet::to_words(loss->fragment),
                    r.chain(way_in->base).name,
                    six ? file.words("-p udp -m frag --fragmore -j ACCEPT' and `-p udp -m frag "
                                     "--fraglast -j ACCEPT",
                                     "frag frag-off != 0 meta l4proto udp accept")
                        : file.words("-p udp -f -j ACCEPT",
                                     "ip frag-off & 0x1fff != 0 ip protocol udp accept")),
                id);
            report.details(finding).witness = loss->fragment;
            break;
        }
    }
}

}  // namespace untrack::analyzer
