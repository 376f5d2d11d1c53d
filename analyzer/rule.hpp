// SPDX-License-Identifier: GPL-2.0-or-later
// The registry of lint rules: codes and names are never reused.
#pragma once

#include <span>
#include <string_view>

#include "analyzer/context.hpp"
#include "analyzer/host.hpp"

namespace untrack::analyzer {

/// What a lint rule looks at.
enum class Subject : std::uint8_t {
    rulesets,       ///< what rules mean, whatever language they are written in
    iptables_text,  ///< how iptables files are written
    nft_text,       ///< how nftables text is written
    unread_files,   ///< files in a language that is not read
};

/// A lint rule. It reports; it does not edit.
struct Rule {
    std::string_view code;  ///< "UT201"
    std::string_view name;  ///< "one-sided-notrack"
    Severity severity;
    std::string_view summary;  ///< what it finds, in half a sentence
    Subject subject;
    /// Of one file; none for rules about hosts, and for what is reported before there is a ruleset
    /// (a file that is not read).
    void (*run)(const FileContext&, Reporter&);
    /// Of all files of a host; none for rules about files.
    void (*run_on_host)(const HostContext&, HostReporter&) = nullptr;

    /// Whether it looks at rulesets at all.
    [[nodiscard]] bool runs() const { return run != nullptr || run_on_host != nullptr; }
};

/// All rules, by code.
std::span<const Rule> rules();
inline RuleIndex index_of(const Rule& rule) {
    return static_cast<RuleIndex>(&rule - rules().data());
}
/// The rule of that code or name; nullptr when there is none.
const Rule* find_rule(std::string_view code_or_name);

}  // namespace untrack::analyzer
