// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/rule_text.hpp"

#include <fmt/format.h>

#include "packet/words.hpp"

namespace untrack::rewriter {
namespace {

namespace ipt = parser::iptables;

std::string port_text(const model::PortRange& range) {
    return range.first == range.last ? fmt::format("{}", range.first)
                                     : fmt::format("{}:{}", range.first, range.last);
}

bool is_limit(std::string_view match) {
    return match == "limit" || match == "hashlimit";
}

/// One option as it stands, "!" in front.
std::string option_text(const ipt::SyntaxTree& tree, const ipt::Line& line,
                        const ipt::Option& option) {
    bool negated = (option.flags & (ipt::Option::negated | ipt::Option::negated_after)) != 0;
    std::string out = negated ? " !" : "";
    ipt::OptionWords words(tree, line, option);
    TextRange name = words.name();
    if ((option.flags & (ipt::Option::negated_after | ipt::Option::glued | ipt::Option::equals)) ==
        0)
        return fmt::format(
            "{} {}", out,
            tree.text.substr(name.begin,
                             ipt::OptionWords::whole(tree, line, option).end - name.begin));
    out += fmt::format(" {}", option.key == ipt::unknown_option
                                  ? tree.text.substr(name.begin, name.size())
                                  : ipt::option_info(option.key).name);
    for (ipt::Word word; words.next(word);)
        out += fmt::format(" {}", tree.text.substr(word.range.begin, word.range.size()));
    return out;
}

}  // namespace

std::vector<std::string> port_matches(const Service& service, bool answer, bool plain) {
    if (service.ports.size() == 1 && plain)
        return {fmt::format("-m {} --{} {}", packet::protocol_name(service.protocol),
                            answer ? "sport" : "dport", port_text(service.ports[0]))};
    std::vector<std::string> out;
    std::string list;
    unsigned places = 0;
    auto flush = [&] {
        if (!list.empty())
            out.push_back(fmt::format("-m multiport --{} {}", answer ? "sports" : "dports", list));
        list.clear();
        places = 0;
    };
    for (const model::PortRange& range : service.ports) {
        unsigned needed = range.first == range.last ? 1 : 2;
        if (places + needed > 15) flush();
        list += fmt::format("{}{}", list.empty() ? "" : ",", port_text(range));
        places += needed;
    }
    flush();
    return out;
}

std::vector<std::string> untracked_copy(const ipt::SyntaxTree& tree, const ipt::Line& line,
                                        const CopyOptions& options) {
    std::string command;
    std::string base;
    std::string matches;
    std::string target;
    constexpr std::string_view untracked = " -m conntrack --ctstate UNTRACKED";
    bool in_target = false;
    bool state_placed = false;  ///< the test stands where the rule's own stood
    bool limited = false;
    bool skipping = false;
    bool has_ports = false;
    for (const ipt::Option& option : tree.options_of(line)) {
        if (option.key <= ipt::key(ipt::Base::policy)) {
            command = option_text(tree, line, option).substr(1);
        } else if (option.key == ipt::key(ipt::Base::set_counters) ||
                   option.key == ipt::key(ipt::Base::verbose) ||
                   option.key == ipt::key(ipt::Base::protocol)) {
            continue;
        } else if (option.key == ipt::key(ipt::Base::match)) {
            in_target = false;
            std::string storage;
            std::string_view name = ipt::first_value(tree, line, option, storage);
            skipping = name == "state" || name == "conntrack" ||
                       (options.without_limits && is_limit(name));
            if (skipping && !state_placed && !limited && !is_limit(name)) {
                matches += untracked;
                state_placed = true;
            }
            limited = limited || is_limit(name);
            if (!skipping) matches += option_text(tree, line, option);
        } else if (option.key == ipt::key(ipt::Base::jump) ||
                   option.key == ipt::key(ipt::Base::goto_)) {
            in_target = true;
            skipping = false;
            target += option_text(tree, line, option);
        } else if (option.key < ipt::base_option_count) {
            base += option_text(tree, line, option);
        } else {
            // Options of an older extension may stand after a newer one: each goes where its
            // extension goes.
            std::string_view extension;
            bool of_target = in_target;
            if (option.key != ipt::unknown_option) {
                const ipt::Extension& e = ipt::extensions()[ipt::option_info(option.key).extension];
                extension = e.name;
                of_target = e.kind == ipt::ExtensionKind::target;
                skipping = !of_target && (extension == "state" || extension == "conntrack" ||
                                          (options.without_limits && is_limit(extension)));
                std::string_view name = ipt::option_info(option.key).name;
                if (options.without_flags && (name == "--syn" || name == "--tcp-flags")) continue;
                has_ports = has_ports || name.find("port") != std::string_view::npos;
            }
            if (skipping) continue;
            // The copy has other matches before it, which an option of an unnamed one would go to.
            if (!of_target && (option.flags & ipt::Option::implied) != 0)
                matches += fmt::format(" -m {}", extension);
            (of_target ? target : matches) += option_text(tree, line, option);
        }
    }
    std::string_view protocol = options.service->protocol == packet::proto_tcp ? "tcp" : "udp";
    std::string flags = options.part == Part::first   ? " --tcp-flags SYN,ACK SYN"
                        : options.part == Part::later ? " ! --tcp-flags SYN,ACK SYN"
                                                      : "";
    std::string device = options.in_or_out.empty() ? "" : " " + options.in_or_out;
    bool plain = !has_ports && matches.find("multiport") == std::string::npos &&
                 matches.find(fmt::format("-m {}", protocol)) == std::string::npos;
    if (options.has_ports) {
        std::string flag_match = flags.empty() ? "" : " -m tcp" + flags;
        return {fmt::format("{}{}{} -p {}{}{}{}{}", command, base, device, protocol, flag_match,
                            state_placed ? "" : untracked, matches, target)};
    }
    if (state_placed) matches.erase(matches.find(untracked), untracked.size());
    std::vector<std::string> out;
    for (const std::string& ports : port_matches(*options.service, options.answer, plain)) {
        std::string flag_match = flags.empty()                 ? ""
                                 : ports.starts_with("-m tcp") ? flags
                                                               : " -m tcp" + flags;
        // State and ports come first: a limit must not count packets of others.
        out.push_back(fmt::format("{}{}{} -p {} {}{}{}{}{}", command, base, device, protocol, ports,
                                  flag_match, untracked, matches, target));
    }
    return out;
}

}  // namespace untrack::rewriter
