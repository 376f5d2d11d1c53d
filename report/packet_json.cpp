// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/packet_json.hpp"

#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::report {
namespace {

using packet::Packet;

/// Where a member of the outermost object stands in the text.
struct Place {
    std::size_t key = 0;
    std::size_t value = 0;
};

/// The places of the members with that key in a valid text; the last one counts, as for the parser.
/// The parser has checked the text: quotation marks, brackets and commas are where they may be.
Place place_of(std::string_view text, std::string_view wanted) {
    Place found;
    Place current;
    unsigned depth = 0;
    bool at_key = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '{' || c == '[') {
            at_key = ++depth == 1;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == ',' && depth == 1) {
            at_key = true;
        } else if (c == '"') {
            std::size_t begin = i++;
            while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
            if (!at_key || depth != 1) continue;
            at_key = false;
            current.key = begin;
            std::size_t colon = text.find(':', i);
            current.value = text.find_first_not_of(" \t\r\n", colon + 1);
            Json key = Json::parse(text.substr(begin, i + 1 - begin), nullptr, false);
            if (key.is_string() && key.get_ref<const std::string&>() == wanted) found = current;
            i = colon;
        }
    }
    return found;
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

namespace {

constexpr std::string_view keys =
    "hook, family, proto, saddr, daddr, sport, dport, flags, icmp_type, icmp_code, fragment, iif, "
    "oif, mark "
    "and state";

/// What a key's value must be.
std::string_view expectation(std::string_view key) {
    if (key == "hook") return "\"input\", \"output\" or \"forward\"";
    if (key == "family") return "4 or 6";
    if (key == "proto") return "a name such as \"tcp\", or a number up to 255";
    if (key == "saddr" || key == "daddr") return "an address such as \"192.0.2.1\"";
    if (key == "sport" || key == "dport") return "a port from 0 to 65535";
    if (key == "flags") return "a list of \"syn\", \"ack\", \"fin\", \"rst\", \"psh\", \"urg\"";
    if (key == "icmp_type" || key == "icmp_code") return "a number from 0 to 255";
    if (key == "fragment") return "true or false";
    if (key == "iif" || key == "oif") return "the name of an interface";
    if (key == "mark") return "a number from 0 to 4294967295";
    if (key == "state")
        return "\"auto\", \"new\", \"established\", \"reply\", \"related\", \"invalid\" or "
               "\"untracked\"";
    return {};
}

/// A wrong value, as far as a message has room for it.
std::string shown(const Json& value) {
    constexpr std::size_t most = 60;
    if (value.is_structured()) return value.is_array() ? "this list" : "an object";
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= most ? text : text.substr(0, most) + "...";
}

/// Sets the packet's field of that name; false when the value is none for it. Addresses bring their
/// family.
bool set_field(Packet& p, const std::string& key, const Json& value, model::Family& family) {
    std::string text = value.is_string() ? value.get<std::string>() : std::string();
    std::uint64_t n = 0;
    if (key == "hook") return value.is_string() && packet::parse_path(text, p.path);
    if (key == "family") {
        bool ok = number(value, 6, n) && (n == 4 || n == 6);
        family = n == 6 ? model::Family::ip6 : model::Family::ip;
        return ok;
    }
    if (key == "proto") {
        if (value.is_string()) return packet::parse_protocol(text, p.protocol);
        bool ok = number(value, 255, n);
        p.protocol = static_cast<std::uint8_t>(n);
        return ok;
    }
    if (key == "saddr" || key == "daddr")
        return value.is_string() &&
               packet::parse_address(text, family, key == "saddr" ? p.source : p.destination);
    if (key == "sport" || key == "dport") {
        bool ok = number(value, 0xffff, n);
        (key == "sport" ? p.source_port : p.destination_port) = static_cast<std::uint16_t>(n);
        return ok;
    }
    if (key == "flags") {
        bool ok = value.is_array();
        for (const Json& flag : value)
            ok = ok && flag.is_string() &&
                 packet::parse_tcp_flag(flag.get<std::string>(), p.tcp_flags);
        return ok;
    }
    if (key == "icmp_type" || key == "icmp_code") {
        bool ok = number(value, 255, n);
        (key == "icmp_type" ? p.icmp_type : p.icmp_code) = static_cast<std::uint8_t>(n);
        return ok;
    }
    if (key == "fragment") {
        p.fragment = value.is_boolean() && value.get<bool>();
        return value.is_boolean();
    }
    if (key == "iif" || key == "oif") {
        (key == "iif" ? p.in_interface : p.out_interface) = text;
        return value.is_string();
    }
    if (key == "mark") {
        bool ok = number(value, 0xffffffffU, n);
        p.mark = static_cast<std::uint32_t>(n);
        return ok;
    }
    return key == "state" && value.is_string() && packet::parse_state(text, p.state);
}

/// Why a packet of that protocol cannot have the field; empty when it can.
std::string misplaced(const Packet& p, std::string_view key) {
    bool icmp = p.protocol == packet::proto_icmp || p.protocol == packet::proto_icmpv6;
    if (((key == "sport" || key == "dport") && !packet::has_ports(p.protocol)) ||
        (key == "flags" && p.protocol != packet::proto_tcp) ||
        ((key == "icmp_type" || key == "icmp_code") && !icmp))
        return fmt::format("{} has no `{}'", packet::protocol_name(p.protocol), key);
    if ((key == "iif" && p.path == packet::Path::output) ||
        (key == "oif" && p.path == packet::Path::input))
        return fmt::format("a packet at the hook {} has no `{}'", name(p.path), key);
    return {};
}

}  // namespace

tl::expected<Packet, PacketError> packet_from_json(std::string_view text) {
    auto wrong = [](std::size_t offset, std::string message) {
        return tl::make_unexpected(PacketError{offset, std::move(message)});
    };
    Json j;
    try {
        j = Json::parse(text);
    } catch (const Json::parse_error& e) {
        // "[...] parse error at line 1, column 9: syntax error while parsing value - ..."
        std::string_view what = e.what();
        std::size_t colon = what.find(": ");
        what.remove_prefix(colon == std::string_view::npos ? 0 : colon + 2);
        return wrong(e.byte == 0 ? 0 : e.byte - 1, fmt::format("this is no JSON: {}", what));
    }
    if (!j.is_object())
        return wrong(text.find_first_not_of(" \t\r\n"),
                     "a packet is an object such as {\"proto\":\"tcp\",\"dport\":80}");
    Packet p;
    std::string family_key;  // which gave the family
    for (const auto& [key, value] : j.items()) {
        if (expectation(key).empty())
            return wrong(place_of(text, key).key,
                         fmt::format("a packet has no `{}'; it has {}", key, keys));
        model::Family family = p.family;
        if (!set_field(p, key, value, family))
            return wrong(place_of(text, key).value,
                         fmt::format("{} is no value for `{}': {} is wanted", shown(value), key,
                                     expectation(key)));
        if (key != "family" && key != "saddr" && key != "daddr") continue;
        if (!family_key.empty() && family != p.family)
            return wrong(place_of(text, key).value,
                         fmt::format("`{}' is of the other family than `{}'", key, family_key));
        p.family = family;
        family_key = key;
    }
    for (const auto& [key, value] : j.items())
        if (std::string why = misplaced(p, key); !why.empty())
            return wrong(place_of(text, key).key, why);
    return p;
}

}  // namespace untrack::report
