// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet/words.hpp"

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <optional>

#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::packet {
namespace {

constexpr std::array<std::pair<std::string_view, TcpFlag>, 6> flag_names{{
    {"fin", tcp_fin},
    {"syn", tcp_syn},
    {"rst", tcp_rst},
    {"psh", tcp_psh},
    {"ack", tcp_ack},
    {"urg", tcp_urg},
}};
constexpr std::array<std::pair<std::string_view, ConntrackState>, 7> state_names{{
    {"auto", ConntrackState::automatic},
    {"new", ConntrackState::new_},
    {"established", ConntrackState::established},
    {"reply", ConntrackState::reply},
    {"related", ConntrackState::related},
    {"invalid", ConntrackState::invalid},
    {"untracked", ConntrackState::untracked},
}};
constexpr std::array<std::pair<std::string_view, Path>, 3> path_names{{
    {"input", Path::input},
    {"output", Path::output},
    {"forward", Path::forward},
}};

template <typename T, std::size_t N>
std::optional<T> look_up(const std::array<std::pair<std::string_view, T>, N>& names,
                         std::string_view word) {
    for (auto [name, value] : names)
        if (name == word) return value;
    return std::nullopt;
}

template <typename T, std::size_t N>
std::string_view name_of(const std::array<std::pair<std::string_view, T>, N>& names, T value) {
    for (auto [name, v] : names)
        if (v == value) return name;
    return {};
}

bool next_word(std::string_view& rest, std::string_view& word) {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
    if (rest.empty()) return false;
    std::size_t end = rest.find_first_of(" \t");
    word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    return true;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size();
}

/// ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.
bool parse_endpoint(std::string_view text, model::Family& family, model::Address& address,
                    std::optional<std::uint16_t>& port) {
    std::string_view host = text;
    std::string_view number;
    if (text.starts_with('[')) {
        std::size_t close = text.find(']');
        if (close == std::string_view::npos) return false;
        host = text.substr(1, close - 1);
        std::string_view tail = text.substr(close + 1);
        if (!tail.empty() && !tail.starts_with(':')) return false;
        if (!tail.empty()) number = tail.substr(1);
    } else if (std::size_t colon = text.find(':');
               colon != std::string_view::npos &&
               text.find(':', colon + 1) == std::string_view::npos) {
        host = text.substr(0, colon);
        number = text.substr(colon + 1);
    }
    if (!number.empty()) {
        std::uint16_t n = 0;
        if (!parse_port(number, n)) return false;
        port = n;
    }
    return parse_address(host, family, address);
}

}  // namespace

std::string_view name(Path path) {
    return name_of(path_names, path);
}
std::string_view name(ConntrackState state) {
    return name_of(state_names, state);
}
bool parse_path(std::string_view text, Path& path) {
    auto found = look_up(path_names, text);
    if (found) path = *found;
    return found.has_value();
}
bool parse_state(std::string_view text, ConntrackState& state) {
    auto found = look_up(state_names, text);
    if (found) state = *found;
    return found.has_value();
}
bool parse_tcp_flag(std::string_view text, std::uint8_t& flags) {
    auto found = look_up(flag_names, text);
    if (found) flags = static_cast<std::uint8_t>(flags | *found);
    return found.has_value();
}
std::vector<std::string_view> tcp_flag_names(std::uint8_t flags) {
    std::vector<std::string_view> names;
    for (auto [name, flag] : flag_names)
        if ((flags & flag) != 0) names.push_back(name);
    return names;
}

std::string address_text(model::Family family, const model::Address& address) {
    char buffer[INET6_ADDRSTRLEN];
    ::inet_ntop(family == model::Family::ip ? AF_INET : AF_INET6, address.bytes.data(), buffer,
                sizeof buffer);
    return buffer;
}

bool parse_address(std::string_view text, model::Family& family, model::Address& address) {
    char buffer[64];
    if (text.size() >= sizeof buffer) return false;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    family = text.find(':') == std::string_view::npos ? model::Family::ip : model::Family::ip6;
    address = {};
    return ::inet_pton(family == model::Family::ip ? AF_INET : AF_INET6, buffer,
                       address.bytes.data()) == 1;
}

std::string protocol_name(std::uint8_t protocol) {
    if (protocol == proto_icmpv6) return "icmpv6";
    std::string_view known = model::protocol_name(protocol);
    return known.empty() ? std::to_string(protocol) : std::string(known);
}

bool parse_protocol(std::string_view text, std::uint8_t& protocol) {
    auto number = model::protocol_number(text);
    if (number) protocol = *number;
    return number.has_value();
}

tl::expected<Packet, std::string> parse_packet(std::string_view text) {
    auto wrong = [](std::string message) { return tl::make_unexpected(std::move(message)); };
    Packet p;
    std::string_view rest = text;
    std::string_view word;
    if (!next_word(rest, word) || !parse_protocol(word, p.protocol))
        return wrong(fmt::format(
            "a packet begins with its protocol (tcp, udp, icmp, a number), not with `{}'", word));
    std::optional<std::uint16_t> source_port;
    std::optional<std::uint16_t> destination_port;
    if (!next_word(rest, word) || !parse_endpoint(word, p.family, p.source, source_port))
        return wrong(fmt::format(
            "expected a source address such as 203.0.113.9:40000 or [2001:db8::9]:40000, not `{}'",
            word));
    if (!next_word(rest, word) || word != ">")
        return wrong(fmt::format("expected `>' after the source address, not `{}'", word));
    model::Family family = p.family;
    if (!next_word(rest, word) || !parse_endpoint(word, family, p.destination, destination_port))
        return wrong(
            fmt::format("expected a destination address such as 192.0.2.1:80, not `{}'", word));
    if (family != p.family) return wrong("source and destination are of different families");
    if ((source_port || destination_port) && !has_ports(p.protocol))
        return wrong(fmt::format("{} has no ports", protocol_name(p.protocol)));
    p.source_port = source_port.value_or(0);
    p.destination_port = destination_port.value_or(0);
    std::optional<Path> path;
    bool icmp = p.protocol == proto_icmp || p.protocol == proto_icmpv6;
    while (next_word(rest, word)) {
        if (word == "fragment") {
            p.fragment = true;
        } else if (parse_tcp_flag(word, p.tcp_flags)) {
            if (p.protocol != proto_tcp) return wrong(fmt::format("`{}' is a flag of TCP", word));
        } else if (parse_state(word, p.state)) {
            continue;
        } else if (Path named{}; parse_path(word, named)) {
            path = named;
        } else if (word == "in" || word == "out") {
            std::string& name = word == "in" ? p.in_interface : p.out_interface;
            if (!next_word(rest, word))
                return wrong("expected the name of an interface at the end");
            name = word;
        } else if (word == "mark" || word == "type") {
            bool mark = word == "mark";
            if (!next_word(rest, word)) return wrong("expected a number at the end");
            if (mark) {
                auto n = model::parse_number(word);
                if (!n || *n > 0xffffffffU) return wrong(fmt::format("`{}' is no mark", word));
                p.mark = static_cast<std::uint32_t>(*n);
                continue;
            }
            auto type = model::icmp_type(p.family, word);
            if (!type || !icmp)
                return wrong(fmt::format("`{}' is no type of {}", word, protocol_name(p.protocol)));
            p.icmp_type = type->type;
            p.icmp_code = type->code_first;
        } else if (auto type = icmp ? model::icmp_type(p.family, word) : std::nullopt) {
            p.icmp_type = type->type;
            p.icmp_code = type->code_first;
        } else {
            return wrong(
                fmt::format("unexpected `{}': expected a TCP flag, an ICMP type, in IFACE, out "
                            "IFACE, mark N, a state, or "
                            "input, output or forward",
                            word));
        }
    }
    if (path) {
        p.path = *path;
    } else if (!p.in_interface.empty() && !p.out_interface.empty()) {
        p.path = Path::forward;
    } else if (!p.out_interface.empty()) {
        p.path = Path::output;
    }
    return p;
}

std::string to_words(const Packet& p) {
    auto endpoint = [&](const model::Address& a, std::uint16_t port) {
        std::string address = address_text(p.family, a);
        if (!has_ports(p.protocol)) return address;
        return p.family == model::Family::ip ? fmt::format("{}:{}", address, port)
                                             : fmt::format("[{}]:{}", address, port);
    };
    std::string out =
        fmt::format("{} {} > {}", protocol_name(p.protocol), endpoint(p.source, p.source_port),
                    endpoint(p.destination, p.destination_port));
    for (std::string_view flag : tcp_flag_names(p.tcp_flags)) out += fmt::format(" {}", flag);
    if (p.protocol == proto_icmp || p.protocol == proto_icmpv6)
        out += fmt::format(" type {}/{}", p.icmp_type, p.icmp_code);
    if (p.fragment) out += " fragment";
    if (!p.in_interface.empty()) out += fmt::format(" in {}", p.in_interface);
    if (!p.out_interface.empty()) out += fmt::format(" out {}", p.out_interface);
    if (p.mark != 0) out += fmt::format(" mark {:#x}", p.mark);
    if (p.state != ConntrackState::automatic) out += fmt::format(" {}", name(p.state));
    bool implied =
        (p.path == Path::forward) == (!p.in_interface.empty() && !p.out_interface.empty()) &&
        (p.path == Path::output) == (p.in_interface.empty() && !p.out_interface.empty());
    if (!implied) out += fmt::format(" {}", name(p.path));
    return out;
}

}  // namespace untrack::packet
