// SPDX-License-Identifier: GPL-2.0-or-later
// The text of rules that a conversion adds, made from the bytes of the rules it stands beside.
#pragma once

#include <string>

#include "parser/iptables/syntax.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

/// Which packets of a TCP service an added rule is for.
enum class Part : std::uint8_t {
    all,
    first,  ///< SYN without ACK
    later,  ///< the rest
};

/// "-m tcp --dport 80" or "-m multiport --sports 80,443"; more than one when multiport's 15 places
/// do not do.
std::vector<std::string> port_matches(const Service& service, bool answer, bool plain);

/// How the copy of a rule differs from it.
struct CopyOptions {
    const Service* service;
    bool answer = false;
    Part part = Part::all;
    bool without_limits = false;  ///< leaves out limit and hashlimit
    bool without_flags = false;   ///< leaves out tests of TCP flags
    bool has_ports = false;       ///< the rule asks for no port but the service's
    std::string in_or_out;        ///< further addresses or interfaces: "-i lo", "-d 192.0.2.0/24"
};

/// The rule of this line for UNTRACKED packets of the service, without counters and line end; one
/// text for each port match needed.
std::vector<std::string> untracked_copy(const parser::iptables::SyntaxTree& tree,
                                        const parser::iptables::Line& line,
                                        const CopyOptions& options);

}  // namespace untrack::rewriter
