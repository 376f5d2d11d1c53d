// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/variants.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <vector>

#include "bench/ruleset_writer.hpp"

namespace untrack::bench {
namespace {

struct Network {
    std::uint32_t address = 0;
    unsigned length = 0;
};

bool disjoint(Network a, Network b) {
    unsigned length = std::min(a.length, b.length);
    return length != 0 && (a.address ^ b.address) >> (32 - length) != 0;
}

unsigned number(std::string_view& text) {
    unsigned n = 0;
    auto end = std::from_chars(text.data(), text.data() + text.size(), n).ptr;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return n;
}

/// 10.1.2.0/24 at the beginning of the text, which is taken away.
Network take_network(std::string_view& text) {
    Network n;
    for (int i = 0; i < 4; ++i) {
        n.address = n.address << 8U | number(text);
        if (i < 3) text.remove_prefix(1);
    }
    n.length = 32;
    if (text.starts_with('/')) {
        text.remove_prefix(1);
        n.length = number(text);
    }
    return n;
}

/// A line of a file; of a rule what the edits ask for.
struct Line {
    std::string text;
    std::string chain;         ///< empty: no rule
    bool fields_only = false;  ///< all matches are about the packet's fields and state
    bool verdict = false;      ///< -j ACCEPT or -j DROP
    std::string target;
    std::optional<Network> source, destination;
};

std::string_view word_after(std::string_view text, std::string_view option) {
    std::size_t at = text.find(option);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + option.size());
    return text.substr(0, text.find(' '));
}

/// Whether the option is there and not negated.
std::optional<Network> network_after(std::string_view text, std::string_view option) {
    std::size_t at = text.find(option);
    if (at == std::string_view::npos || (at > 0 && text[at - 1] == '!')) return std::nullopt;
    std::string_view word = word_after(text, option);
    return take_network(word);
}

Line line_of(std::string_view text) {
    Line line;
    line.text = text;
    if (!text.starts_with("-A ")) return line;
    line.chain = word_after(text, "-A ");
    std::size_t jump = text.rfind(" -j ");
    if (jump == std::string_view::npos) return line;
    line.target = text.substr(jump + 4);
    line.verdict = line.target == "ACCEPT" || line.target == "DROP";
    line.fields_only = true;
    for (std::string_view match : {"limit", "statistic", "pkttype", "addrtype", "mark", "icmp"})
        line.fields_only &= text.find(fmt::format("-m {} ", match)) == std::string_view::npos;
    line.source = network_after(text, " -s ");
    line.destination = network_after(text, " -d ");
    return line;
}

std::vector<Line> lines_of(std::string_view text) {
    std::vector<Line> lines;
    while (!text.empty()) {
        std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(line_of(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string text_of(const std::vector<Line>& lines) {
    std::string out;
    for (const Line& line : lines) out += line.text + '\n';
    return out;
}

bool commute(const Line& a, const Line& b) {
    if (a.chain.empty() || a.chain != b.chain) return false;
    if (a.verdict && a.target == b.target && a.fields_only && b.fields_only) return true;
    return (a.source && b.source && disjoint(*a.source, *b.source)) ||
           (a.destination && b.destination && disjoint(*a.destination, *b.destination));
}

Line with_source(const Line& line, Network n) {
    std::size_t at = line.text.find(" -s ") + 4;
    std::size_t end = line.text.find(' ', at);
    return line_of(line.text.substr(0, at) + network(n.address, n.length) + line.text.substr(end));
}

/// The dotted address as one of IPv6: its four bytes behind the documentation prefix.
std::string ip6_of(Network n, bool with_length) {
    std::string out = fmt::format("2001:db8:{:x}:{:x}::", n.address >> 16U, n.address & 0xffffU);
    if (n.length == 32) out += '1';
    if (with_length) out += fmt::format("/{}", n.length == 32 ? 128 : n.length + 32);
    return out;
}

}  // namespace

std::string written_otherwise(std::string_view ruleset, std::uint32_t seed) {
    Dice dice(seed);
    std::vector<Line> lines;
    for (Line& line : lines_of(ruleset)) {
        bool splits = line.verdict && line.fields_only && line.source && line.source->length < 32 &&
                      dice.below(5) == 0;
        if (!splits) {
            lines.push_back(std::move(line));
            continue;
        }
        Network half = *line.source;
        ++half.length;
        lines.push_back(with_source(line, {half.address | 1U << (32 - half.length), half.length}));
        lines.push_back(with_source(line, half));
    }
    for (int pass = 0; pass < 12; ++pass)
        for (std::size_t i = 0; i + 1 < lines.size(); ++i)
            if (dice.below(2) == 0 && commute(lines[i], lines[i + 1]))
                std::swap(lines[i], lines[i + 1]);
    std::vector<Line> out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        out.push_back(lines[i]);
        // Once more, further down in its chain.
        std::size_t back = dice.below(20);
        if (back > 0 && back <= i && dice.below(3) == 0) {
            const Line& earlier = lines[i - back];
            if (earlier.verdict && earlier.fields_only && earlier.chain == lines[i].chain)
                out.push_back(earlier);
        }
    }
    return text_of(out);
}

namespace {

/// Whether rules before it in its chain are about all its sources.
bool covered(const std::vector<Line>& lines, std::size_t at) {
    return std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(at),
                       [&](const Line& l) {
                           return l.chain == lines[at].chain && l.source &&
                                  l.source->length <= lines[at].source->length &&
                                  !disjoint(*l.source, *lines[at].source);
                       });
}

}  // namespace

std::string one_verdict_changed(std::string_view ruleset) {
    std::vector<Line> lines = lines_of(ruleset);
    std::size_t filter = 0;
    while (filter < lines.size() && lines[filter].text != "*filter") ++filter;
    std::size_t end = filter;
    while (end < lines.size() && lines[end].text != "COMMIT") ++end;
    auto change = [&](Line& line, std::string_view target) {
        line.text.replace(line.text.rfind(" -j ") + 4, std::string::npos, target);
        return text_of(lines);
    };
    for (std::size_t i = filter + (end - filter) * 2 / 3; i < end; ++i) {
        Line& line = lines[i];
        if (line.verdict && line.fields_only && line.source && !covered(lines, i))
            return change(line, line.target == "DROP" ? "ACCEPT" : "DROP");
        if (line.target.starts_with("REJECT") && line.destination) return change(line, "ACCEPT");
    }
    return std::string(ruleset);
}

std::string as_ip6(std::string_view ruleset) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> words{
        {{"--icmp-type 0 ", "--icmpv6-type 129 "},
         {"--icmp-type 3 ", "--icmpv6-type 1 "},
         {"--icmp-type 8 ", "--icmpv6-type 128 "},
         {"--icmp-type 11 ", "--icmpv6-type 3 "},
         {"-p icmp ", "-p ipv6-icmp "},
         {"-m icmp ", "-m icmp6 "},
         {"icmp-port-unreachable", "icmp6-port-unreachable"},
         {"icmp-host-prohibited", "icmp6-adm-prohibited"},
         {"icmp-net-unreachable", "icmp6-no-route"},
         {"--pkt-type broadcast", "--pkt-type multicast"},
         {"--to-destination ", "--to-destination "},
         {"--to-source ", "--to-source "}}};
    std::string out;
    while (!ruleset.empty()) {
        bool word_starts = out.empty() || out.back() == ' ' || out.back() == '\n' ||
                           out.back() == '-' || out.back() == '[';
        auto known = std::find_if(words.begin(), words.end(),
                                  [&](const auto& w) { return ruleset.starts_with(w.first); });
        if (known != words.end()) {
            out += known->second;
            ruleset.remove_prefix(known->first.size());
            continue;
        }
        std::string_view word = ruleset.substr(0, ruleset.find_first_of(" \n-"));
        if (word_starts && std::count(word.begin(), word.end(), '.') == 3 && word[0] >= '0' &&
            word[0] <= '9') {
            std::string_view rest = word;
            bool with_length = word.find('/') != std::string_view::npos;
            bool with_port = word.find(':') != std::string_view::npos;
            std::string six = ip6_of(take_network(rest), with_length);
            out += with_port ? fmt::format("[{}]{}", six, rest) : six + std::string(rest);
            ruleset.remove_prefix(word.size());
            continue;
        }
        out += ruleset.front();
        ruleset.remove_prefix(1);
    }
    return out;
}

std::string wild_rules(std::size_t rules, std::uint32_t seed) {
    Dice dice(seed);
    auto ports = [&] {
        auto [from, to] = std::minmax({dice.below(65536), dice.below(65536)});
        return fmt::format("{}:{}", from, to);
    };
    auto addresses = [&] {
        auto [from, to] = std::minmax({dice.below(0xffffffffU), dice.below(0xffffffffU)});
        return fmt::format("{}-{}", dotted(from), dotted(to));
    };
    Table filter("filter", {{"INPUT", "DROP"}, {"FORWARD", "DROP"}, {"OUTPUT", "ACCEPT"}});
    for (std::size_t i = 0; i < rules; ++i)
        filter.rule("INPUT", fmt::format("-p tcp -m iprange --src-range {} --dst-range {} -m tcp "
                                         "--sport {} --dport {} -j {}",
                                         addresses(), addresses(), ports(), ports(),
                                         dice.one_of({"ACCEPT", "DROP"})));
    std::string out;
    filter.append_to(out);
    return out;
}

}  // namespace untrack::bench
