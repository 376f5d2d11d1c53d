// SPDX-License-Identifier: GPL-2.0-or-later
// Rules as text, to be compared across rulesets.
#include <algorithm>
#include <fmt/format.h>

#include "model/iptables_values.hpp"
#include "packet/conditions_parts.hpp"

namespace untrack::packet {

using model::Match;
using model::MatchKind;
using model::Ruleset;

Intervals port_intervals(const Ruleset& r, const Match& m) {
    if (m.count == 0) return normalized({{m.payload.ports.first, m.payload.ports.last}});
    Intervals out;
    for (std::uint32_t i = 0; i < m.count; ++i) {
        const model::PortRange& p = r.ports[m.payload.pool.first + i];
        out.push_back({p.first, p.last});
    }
    return normalized(std::move(out));
}

model::MaskedAddress masked_address(const Ruleset& r, const Match& m, std::uint32_t i) {
    if (m.count == 0)
        return {model::v4_address(m.payload.masked_v4.value),
                model::v4_address(m.payload.masked_v4.mask)};
    return r.addresses[m.payload.pool.first + i];
}

std::string signature(const Ruleset& r, model::RuleId id) {
    const model::Rule& rule = r.rule(id);
    std::string out = fmt::format("{} {}", r.target_name(rule), r.target_text(id));
    if (rule.target == model::TargetKind::mark)
        out += fmt::format(" {:x} {:x}", r.marks[rule.data].keep, r.marks[rule.data].toggle);
    else if (rule.target == model::TargetKind::goto_ || rule.data != 0)
        out += " +";  // -g, or a CONNMARK that gives the packet a mark
    for (const Match& m : r.matches_of(rule)) {
        if (m.kind == MatchKind::comment) continue;
        out += fmt::format("|{}{}", m.negated ? "!" : "", static_cast<unsigned>(m.kind));
        switch (m.kind) {
            case MatchKind::opaque:
                out += r.string(m.payload.opaque.text);
                break;
            case MatchKind::in_interface:
            case MatchKind::out_interface:
                out += r.string(m.payload.interface.name);
                out += m.payload.interface.wildcard ? "+" : "";
                break;
            case MatchKind::conntrack:
                out += r.string(r.conntrack[m.payload.pool.first].text);
                break;
            case MatchKind::source:
            case MatchKind::destination:
                for (std::uint32_t i = 0; i < std::max<std::uint32_t>(m.count, 1); ++i) {
                    model::MaskedAddress a = masked_address(r, m, i);
                    for (std::uint8_t b : a.value.bytes) out += fmt::format("{:02x}", b);
                    for (std::uint8_t b : a.mask.bytes) out += fmt::format("{:02x}", b);
                }
                break;
            case MatchKind::source_range:
            case MatchKind::destination_range:
                for (const model::AddressRange& a : r.ranges_of(m)) {
                    for (std::uint8_t b : a.first.bytes) out += fmt::format("{:02x}", b);
                    for (std::uint8_t b : a.last.bytes) out += fmt::format("{:02x}", b);
                }
                break;
            case MatchKind::source_port:
            case MatchKind::destination_port:
            case MatchKind::either_port:
                for (Interval i : port_intervals(r, m))
                    out += fmt::format("{}-{},", i.first, i.last);
                break;
            case MatchKind::protocol:
                out += fmt::format("{}", m.payload.number);
                break;
            case MatchKind::tcp_flags:
                out += fmt::format("{},{}", m.payload.tcp_flags.mask, m.payload.tcp_flags.value);
                break;
            case MatchKind::icmp:
                out += fmt::format("{},{},{},{}", m.payload.icmp.any, m.payload.icmp.type,
                                   m.payload.icmp.code_first, m.payload.icmp.code_last);
                break;
            case MatchKind::state:
                out += fmt::format("{}", m.payload.state);
                break;
            case MatchKind::mark:
                out += fmt::format("{},{}", m.payload.mark.value, m.payload.mark.mask);
                break;
            case MatchKind::address_type: {
                const auto& t = m.payload.address_type;
                out += fmt::format("{},{},{},{},{},{}", t.source, t.destination, t.source_negated,
                                   t.destination_negated, t.limit_in, t.limit_out);
                break;
            }
            case MatchKind::fragment:
            case MatchKind::comment:
                break;
        }
    }
    return out;
}

}  // namespace untrack::packet
