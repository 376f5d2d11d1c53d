// SPDX-License-Identifier: GPL-2.0-or-later
#include <charconv>

#include "model/iptables_lowering.hpp"
#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::model {
namespace {

std::optional<std::uint16_t> port_number(std::string_view text) {
    std::uint16_t number = 0;
    auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size()) return number;
    return service_port(text);
}

/// "80", "http", "8000-8010", "8000-8010/8000": the port after "/" only shifts the others.
std::optional<PortRange> port_range(std::string_view text) {
    text = text.substr(0, text.find('/'));
    if (auto one = port_number(text)) return PortRange{*one, *one};
    std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    auto first = port_number(text.substr(0, dash));
    auto last = port_number(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return PortRange{*first, *last};
}

/// "192.0.2.1" or "192.0.2.1-192.0.2.9".
std::optional<AddressRange> address_range(Family family, std::string_view text) {
    std::size_t dash = text.find('-');
    auto first = parse_numeric_address(family, text.substr(0, dash));
    auto last = dash == std::string_view::npos
                    ? first
                    : parse_numeric_address(family, text.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    return AddressRange{*first, *last};
}

/// "[ADDRESSES][:PORTS]"; with ports, IPv6 addresses stand in brackets.
void read_place(Family family, std::string_view text, Translation& out) {
    std::string_view addresses = text;
    std::string_view ports;
    if (family == Family::ip) {
        std::size_t colon = text.find(':');
        addresses = text.substr(0, colon);
        if (colon != std::string_view::npos) ports = text.substr(colon + 1);
    } else if (text.starts_with('[')) {
        std::size_t end = text.find(']');
        addresses = text.substr(1, end == std::string_view::npos ? end : end - 1);
        if (end != std::string_view::npos && text.substr(end + 1).starts_with(':'))
            ports = text.substr(end + 2);
    }
    if (!addresses.empty()) out.addresses = address_range(family, addresses);
    if (!ports.empty()) out.ports = port_range(ports);
    out.known = out.known && (addresses.empty() || out.addresses) && (ports.empty() || out.ports);
}

}  // namespace

Translation lower_translation(Family family, LineReader& reader, const ExtensionUse& use,
                              TargetKind target) {
    Translation out;
    bool placed = false;
    for (const ipt::Option* option : use.options) {
        if (option->key == ipt::unknown_option) continue;
        std::string_view name = ipt::option_info(option->key).name;
        out.random = out.random || name == "--random";
        out.fully_random = out.fully_random || name == "--random-fully";
        out.persistent = out.persistent || name == "--persistent";
        bool place = name == "--to-destination" || name == "--to-source";
        if (!place && name != "--to-ports" && name != "--to") continue;
        std::string_view value = reader.value(*option);
        if (place) {
            // Old tools took several, and chose one for each flow.
            out.known = out.known && !placed;
            placed = true;
            read_place(family, value, out);
        } else if (name == "--to-ports") {
            out.ports = port_range(value);
            out.known = out.known && out.ports.has_value();
        } else if (target == TargetKind::netmap) {
            MaskedAddress network;
            if (parse_masked_address(family, value, network) == AddressParse::ok)
                out.network = network;
            out.known = out.known && out.network.has_value();
        }
    }
    return out;
}

}  // namespace untrack::model
