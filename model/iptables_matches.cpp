// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "model/iptables_lowering.hpp"
#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::model {
namespace {

using ipt::ExtensionKind;

/// What lowering does with an extension, by its number.
enum class Handler : std::uint8_t {
    opaque,
    tcp,
    ports,
    multiport,
    icmp,
    state,
    conntrack,
    mark,
    comment,
    iprange,
    addrtype,
};
struct Treatment {
    Handler handler = Handler::opaque;
    OpaqueNature nature = OpaqueNature::packet;
    ConntrackKey key = ConntrackKey::none;
};

Treatment treatment_of(std::string_view name) {
    if (name == "tcp") return {Handler::tcp};
    if (name == "udp" || name == "sctp" || name == "dccp") return {Handler::ports};
    if (name == "multiport") return {Handler::multiport};
    if (name == "icmp" || name == "icmp6") return {Handler::icmp};
    if (name == "state") return {Handler::state};
    if (name == "conntrack") return {Handler::conntrack};
    if (name == "mark") return {Handler::mark};
    if (name == "comment") return {Handler::comment};
    if (name == "iprange") return {Handler::iprange};
    if (name == "addrtype") return {Handler::addrtype};
    if (name == "connmark")
        return {Handler::opaque, OpaqueNature::occurrence, ConntrackKey::connmark};
    if (name == "connbytes")
        return {Handler::opaque, OpaqueNature::occurrence, ConntrackKey::connbytes};
    if (name == "connlabel")
        return {Handler::opaque, OpaqueNature::occurrence, ConntrackKey::connlabel};
    if (name == "connlimit")
        return {Handler::opaque, OpaqueNature::occurrence, ConntrackKey::connlimit};
    if (name == "helper") return {Handler::opaque, OpaqueNature::packet, ConntrackKey::helper};
    if (name == "cluster") return {Handler::opaque, OpaqueNature::packet, ConntrackKey::cluster};
    if (name == "limit" || name == "hashlimit" || name == "recent" || name == "statistic" ||
        name == "quota" || name == "rateest")
        return {Handler::opaque, OpaqueNature::occurrence};
    if (name == "nfacct") return {Handler::opaque, OpaqueNature::always};
    return {};
}

const Treatment& treatment(ipt::ExtensionId id) {
    static const std::vector<Treatment> table = [] {
        std::vector<Treatment> t;
        for (const ipt::Extension& e : ipt::extensions())
            t.push_back(e.kind == ExtensionKind::match ? treatment_of(e.name) : Treatment{});
        return t;
    }();
    return table[id];
}

ipt::OptionKey match_option(std::string_view extension, std::string_view option) {
    return ipt::option_key(ExtensionKind::match, extension, option);
}

constexpr std::uint8_t any_protocol = 0;

}  // namespace

std::string_view LineReader::read_value(const ipt::Option& option, unsigned n) {
    ipt::OptionWords words = this->words(option);
    ipt::Word word;
    for (unsigned i = 0; i <= n; ++i)
        if (!words.next(word)) return {};
    std::string_view v = ipt::word_value(tree_.text, word, storage_);
    if (v.data() == storage_.data()) return ruleset_.string(ruleset_.intern(v));
    return v;
}

std::string LineReader::canonical(const ExtensionUse& use, bool without_negation) {
    std::string out(use.name);
    for (const ipt::Option* option : use.options) {
        out += negated(*option) && !without_negation ? " ! " : " ";
        ipt::OptionWords words = this->words(*option);
        if (option->key == ipt::unknown_option) {
            std::string_view name = tree_.text.substr(words.name().begin, words.name().size());
            out += name.substr(0, name.find('='));
        } else {
            out += ipt::option_info(option->key).name;
        }
        for (unsigned i = 0; i < option->value_count; ++i) {
            out += ' ';
            out += value(*option, i);
        }
    }
    return out;
}

Match& MatchLowering::add(MatchKind kind, bool negated) {
    Match& m = ruleset_.matches.emplace_back();
    m.kind = kind;
    m.negated = negated;
    return m;
}

void MatchLowering::opaque_text(std::string_view text, bool negated, OpaqueNature nature) {
    StringId id = ruleset_.intern(text);
    Match& m = add(MatchKind::opaque, negated);
    m.payload.opaque = {id, nature, ConntrackKey::none, false};
}

void MatchLowering::base(const ipt::Option& option) {
    switch (static_cast<ipt::Base>(option.key)) {
        case ipt::Base::source:
            return address(option, MatchKind::source);
        case ipt::Base::destination:
            return address(option, MatchKind::destination);
        case ipt::Base::in_interface:
            return interface(option, MatchKind::in_interface);
        case ipt::Base::out_interface:
            return interface(option, MatchKind::out_interface);
        case ipt::Base::fragments:
            add(MatchKind::fragment, LineReader::negated(option));
            return;
        case ipt::Base::protocol: {
            std::string_view text = reader_.value(option);
            auto number = protocol_number(text);
            if (!number) {
                reader_.problem(option, fmt::format("unknown protocol `{}'", text));
                return;
            }
            if (*number == any_protocol) return;
            add(MatchKind::protocol, LineReader::negated(option)).payload.number = *number;
            return;
        }
        default:
            return;
    }
}

void MatchLowering::address(const ipt::Option& option, MatchKind kind) {
    std::string_view list = reader_.value(option);
    bool negated = LineReader::negated(option);
    auto first = static_cast<std::uint32_t>(ruleset_.addresses.size());
    MaskedAddress masked;
    std::string_view side = kind == MatchKind::source ? "source" : "destination";
    std::string_view rest = list;
    std::size_t count = 0;
    for (std::string_view piece; next_piece(rest, piece); ++count) {
        AddressParse parsed = parse_masked_address(ruleset_.family, piece, masked);
        if (parsed == AddressParse::bad) {
            reader_.problem(option, fmt::format("`{}' is no IPv{} address, network or host name",
                                                piece, family_digit(ruleset_.family)));
            ruleset_.addresses.resize(first);
            return;
        }
        if (parsed == AddressParse::name) {
            // What a name means is known only where the file is loaded.
            ruleset_.addresses.resize(first);
            opaque_text(fmt::format("{} {}", side, list), negated, OpaqueNature::packet);
            return;
        }
        ruleset_.addresses.push_back(masked);
    }
    if (negated && count > 1) {
        reader_.problem(option, "a list of addresses cannot be negated");
        ruleset_.addresses.resize(first);
        return;
    }
    auto is_any = [](const MaskedAddress& a) { return a.mask == Address{}; };
    if (count == 1 && !negated && is_any(masked)) {
        ruleset_.addresses.resize(first);
        return;
    }
    Match& m = add(kind, negated);
    if (count == 1 && ruleset_.family == Family::ip) {
        ruleset_.addresses.resize(first);
        m.payload.masked_v4 = {v4_number(masked.value), v4_number(masked.mask)};
    } else {
        m.count = static_cast<std::uint16_t>(count);
        m.payload.pool = {first, 0};
    }
}

void MatchLowering::interface(const ipt::Option& option, MatchKind kind) {
    std::string_view name = reader_.value(option);
    // 1.8.9 takes the whole word for the name (measured); it matches no interface that exists.
    if ((option.flags & ipt::Option::glued) != 0) {
        ipt::OptionWords words = reader_.words(option);
        name = reader_.tree().text.substr(words.name().begin, words.name().size());
    }
    if (name.size() > 15) {
        reader_.problem(option, fmt::format("an interface's name has at most 15 bytes, `{}' has {}",
                                            name, name.size()));
        return;
    }
    bool negated = LineReader::negated(option);
    bool wildcard = name.ends_with('+');
    if (wildcard) name.remove_suffix(1);
    if (name.empty() && !negated) return;
    StringId id = ruleset_.intern(name);
    add(kind, negated).payload.interface = {id, wildcard || name.empty()};
}

void MatchLowering::ports(const ipt::Option& option, MatchKind kind, bool list,
                          bool refuse_reversed) {
    std::string_view text = reader_.value(option);
    bool negated = LineReader::negated(option);
    auto first = static_cast<std::uint32_t>(ruleset_.ports.size());
    PortRange range;
    std::size_t count = 0;
    std::size_t slots = 0;
    std::string_view rest = list ? text : std::string_view();
    std::string_view piece = text;
    if (list && !next_piece(rest, piece)) return;
    do {
        PortParse parsed = parse_ports(piece, range);
        if (parsed == PortParse::bad) {
            reader_.problem(
                option, fmt::format("`{}' is no port, range of ports or name of a service", piece));
            ruleset_.ports.resize(first);
            return;
        }
        if (parsed == PortParse::name) {
            ruleset_.ports.resize(first);
            opaque_text(fmt::format("{} {}", ipt::option_info(option.key).name, text), negated,
                        OpaqueNature::packet);
            return;
        }
        // udp and dccp load a reversed range, which then matches nothing (measured).
        if (range.first > range.last && (list || refuse_reversed)) {
            reader_.problem(
                option, fmt::format("`{}' is no range: its first port is above its last", piece));
            ruleset_.ports.resize(first);
            return;
        }
        slots += range.first == range.last ? 1 : 2;
        ruleset_.ports.push_back(range);
        ++count;
    } while (list && next_piece(rest, piece));
    if (slots > 15 && list) {
        reader_.problem(option, "multiport takes at most 15 ports; a range counts as two");
        ruleset_.ports.resize(first);
        return;
    }
    Match& m = add(kind, negated);
    if (count == 1) {
        ruleset_.ports.resize(first);
        m.payload.ports = range;
    } else {
        m.count = static_cast<std::uint16_t>(count);
        m.payload.pool = {first, 0};
    }
}

void MatchLowering::opaque_option(const ExtensionUse& use, const ipt::Option& option) {
    ExtensionUse one{use.extension, use.name, {&option}};
    opaque_text(reader_.canonical(one), false, OpaqueNature::packet);
}

void MatchLowering::tcp(const ExtensionUse& use) {
    static const ipt::OptionKey sport = match_option("tcp", "--sport"),
                                source_port = match_option("tcp", "--source-port"),
                                dport = match_option("tcp", "--dport"),
                                destination_port = match_option("tcp", "--destination-port"),
                                syn = match_option("tcp", "--syn"),
                                flags = match_option("tcp", "--tcp-flags");
    for (const ipt::Option* option : use.options) {
        if (option->key == dport || option->key == destination_port) {
            ports(*option, MatchKind::destination_port, false, true);
        } else if (option->key == sport || option->key == source_port) {
            ports(*option, MatchKind::source_port, false, true);
        } else if (option->key == syn) {
            add(MatchKind::tcp_flags, LineReader::negated(*option)).payload.tcp_flags = {0x17,
                                                                                         0x02};
        } else if (option->key == flags) {
            auto mask = parse_tcp_flags(reader_.value(*option, 0));
            auto value = parse_tcp_flags(reader_.value(*option, 1));
            if (!mask || !value) {
                reader_.problem(*option,
                                "expected TCP flags: SYN, ACK, FIN, RST, URG, PSH, ALL or NONE");
                continue;
            }
            add(MatchKind::tcp_flags, LineReader::negated(*option)).payload.tcp_flags = {*mask,
                                                                                         *value};
        } else {
            opaque_option(use, *option);
        }
    }
}

void MatchLowering::plain_ports(const ExtensionUse& use) {
    for (const ipt::Option* option : use.options) {
        std::string_view name = ipt::option_info(option->key).name;
        if (name == "--dport" || name == "--destination-port") {
            ports(*option, MatchKind::destination_port, false, false);
        } else if (name == "--sport" || name == "--source-port") {
            ports(*option, MatchKind::source_port, false, false);
        } else {
            opaque_option(use, *option);
        }
    }
}

void MatchLowering::multiport(const ExtensionUse& use) {
    for (const ipt::Option* option : use.options) {
        std::string_view name = ipt::option_info(option->key).name;
        MatchKind kind = name == "--ports"         ? MatchKind::either_port
                         : name.starts_with("--d") ? MatchKind::destination_port
                                                   : MatchKind::source_port;
        ports(*option, kind, true, true);
    }
}

void MatchLowering::icmp(const ExtensionUse& use) {
    for (const ipt::Option* option : use.options) {
        std::string_view text = reader_.value(*option);
        Family family = use.name == "icmp" ? Family::ip : Family::ip6;
        auto type = icmp_type(family, text);
        if (!type) {
            reader_.problem(
                *option, fmt::format("`{}' is no ICMP type of IPv{}", text, family_digit(family)));
            continue;
        }
        add(MatchKind::icmp, LineReader::negated(*option)).payload.icmp = {
            type->type, type->code_first, type->code_last, type->any};
    }
}

void MatchLowering::state(const ExtensionUse& use) {
    for (const ipt::Option* option : use.options) {
        std::string_view text = reader_.value(*option);
        auto states = parse_states(text);
        if (!states || (*states & (state_snat | state_dnat)) != 0) {
            reader_.problem(
                *option,
                fmt::format("`{}' is no list of INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED",
                            text));
            continue;
        }
        add(MatchKind::state, LineReader::negated(*option)).payload.state = *states;
    }
}

void MatchLowering::conntrack(const ExtensionUse& use) {
    struct Field {
        std::string_view option;
        ConntrackMatch::Field field;
        unsigned index;
    };
    static constexpr std::array<Field, 8> endpoints{{
        {"--ctorigsrc", ConntrackMatch::orig_src, 0},
        {"--ctorigdst", ConntrackMatch::orig_dst, 1},
        {"--ctreplsrc", ConntrackMatch::repl_src, 2},
        {"--ctrepldst", ConntrackMatch::repl_dst, 3},
        {"--ctorigsrcport", ConntrackMatch::orig_src_port, 0},
        {"--ctorigdstport", ConntrackMatch::orig_dst_port, 1},
        {"--ctreplsrcport", ConntrackMatch::repl_src_port, 2},
        {"--ctrepldstport", ConntrackMatch::repl_dst_port, 3},
    }};
    ConntrackMatch c;
    bool bad = false;
    for (const ipt::Option* option : use.options) {
        std::string_view name = ipt::option_info(option->key).name;
        std::string_view text = reader_.value(*option);
        std::uint16_t field = 0;
        if (name == "--ctstate") {
            auto states = parse_states(text);
            field = ConntrackMatch::ctstate;
            if (states) {
                c.states = *states;
            } else {
                reader_.problem(*option, fmt::format("`{}' is no list of connection states", text));
                bad = true;
            }
        } else if (name == "--ctproto") {
            auto number = protocol_number(text);
            field = ConntrackMatch::ctproto;
            if (number) {
                c.protocol = *number;
            } else {
                reader_.problem(*option, fmt::format("unknown protocol `{}'", text));
                bad = true;
            }
        } else if (name == "--ctdir") {
            field = ConntrackMatch::direction;
            c.reply_direction = begins_word("REPLY", text);
        } else if (name == "--ctstatus") {
            field = ConntrackMatch::status;
            std::string_view rest = text;
            for (std::string_view piece; next_piece(rest, piece);) {
                static constexpr std::array<std::string_view, 4> names{"EXPECTED", "SEEN_REPLY",
                                                                       "ASSURED", "CONFIRMED"};
                const auto* it = std::find_if(names.begin(), names.end(), [&](std::string_view n) {
                    return begins_word(n, piece);
                });
                if (it != names.end()) {
                    c.status_bits |= static_cast<std::uint8_t>(1U << (it - names.begin()));
                } else if (begins_word("NONE", piece)) {
                    c.status_bits |= 0x80;
                } else {
                    reader_.problem(*option, fmt::format("`{}' is no conntrack status", piece));
                    bad = true;
                }
            }
        } else if (name == "--ctexpire") {
            field = ConntrackMatch::expire;
            auto colon = text.find(':');
            auto first = parse_number(text.substr(0, colon));
            auto last =
                colon == std::string_view::npos ? first : parse_number(text.substr(colon + 1));
            c.expire_first = static_cast<std::uint32_t>(first.value_or(0));
            c.expire_last = static_cast<std::uint32_t>(last.value_or(0xffffffffU));
        } else {
            for (const Field& f : endpoints) {
                if (f.option != name) continue;
                field = f.field;
                if (name.ends_with("port")) {
                    if (parse_ports(text, c.ports[f.index]) == PortParse::ok) continue;
                } else if (parse_masked_address(ruleset_.family, text, c.addresses[f.index]) ==
                           AddressParse::ok) {
                    continue;
                }
                reader_.problem(*option, fmt::format("`{}' is not a value of `{}'", text, name));
                bad = true;
            }
        }
        c.has |= field;
        if (LineReader::negated(*option)) c.negated |= field;
    }
    if (bad) return;
    if (c.has == ConntrackMatch::ctstate && (c.states & (state_snat | state_dnat)) == 0) {
        add(MatchKind::state, c.negated != 0).payload.state = c.states;
        return;
    }
    c.text = ruleset_.intern(reader_.canonical(use));
    auto index = static_cast<std::uint32_t>(ruleset_.conntrack.size());
    ruleset_.conntrack.push_back(c);
    add(MatchKind::conntrack, false).payload.pool = {index, 1};
}

void MatchLowering::mark(const ExtensionUse& use) {
    for (const ipt::Option* option : use.options) {
        std::uint32_t value = 0;
        std::uint32_t mask = 0;
        std::string_view text = reader_.value(*option);
        if (!parse_mark(text, value, mask)) {
            reader_.problem(*option, fmt::format("`{}' is no mark", text));
            continue;
        }
        add(MatchKind::mark, LineReader::negated(*option)).payload.mark = {value, mask};
    }
}

void MatchLowering::iprange(const ExtensionUse& use) {
    for (const ipt::Option* option : use.options) {
        std::string_view text = reader_.value(*option);
        std::size_t dash = text.find('-');
        auto first = parse_numeric_address(ruleset_.family, text.substr(0, dash));
        auto last = dash == std::string_view::npos
                        ? first
                        : parse_numeric_address(ruleset_.family, text.substr(dash + 1));
        if (!first || !last) {
            reader_.problem(*option, fmt::format("`{}' is no range of IPv{} addresses", text,
                                                 family_digit(ruleset_.family)));
            continue;
        }
        bool source = ipt::option_info(option->key).name == "--src-range";
        std::uint32_t index = ruleset_.address_ranges.size();
        ruleset_.address_ranges.add(ruleset_.family, {*first, *last});
        add(source ? MatchKind::source_range : MatchKind::destination_range,
            LineReader::negated(*option))
            .payload.pool = {index, 1};
    }
}

void MatchLowering::addrtype(const ExtensionUse& use) {
    static constexpr std::array<std::string_view, 12> names{
        "UNSPEC",    "UNICAST",     "LOCAL",    "BROADCAST", "ANYCAST", "MULTICAST",
        "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",     "NAT",     "XRESOLVE"};
    Match& m = add(MatchKind::address_type, false);
    auto& p = m.payload.address_type;
    p = {0, 0, false, false, false, false};
    for (const ipt::Option* option : use.options) {
        std::string_view name = ipt::option_info(option->key).name;
        if (name == "--limit-iface-in") {
            p.limit_in = true;
            continue;
        }
        if (name == "--limit-iface-out") {
            p.limit_out = true;
            continue;
        }
        std::uint16_t types = 0;
        std::string_view rest = reader_.value(*option);
        for (std::string_view piece; next_piece(rest, piece);) {
            const auto* it = std::find_if(names.begin(), names.end(), [&](std::string_view n) {
                return begins_word(n, piece);
            });
            if (it == names.end()) {
                reader_.problem(*option, fmt::format("`{}' is no type of address", piece));
                continue;
            }
            types |= static_cast<std::uint16_t>(1U << (it - names.begin()));
        }
        if (name == "--src-type") {
            p.source = types;
            p.source_negated = LineReader::negated(*option);
        } else {
            p.destination = types;
            p.destination_negated = LineReader::negated(*option);
        }
    }
}

void MatchLowering::opaque(const ExtensionUse& use) {
    Treatment t = use.extension == ipt::no_extension ? Treatment{} : treatment(use.extension);
    // A single negated option is the complement of the same text without "!".
    bool negated = use.options.size() == 1 && LineReader::negated(*use.options.front());
    StringId id = ruleset_.intern(reader_.canonical(use, negated));
    Match& m = add(MatchKind::opaque, negated);
    m.payload.opaque = {id, t.nature, t.key, use.extension == ipt::no_extension};
}

void MatchLowering::extension(const ExtensionUse& use) {
    Handler handler =
        use.extension == ipt::no_extension ? Handler::opaque : treatment(use.extension).handler;
    switch (handler) {
        case Handler::tcp:
            return tcp(use);
        case Handler::ports:
            return plain_ports(use);
        case Handler::multiport:
            return multiport(use);
        case Handler::icmp:
            return icmp(use);
        case Handler::state:
            return state(use);
        case Handler::conntrack:
            return conntrack(use);
        case Handler::mark:
            return mark(use);
        case Handler::comment:
            add(MatchKind::comment, false);
            return;
        case Handler::iprange:
            return iprange(use);
        case Handler::addrtype:
            return addrtype(use);
        case Handler::opaque:
            return opaque(use);
    }
}

}  // namespace untrack::model
