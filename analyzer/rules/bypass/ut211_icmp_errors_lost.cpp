// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>

#include "analyzer/witness.hpp"
#include "packet/words.hpp"

namespace untrack::analyzer {
namespace {

using packet::ConntrackState;
using packet::Packet;
using packet::Truth;
using packet::Verdict;

/// Accepts that are tried beside one NOTRACK rule.
constexpr std::size_t most_accepts = 16;

bool passes_untracked(const FileContext& file, const Packet& p) {
    packet::Trace trace = file.tracer().trace(p, false);
    return trace.verdict == Verdict::accept && trace.untracked == Truth::yes;
}

/// A packet of the NOTRACK rule whose flow works without tracking.
std::optional<Packet> working(const FileContext& file, packet::Path way, const RulePath& notrack,
                              const std::vector<RulePath>& accepts) {
    for (std::size_t i = 0; i <= accepts.size(); ++i) {
        std::vector<const RulePath*> conditions{&notrack};
        if (i > 0) conditions.push_back(&accepts[i - 1]);
        auto p = packet_for(file, way, conditions);
        if (!p && i == 0) return std::nullopt;
        if (p && !packet::is_loopback(*p) && !goes_one_way(*p) && passes_untracked(file, *p) &&
            passes_untracked(file, answer_to(*p)))
            return p;
    }
    return std::nullopt;
}

/// "Fragmentation needed", "packet too big": that what answers the packet is too long for its way.
Packet error_about(const Packet& p) {
    bool six = p.family == model::Family::ip6;
    Packet error = p;
    error.protocol = six ? packet::proto_icmpv6 : packet::proto_icmp;
    error.source_port = error.destination_port = 0;
    error.tcp_flags = 0;
    error.icmp_type = six ? 2 : 3;
    error.icmp_code = six ? 0 : 4;
    error.mark = 0;
    return error;
}

class Errors {
  public:
    Errors(const FileContext& file, Reporter& report)
        : file_(file),
          report_(report),
          coming_(accepts_at(file, {model::Hook::input}, most_accepts)),
          passing_(accepts_at(file, {model::Hook::forward}, most_accepts)) {}

    void check(const RulePath& notrack) {
        for (packet::Path way : paths_through(file_.ruleset.chain(notrack.base).hook)) {
            auto p =
                working(file_, way, notrack, way == packet::Path::forward ? passing_ : coming_);
            if (!p) continue;
            Packet error = error_about(*p);
            packet::Trace now = file_.tracer().trace(error, false);
            packet::Trace tracked =
                file_.tracer().trace(in_state(error, ConntrackState::related), false);
            if (!is_refused(now) || now.untracked != Truth::no ||
                tracked.verdict != Verdict::accept || is_told(tracked.decision))
                continue;
            tell(notrack.rules.back(), *p, error, tracked.decision);
        }
    }

  private:
    /// One finding for each rule or policy that let errors in: they are about all services alike.
    bool is_told(const packet::Step& accepted) {
        for (const packet::Step& s : told_)
            if (s.chain == accepted.chain && s.rule == accepted.rule) return true;
        told_.push_back(accepted);
        return false;
    }

    /// A rule for the errors that long packets need.
    [[nodiscard]] std::string accept_of_errors(bool forwarded) const {
        bool six = file_.ruleset.family == model::Family::ip6;
        if (file_.text.nft() != nullptr)
            return fmt::format("chain {} {{ {} accept }}", forwarded ? "forward" : "input",
                               six ? "icmpv6 type packet-too-big"
                                   : "icmp type destination-unreachable icmp code frag-needed");
        return fmt::format("-A {} -p {} -j ACCEPT", forwarded ? "FORWARD" : "INPUT",
                           six ? "ipv6-icmp --icmpv6-type packet-too-big"
                               : "icmp --icmp-type fragmentation-needed");
    }

    void tell(model::RuleId notrack, const Packet& p, const Packet& error,
              const packet::Step& accepted) {
        Finding& finding = report_.add_text(
            file_.target_range(file_.ruleset.rule(notrack)),
            fmt::format(
                "ICMP errors about this service are let in as RELATED by {}, but of untracked "
                "packets they are INVALID, and dropped, for example {} about the answer to {}: "
                "long packets are lost where the way is narrow; accept them without a test of "
                "the state, before INVALID ones are dropped: `{}'",
                describe(file_, accepted), packet::to_words(error), packet::to_words(p),
                accept_of_errors(accepted.hook == model::Hook::forward)),
            notrack);
        report_.details(finding).witness = error;
    }

    const FileContext& file_;
    Reporter& report_;
    std::vector<RulePath> coming_;
    std::vector<RulePath> passing_;
    std::vector<packet::Step> told_;
};

}  // namespace

void ut211(const FileContext& file, Reporter& report) {
    if (file.rules.notrack.empty() || file.rules.state_matches.empty()) return;
    Errors errors(file, report);
    for (model::RuleId id : file.rules.notrack) {
        auto path = path_to(file, id);
        if (path && file.ruleset.chain(path->base).hook == model::Hook::prerouting)
            errors.check(*path);
    }
}

}  // namespace untrack::analyzer
