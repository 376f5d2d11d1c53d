// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <set>

#include "analyzer/host.hpp"
#include "analyzer/witness.hpp"

namespace untrack::analyzer {
namespace {

using model::Family;
using model::Hook;
using model::Match;
using model::MatchKind;
using packet::Packet;
using packet::Truth;

/// Ports of one rule that are asked for, accepts that are tried for each, packets made in all.
constexpr std::size_t most_ports = 32;
constexpr std::size_t most_accepts = 512;
constexpr std::size_t most_packets = 50000;

/// A NOTRACK rule for the packets that open a service's connections, and what it asks of them that
/// the other family's packets have as well.
struct Question {
    RulePath path;
    const HostContext::Member* member = nullptr;
    model::Ruleset scratch;      ///< has `matches`
    std::vector<Match> matches;  ///< interfaces, and that the destination is this host
    std::vector<std::uint16_t> ports;
};

void add_ports(const model::Ruleset& r, const Match& m, std::vector<std::uint16_t>& ports) {
    std::span<const model::PortRange> ranges =
        m.count == 0 ? std::span(&m.payload.ports, 1)
                     : std::span(r.ports).subspan(m.payload.pool.first, m.count);
    for (model::PortRange range : ranges)
        for (unsigned port = range.first; port <= range.last && ports.size() < most_ports; ++port)
            ports.push_back(static_cast<std::uint16_t>(port));
}

/// False for a match that is not about the service as such: a source, a mark, flags, a set.
bool take_match(const model::Ruleset& r, const Match& m, Hook hook, Question& question) {
    switch (m.kind) {
        case MatchKind::protocol:
            return !m.negated;
        case MatchKind::destination:
        case MatchKind::destination_range:
            return true;  // the service's address, which it has another of
        case MatchKind::comment:
            return !m.negated;
        case MatchKind::source_port:
            // From the port of a service come answers.
            return !m.negated && model::few_ports(r, std::span(&m, 1), m.kind).empty();
        case MatchKind::destination_port:
        case MatchKind::either_port:
            add_ports(r, m, question.ports);
            return !m.negated;
        case MatchKind::in_interface:
        case MatchKind::out_interface: {
            std::string_view name = r.string(m.payload.interface.name);
            if (name == "lo") return m.negated;
            Match copy = m;
            copy.payload.interface.name = question.scratch.intern(name);
            question.matches.push_back(copy);
            return true;
        }
        case MatchKind::address_type:
            question.matches.push_back(m);
            return hook == Hook::prerouting && m.payload.address_type.source == 0 &&
                   m.payload.address_type.destination == model::type_local;
        default:
            return false;
    }
}

/// Looks in one family for services that are untracked in the other.
class OtherFamily {
  public:
    OtherFamily(const HostContext& host, Family untracked, Family other, HostReporter& report)
        : host_(host), family_(untracked), other_(other), report_(report) {}

    void run() {
        for (const HostContext::Member& member : host_.members(family_))
            for (model::RuleId id : member.file->rules.notrack) {
                auto question = question_of(member, id);
                if (question) ask(*question, id);
            }
    }

  private:
    struct Found {
        Packet packet;
        packet::Step decision;
    };

    std::unique_ptr<Question> question_of(const HostContext::Member& member, model::RuleId id) {
        const FileContext& file = *member.file;
        auto path = path_to(file, id);
        if (!path || file.role(path->base) != model::ChainRole::raw) return nullptr;
        auto question = std::make_unique<Question>();
        question->path = *path;
        question->member = &member;
        Hook hook = file.ruleset.chain(path->base).hook;
        for (model::RuleId rule : path->rules)
            for (const Match& m : file.ruleset.matches_of(file.ruleset.rule(rule)))
                if (!take_match(file.ruleset, m, hook, *question)) return nullptr;
        return question;
    }

    void ask(const Question& question, model::RuleId id) {
        const FileContext& file = *question.member->file;
        std::string ports;
        std::size_t count = 0;
        std::optional<Found> first;
        for (packet::Path way : paths_through(file.ruleset.chain(question.path.base).hook)) {
            for (std::uint16_t port : question.ports) {
                std::uint8_t protocol = untracked_protocol(question, way, port);
                if (protocol == 0 || said_.contains({protocol, port})) continue;
                if (untracked_anywhere(protocol, port)) continue;
                auto found = tracked(question, way, protocol, port);
                if (!found) continue;
                said_.insert({protocol, port});
                ports += fmt::format("{}{}", ports.empty() ? "" : ", ", port);
                ++count;
                if (!first) first = std::move(found);
            }
        }
        const model::Rule& rule = file.ruleset.rule(id);
        // A rule for several protocols is several of the model.
        if (!first || !places_.insert({&file, file.range(rule).begin}).second) return;
        std::string_view digit = family_digit(other_);
        std::string let_in =
            first->decision.rule.valid()
                ? fmt::format("{} accepts", host_.describe(first->decision, *question.member))
                : "the rules accept";
        Finding& finding = report_.add(
            *question.member, file.target_range(rule),
            fmt::format("this service is untracked in IPv{} alone: nothing untracks IPv{} packets "
                        "to port{} {}, which {}, and their entries fill the table that both "
                        "families share; {}",
                        family_digit(family_), digit, count == 1 ? "" : "s", ports, let_in,
                        file.words("give the other family's raw table the same rules",
                                   "have the rules in a table of family inet, or in one of each "
                                   "family")),
            id);
        report_.details(*question.member, finding).witness = first->packet;
    }

    /// The protocol of packets that the rule takes from conntrack in both directions, and that are
    /// accepted; 0 when there are none.
    [[nodiscard]] std::uint8_t untracked_protocol(const Question& question, packet::Path way,
                                                  std::uint16_t port) {
        const model::Ruleset& r = question.member->file->ruleset;
        const Match to = to_port(port);
        std::vector<packet::Condition> conditions{{&r, std::span(&to, 1)}};
        for (model::RuleId rule : question.path.rules)
            conditions.push_back({&r, r.matches_of(r.rule(rule))});
        auto p = packet(family_, way, conditions);
        if (!p || goes_one_way(*p) || !packet::has_ports(p->protocol)) return 0;
        packet::Trace there = host_.tracer().trace(*p, false);
        if (there.untracked != Truth::yes || there.verdict != packet::Verdict::accept) return 0;
        bool back = host_.tracer().trace(answer_to(*p), false).untracked == Truth::yes;
        return back ? p->protocol : 0;
    }

    /// Whether some packet to that port is, or may be, untracked in the other family.
    bool untracked_anywhere(std::uint8_t protocol, std::uint16_t port) {
        const Match to[] = {is_protocol(protocol), to_port(port)};
        for (const HostContext::Member& member : host_.members(other_)) {
            const FileContext& file = *member.file;
            for (model::RuleId id : file.rules.notrack) {
                auto path = path_to(file, id);
                if (!path || !may_speak_of(file, *path, port) || is_for_answers(file, *path))
                    continue;
                for (packet::Path way : paths_through(file.ruleset.chain(path->base).hook)) {
                    auto p = packet(other_, way, conditions_of(file, *path, to));
                    if (p && host_.tracer().trace(*p, false).untracked != Truth::no) return true;
                    if (packets_ >= most_packets) return true;
                }
            }
        }
        return false;
    }

    /// A packet of the service in the other family that opens a tracked connection.
    std::optional<Found> tracked(const Question& question, packet::Path way, std::uint8_t protocol,
                                 std::uint16_t port) {
        const Match to[] = {is_protocol(protocol), to_port(port)};
        const packet::Condition both[] = {{&question.scratch, question.matches},
                                          {&question.scratch, to}};
        auto proves = [&](const std::optional<Packet>& p) -> std::optional<Found> {
            if (!p || goes_one_way(*p)) return std::nullopt;
            packet::Trace trace = host_.tracer().trace(*p, false);
            if (trace.verdict != packet::Verdict::accept || trace.untracked != Truth::no)
                return std::nullopt;
            return Found{*p, trace.decision};
        };
        if (auto found = proves(packet(other_, way, both))) return found;
        for (const auto& [file, path] : accepts(way)) {
            if (!may_speak_of(*file, path, port)) continue;
            std::vector<packet::Condition> conditions = conditions_of(*file, path, to);
            conditions.push_back(both[0]);
            if (auto found = proves(packet(other_, way, conditions))) return found;
        }
        return std::nullopt;
    }

    using Accept = std::pair<const FileContext*, RulePath>;
    const std::vector<Accept>& accepts(packet::Path way) {
        auto& found = accepts_[static_cast<std::size_t>(way)];
        if (found) return *found;
        found.emplace();
        Hook hook = way == packet::Path::input    ? Hook::input
                    : way == packet::Path::output ? Hook::output
                                                  : Hook::forward;
        for (const HostContext::Member& member : host_.members(other_))
            for (RulePath& path : accepts_at(*member.file, {hook}, most_accepts))
                found->emplace_back(member.file, std::move(path));
        return *found;
    }

    /// None when so many have been made that looking further takes too long.
    std::optional<Packet> packet(Family family, packet::Path way,
                                 std::span<const packet::Condition> conditions) {
        if (packets_ >= most_packets) return std::nullopt;
        ++packets_;
        return packet::example(family, way, conditions);
    }

    static std::vector<packet::Condition> conditions_of(const FileContext& file,
                                                        const RulePath& path,
                                                        std::span<const Match> more) {
        std::vector<packet::Condition> conditions{{&file.ruleset, more}};
        for (model::RuleId rule : path.rules)
            conditions.push_back({&file.ruleset, file.ruleset.matches_of(file.ruleset.rule(rule))});
        return conditions;
    }

    /// Whether the way is for packets from the ports of services.
    static bool is_for_answers(const FileContext& file, const RulePath& path) {
        return std::any_of(path.rules.begin(), path.rules.end(), [&](model::RuleId rule) {
            auto matches = file.ruleset.matches_of(file.ruleset.rule(rule));
            return !model::few_ports(file.ruleset, matches, MatchKind::source_port).empty();
        });
    }

    /// False when a rule on the way asks for other destination ports.
    static bool may_speak_of(const FileContext& file, const RulePath& path, std::uint16_t port) {
        return std::all_of(path.rules.begin(), path.rules.end(), [&](model::RuleId rule) {
            auto ports =
                model::few_ports(file.ruleset, file.ruleset.matches_of(file.ruleset.rule(rule)),
                                 MatchKind::destination_port);
            return ports.empty() || std::find(ports.begin(), ports.end(), port) != ports.end();
        });
    }

    static Match is_protocol(std::uint8_t protocol) {
        Match m;
        m.kind = MatchKind::protocol;
        m.payload.number = protocol;
        return m;
    }
    static Match to_port(std::uint16_t port) {
        Match m;
        m.kind = MatchKind::destination_port;
        m.payload.ports = {port, port};
        return m;
    }

    const HostContext& host_;
    Family family_;
    Family other_;
    HostReporter& report_;
    std::optional<std::vector<Accept>> accepts_[3];  ///< by path
    std::set<std::pair<std::uint8_t, std::uint16_t>> said_;
    std::set<std::pair<const FileContext*, std::uint32_t>> places_;
    std::size_t packets_ = 0;
};

}  // namespace

void ut213(const HostContext& host, HostReporter& report) {
    // Where only one family is given nothing is known of the other.
    if (host.members(Family::ip).empty() || host.members(Family::ip6).empty()) return;
    for (auto [untracked, other] :
         {std::pair(Family::ip, Family::ip6), std::pair(Family::ip6, Family::ip)})
        if (host.needs_conntrack(other)) OtherFamily(host, untracked, other, report).run();
}

}  // namespace untrack::analyzer
