// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/packet_json.hpp"

#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::report {
namespace {

using packet::Packet;

tl::unexpected<std::string> wrong(std::string message) {
    return tl::make_unexpected(std::move(message));
}

/// A whole number within a limit, from a JSON number.
bool number(const Json& value, std::uint64_t most, std::uint64_t& out) {
    if (!value.is_number_integer() ||
        (value.is_number_integer() && !value.is_number_unsigned() && value.get<std::int64_t>() < 0))
        return false;
    out = value.get<std::uint64_t>();
    return out <= most;
}

}  // namespace

Json packet_json(const Packet& p) {
    Json j;
    j["hook"] = name(p.path);
    j["family"] = p.family == model::Family::ip ? 4 : 6;
    j["proto"] = packet::protocol_name(p.protocol);
    j["saddr"] = packet::address_text(p.family, p.source);
    j["daddr"] = packet::address_text(p.family, p.destination);
    if (packet::has_ports(p.protocol)) {
        j["sport"] = p.source_port;
        j["dport"] = p.destination_port;
    }
    if (p.tcp_flags != 0) j["flags"] = packet::tcp_flag_names(p.tcp_flags);
    if (p.protocol == packet::proto_icmp || p.protocol == packet::proto_icmpv6) {
        j["icmp_type"] = p.icmp_type;
        j["icmp_code"] = p.icmp_code;
    }
    if (p.fragment) j["fragment"] = true;
    if (!p.in_interface.empty()) j["iif"] = p.in_interface;
    if (!p.out_interface.empty()) j["oif"] = p.out_interface;
    if (p.mark != 0) j["mark"] = p.mark;
    if (p.state != packet::ConntrackState::automatic) j["state"] = name(p.state);
    return j;
}

tl::expected<Packet, std::string> packet_from_json(std::string_view text) {
    Json j = Json::parse(text, nullptr, false);
    if (j.is_discarded() || !j.is_object())
        return wrong("expected a JSON object that describes a packet");
    Packet p;
    bool has_family = false;
    std::uint64_t n = 0;
    for (const auto& [key, value] : j.items()) {
        std::string text_value = value.is_string() ? value.get<std::string>() : std::string();
        bool ok = true;
        if (key == "hook") {
            ok = value.is_string() && packet::parse_path(text_value, p.path);
        } else if (key == "family") {
            ok = number(value, 6, n) && (n == 4 || n == 6);
            p.family = n == 6 ? model::Family::ip6 : model::Family::ip;
            has_family = true;
        } else if (key == "proto") {
            ok = value.is_string() ? packet::parse_protocol(text_value, p.protocol)
                                   : number(value, 255, n);
            if (!value.is_string()) p.protocol = static_cast<std::uint8_t>(n);
        } else if (key == "saddr" || key == "daddr") {
            model::Family family{};
            model::Address& address = key == "saddr" ? p.source : p.destination;
            ok = value.is_string() && packet::parse_address(text_value, family, address);
            if (ok && has_family && family != p.family)
                return wrong(fmt::format("`{}' is not of the packet's family", text_value));
            if (ok && !has_family) p.family = family;
        } else if (key == "sport" || key == "dport") {
            ok = number(value, 0xffff, n);
            (key == "sport" ? p.source_port : p.destination_port) = static_cast<std::uint16_t>(n);
        } else if (key == "flags") {
            ok = value.is_array();
            for (const Json& flag : value)
                ok = ok && flag.is_string() &&
                     packet::parse_tcp_flag(flag.get<std::string>(), p.tcp_flags);
        } else if (key == "icmp_type" || key == "icmp_code") {
            ok = number(value, 255, n);
            (key == "icmp_type" ? p.icmp_type : p.icmp_code) = static_cast<std::uint8_t>(n);
        } else if (key == "fragment") {
            ok = value.is_boolean();
            p.fragment = ok && value.get<bool>();
        } else if (key == "iif" || key == "oif") {
            ok = value.is_string();
            (key == "iif" ? p.in_interface : p.out_interface) = text_value;
        } else if (key == "mark") {
            ok = number(value, 0xffffffffU, n);
            p.mark = static_cast<std::uint32_t>(n);
        } else if (key == "state") {
            ok = value.is_string() && packet::parse_state(text_value, p.state);
        } else {
            return wrong(fmt::format("a packet has no `{}'", key));
        }
        if (!ok)
            return wrong(fmt::format("{} is no value for `{}'",
                                     value.dump(-1, ' ', true, Json::error_handler_t::replace),
                                     key));
    }
    return p;
}

}  // namespace untrack::report
