// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "model/iptables_values.hpp"
#include "packet/words.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::rewriter {

tl::expected<Service, std::string> parse_service(std::string_view text) {
    auto wrong = [&](std::string_view why) {
        return tl::make_unexpected(fmt::format(
            "`{}' is no service: {} (expected for example 80,443/tcp or 53/udp)", text, why));
    };
    std::size_t slash = text.rfind('/');
    if (slash == std::string_view::npos) return wrong("the protocol is missing");
    Service service;
    if (!packet::parse_protocol(text.substr(slash + 1), service.protocol) ||
        (service.protocol != packet::proto_tcp && service.protocol != packet::proto_udp))
        return wrong("the protocol must be tcp or udp");
    std::string_view list = text.substr(0, slash);
    for (std::string_view piece; model::next_piece(list, piece);) {
        std::string ports(piece);
        if (std::size_t dash = ports.find('-');
            dash != std::string::npos &&
            ports.find_first_not_of("0123456789-") == std::string::npos)
            ports[dash] = ':';
        model::PortRange range;
        if (model::parse_ports(ports, range) != model::PortParse::ok || range.first > range.last ||
            range.first == 0)
            return wrong(fmt::format("`{}' is no port", piece));
        service.ports.push_back(range);
    }
    if (service.ports.empty()) return wrong("it names no port");
    return service;
}

std::string to_words(const Service& service) {
    std::string out;
    for (const model::PortRange& p : service.ports) {
        out += fmt::format("{}{}", out.empty() ? "" : ",", p.first);
        if (p.last != p.first) out += fmt::format("-{}", p.last);
    }
    return fmt::format("{}/{}", out, packet::protocol_name(service.protocol));
}

}  // namespace untrack::rewriter
