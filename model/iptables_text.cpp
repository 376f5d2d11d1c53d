// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/iptables_text.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "model/lower_iptables.hpp"

namespace untrack::model {

namespace ipt = parser::iptables;

namespace {

std::string_view chain_name(Hook hook) {
    switch (hook) {
        case Hook::prerouting:
            return "PREROUTING";
        case Hook::input:
            return "INPUT";
        case Hook::forward:
            return "FORWARD";
        case Hook::output:
            return "OUTPUT";
        case Hook::postrouting:
            return "POSTROUTING";
        case Hook::ingress:
        case Hook::egress:
            break;
    }
    return {};
}

/// The option that asks of an answer what this one asks of its question, in its short form.
std::string_view answering_option(std::string_view name) {
    struct Pair {
        std::string_view from, to;
    };
    static constexpr Pair swaps[] = {
        {"--source", "-d"},
        {"--destination", "-s"},
        {"--in-interface", "-o"},
        {"--out-interface", "-i"},
        {"--sport", "--dport"},
        {"--dport", "--sport"},
        {"--source-port", "--dport"},
        {"--destination-port", "--sport"},
        {"--sports", "--dports"},
        {"--dports", "--sports"},
        {"--source-ports", "--dports"},
        {"--destination-ports", "--sports"},
        {"--src-range", "--dst-range"},
        {"--dst-range", "--src-range"},
        {"--src-type", "--dst-type"},
        {"--dst-type", "--src-type"},
        {"--protocol", "-p"},
        {"--match", "-m"},
        {"--jump", "-j"},
    };
    for (const Pair& s : swaps)
        if (s.from == name) return s.to;
    return name;
}

}  // namespace

std::string_view IptablesText::language() const {
    return ruleset.family == Family::ip ? "iptables" : "ip6tables";
}

TextRange IptablesText::range(const Rule& rule) const {
    const ipt::Line& l = line(rule);
    return {l.begin, l.begin + static_cast<std::uint32_t>(tree_.content(l).size())};
}

TextRange IptablesText::target_range(const Rule& rule) const {
    const ipt::Line& l = line(rule);
    for (const ipt::Option& option : tree_.options_of(l))
        if (option.key == ipt::key(ipt::Base::jump) || option.key == ipt::key(ipt::Base::goto_))
            return ipt::OptionWords::whole(tree_, l, option);
    return range(rule);
}

TextRange IptablesText::match_range(const Rule& rule,
                                    std::span<const std::string_view> names) const {
    const ipt::Line& l = line(rule);
    std::string storage;
    for (const ipt::Option& option : tree_.options_of(l)) {
        if (option.key != ipt::key(ipt::Base::match)) continue;
        std::string_view name = ipt::first_value(tree_, l, option, storage);
        if (std::find(names.begin(), names.end(), name) != names.end())
            return ipt::OptionWords::whole(tree_, l, option);
    }
    return range(rule);
}

TextRange IptablesText::removal_range(const Rule& rule) const {
    return tree_.range(line(rule));
}

std::string IptablesText::plain_text(const Rule& rule) const {
    std::string_view line = at(range(rule));
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.starts_with('[')) line.remove_prefix(std::min(line.size(), line.find(']') + 1));
    std::string out;
    out.reserve(line.size());
    for (char c : line) {
        bool blank = c == ' ' || c == '\t';
        if (blank && (out.empty() || out.back() == ' ')) continue;
        out += blank ? ' ' : c;
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::string IptablesText::answering_rule(const Rule& rule, Hook hook,
                                         std::string_view out_interface) const {
    const ipt::Line& l = line(rule);
    std::string out = fmt::format("-A {}", chain_name(hook));
    if (!out_interface.empty()) out += fmt::format(" -o {}", out_interface);
    bool incoming = hook == Hook::prerouting || hook == Hook::input;
    bool outgoing = hook == Hook::output || hook == Hook::postrouting;
    for (const ipt::Option& option : tree_.options_of(l)) {
        if (option.key <= ipt::key(ipt::Base::policy) || option.key == ipt::unknown_option)
            continue;
        std::string_view name = answering_option(ipt::option_info(option.key).name);
        if ((name == "-o" && incoming) || (name == "-i" && outgoing)) continue;
        out += (option.flags & (ipt::Option::negated | ipt::Option::negated_after)) != 0
                   ? fmt::format(" ! {}", name)
                   : fmt::format(" {}", name);
        ipt::OptionWords words(tree_, l, option);
        for (ipt::Word word; words.next(word);) out += fmt::format(" {}", at(word.range));
    }
    return out;
}

Ruleset IptablesText::with_target_texts() const {
    return lower(tree_, {ruleset.family, ruleset.path, true});
}

Ruleset IptablesText::reread(std::string_view changed) const {
    return lower(ipt::parse(changed), {ruleset.family, ruleset.path, true});
}

LineIndex IptablesText::make_lines(const TextPart& /*part*/) const {
    return ipt::line_index(tree_);
}

std::vector<TextError> IptablesText::syntax_errors() const {
    std::vector<TextError> out;
    out.reserve(tree_.errors.size());
    for (const ipt::SyntaxError& e : tree_.errors) out.push_back({e.range, e.message});
    return out;
}

}  // namespace untrack::model
