// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/language.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace untrack::cli {
namespace {

constexpr std::string_view blanks = " \t\r";
/// How much of a text or line is looked at.
constexpr std::size_t head = 4096;

/// The lines of a text, without their ends.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_(text) {
        if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    }
    bool next(std::string_view& line) {
        if (rest_.empty()) return false;
        std::size_t end = rest_.find('\n');
        line = rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        return true;
    }

  private:
    std::string_view rest_;
};

std::string_view trimmed(std::string_view text) {
    std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

template <std::size_t N>
bool starts_with_any(std::string_view text, const std::array<std::string_view, N>& words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.starts_with(word); });
}

bool is_nft_line(std::string_view line) {
    constexpr std::array<std::string_view, 12> starts{
        "table ip ",     "table ip6 ",    "table inet ",   "table arp ",
        "table bridge ", "table netdev ", "flush ruleset", "flush table ",
        "add table ",    "add chain ",    "add rule ",     "define "};
    constexpr std::array<std::string_view, 4> blocks{"table ", "chain ", "set ", "map "};
    return starts_with_any(line, starts) || (starts_with_any(line, blocks) && line.ends_with('{'));
}

/// What `nft -j list ruleset` prints.
bool is_nft_json(std::string_view text) {
    std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin != std::string_view::npos && text[begin] == '{' &&
           text.substr(begin, head).find("\"nftables\"") != std::string_view::npos;
}

bool is_shell_line(std::string_view line) {
    constexpr std::array<std::string_view, 4> tools{"iptables -", "ip6tables -", "iptables-restore",
                                                    "ip6tables-restore"};
    for (std::string_view tool : tools) {
        std::size_t at = line.find(tool);
        if (at == 0 || (at != std::string_view::npos &&
                        (line[at - 1] == '/' || blanks.find(line[at - 1]) != blanks.npos)))
            return true;
    }
    return starts_with_any(
        line, std::array<std::string_view, 6>{"$IPTABLES ", "$IPT ", "$IP6TABLES ", "${IPTABLES} ",
                                              "$iptables ", "$ipt "});
}

bool is_config_line(std::string_view line) {
    return line.starts_with("IPTABLES_") || line.starts_with("IP6TABLES_");
}

bool is_modprobe_line(std::string_view line) {
    return starts_with_any(
        line, std::array<std::string_view, 6>{"options ", "install ", "blacklist ", "alias ",
                                              "softdep ", "remove "});
}

bool is_sysctl_line(std::string_view line) {
    std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return false;
    std::string_view key = trimmed(line.substr(0, equals));
    return key.find_first_of("./") != std::string_view::npos &&
           std::all_of(key.begin(), key.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("./_-*").find(c) != std::string_view::npos;
           });
}

bool opens_kernel_table(std::string_view line) {
    if (line.empty() || line[0] != '*') return false;
    constexpr std::array<std::string_view, 5> tables{"filter", "nat", "mangle", "raw", "security"};
    return std::find(tables.begin(), tables.end(), trimmed(line.substr(1))) != tables.end();
}

/// What language is called in messages.
std::string_view description(Language language) {
    switch (language) {
        case Language::nft_json:
            return "an nftables ruleset as JSON";
        case Language::iptables_config:
            return "the configuration of Red Hat's iptables service";
        case Language::sysctl:
            return "a sysctl file";
        case Language::modprobe:
            return "a modprobe file";
        default:
            return "not a ruleset";
    }
}

}  // namespace

Language guess_language(std::string_view text) {
    if (is_nft_json(text)) return Language::nft_json;
    // A program or an archive has stars at line starts, too.
    if (text.substr(0, 64).find('\0') != std::string_view::npos && text.find_first_of("*#:-[") != 0)
        return Language::binary;
    Language guess = Language::unknown;
    bool only_blanks = true;
    std::string_view line;
    for (Lines lines(text); lines.next(line);) {
        std::string_view words = trimmed(line);
        if (words.empty() || words[0] == '#') continue;
        only_blanks = false;
        // Stars and options count at the very start of a line only, as iptables-restore has it.
        if (line[0] == '*' ||
            starts_with_any(line, std::array<std::string_view, 4>{"-P ", "-N ", "-A ", "["}))
            return Language::iptables;
        if (guess != Language::unknown) continue;
        words = words.substr(0, head);
        if (is_nft_line(words))
            guess = Language::nft;
        else if (is_shell_line(words))
            guess = Language::shell;
        else if (is_config_line(words))
            guess = Language::iptables_config;
        else if (is_modprobe_line(words))
            guess = Language::modprobe;
        else if (is_sysctl_line(words))
            guess = Language::sysctl;
    }
    if (only_blanks) return Language::iptables;
    if (guess == Language::unknown && text.substr(0, head).find('\0') != std::string_view::npos)
        return Language::binary;
    return guess;
}

std::string cannot_read(std::string_view path, Language language) {
    switch (language) {
        case Language::shell:
            return fmt::format(
                "{}: error[UT904] unsupported-language: this is a script that calls iptables: run "
                "it "
                "on a test host and give what iptables-save prints there",
                path);
        case Language::binary:
            return fmt::format(
                "{}: this is no text file: what iptables-save or `nft list ruleset' prints is "
                "wanted",
                path);
        case Language::unknown:
        case Language::iptables:
            return fmt::format(
                "{}: no ruleset (no `*filter' line, no `table inet filter {{'): what iptables-save "
                "or "
                "`nft list ruleset' prints is wanted; --lang iptables or --lang nft reads it all "
                "the "
                "same",
                path);
        default:
            return fmt::format(
                "{}: error[UT904] unsupported-language: this is {}; this version reads what "
                "iptables-save, ip6tables-save and `nft list ruleset' print",
                path, description(language));
    }
}

Language language_at_first_line(std::string_view text) {
    if (text.starts_with("#!") && text.substr(0, text.find('\n')).find("nft") != text.npos)
        return Language::nft;
    if (is_nft_json(text)) return Language::nft_json;
    std::string_view line;
    for (Lines lines(text); lines.next(line);) {
        std::string_view words = trimmed(line);
        if (words.empty() || words[0] == '#') continue;
        if (opens_kernel_table(line)) return Language::iptables;
        return is_nft_line(words) && !words.starts_with("define ") ? Language::nft
                                                                   : Language::unknown;
    }
    return Language::unknown;
}

}  // namespace untrack::cli
