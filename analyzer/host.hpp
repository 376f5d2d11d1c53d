// SPDX-License-Identifier: GPL-2.0-or-later
// What one host has loaded, of both families and in either language: for lint rules that no file
// can answer alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analyzer/context.hpp"

namespace untrack::analyzer {

/// One file of a host, as the packets of each of its families meet it.
using HostFile = std::vector<const FileContext*>;

/// The files of one host for all lint rules about hosts. They must outlive it.
class HostContext {
  public:
    explicit HostContext(std::span<const HostFile> files);

    /// A file as the packets of one family meet it; those without any rule or chain are left out.
    struct Member {
        const FileContext* file = nullptr;
        std::uint32_t number = 0;  ///< of the file
        std::uint8_t view = 0;     ///< of the file
    };
    [[nodiscard]] std::span<const Member> members() const { return members_; }
    /// Those that packets of the family meet.
    [[nodiscard]] std::span<const Member> members(model::Family family) const {
        return family == model::Family::ip ? std::span(members_).first(of_ip_)
                                           : std::span(members_).subspan(of_ip_);
    }
    /// Whether any of them needs connection tracking for packets of the family.
    [[nodiscard]] bool needs_conntrack(model::Family family) const;
    /// All of them together; made at the first use.
    [[nodiscard]] const packet::Tracer& tracer() const;
    [[nodiscard]] std::size_t file_count() const { return file_count_; }

    /// "line 12 (-A INPUT -j DROP)", "line 12 of FILE (-A INPUT -j DROP)" where it is not the file
    /// that is spoken of, or "the policy of INPUT".
    [[nodiscard]] std::string describe(const packet::Step& step, const Member& spoken_of) const;

  private:
    std::vector<Member> members_;  ///< IPv4 first
    std::size_t of_ip_ = 0;
    std::size_t file_count_;
    mutable MadeOnce<packet::Tracer> tracer_;
};

/// Where one lint rule about hosts reports.
class HostReporter {
  public:
    /// `findings`: of each file.
    HostReporter(std::span<Findings> findings, RuleIndex code, Severity severity)
        : findings_(findings), code_(code), severity_(severity) {}

    Finding& add(const HostContext::Member& member, TextRange range, std::string message,
                 model::RuleId rule = {});
    FindingDetails& details(const HostContext::Member& member, Finding& finding) {
        return findings_[member.number].details(finding);
    }

  private:
    std::span<Findings> findings_;
    RuleIndex code_;
    Severity severity_;
};

}  // namespace untrack::analyzer
