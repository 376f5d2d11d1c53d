// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/residue.hpp"

#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::rewriter {

std::vector<Reason> residue(const Request& request, model::Family family, bool counts_again,
                            const std::optional<packet::Packet>& error_from_anyone) {
    std::vector<Reason> out;
    auto name = [&](std::string what, const std::optional<packet::Packet>& witness = {}) {
        out.push_back({"", std::move(what), 0, witness});
    };
    for (const Service& s : request.services)
        name(s.protocol == packet::proto_tcp
                 ? "packets without SYN reach the service's ports, and leave from them, without a "
                   "connection"
                 : "datagrams leave from the service's ports without a question before them");
    if (counts_again)
        name(
            "limits on new connections count a SYN that is sent again because its answer was lost "
            "once more: tracked, it passed as established");
    // iptables cannot say which flow an error is about.
    if (error_from_anyone)
        name(fmt::format("ICMP errors ({}unreachable, time exceeded, bad parameter) pass from "
                         "anyone and about any flow, those that stay tracked included; before, "
                         "only RELATED ones did: {}",
                         family == model::Family::ip ? "" : "too big, ",
                         packet::to_words(*error_from_anyone)),
             error_from_anyone);
    return out;
}

}  // namespace untrack::rewriter
