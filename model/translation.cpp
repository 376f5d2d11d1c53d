// SPDX-License-Identifier: GPL-2.0-or-later
// What a NAT target writes into packets, whatever language said it.
#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>

#include "model/ruleset.hpp"

namespace untrack::model {
namespace {

std::string text_of(Family family, const Address& address) {
    std::array<char, INET6_ADDRSTRLEN> out{};
    inet_ntop(family == Family::ip ? AF_INET : AF_INET6, address.bytes.data(), out.data(),
              out.size());
    return out.data();
}

}  // namespace

std::string Translation::text(Family family, TargetKind target) const {
    std::string out = target == TargetKind::dnat         ? "dnat"
                      : target == TargetKind::snat       ? "snat"
                      : target == TargetKind::masquerade ? "masquerade"
                      : target == TargetKind::redirect   ? "redirect"
                                                         : "netmap";
    if (network)
        out += fmt::format(" to {}/{}", text_of(family, network->value),
                           text_of(family, network->mask));
    if (addresses) {
        out += " to " + text_of(family, addresses->first);
        if (addresses->first != addresses->last) out += "-" + text_of(family, addresses->last);
    }
    if (ports) {
        out += fmt::format("{}:{}", addresses ? "" : " to ", ports->first);
        if (ports->first != ports->last) out += fmt::format("-{}", ports->last);
    }
    if (random) out += " random";
    if (fully_random) out += " fully-random";
    if (persistent) out += " persistent";
    return out;
}

}  // namespace untrack::model
