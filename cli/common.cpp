// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/common.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace untrack::cli {
namespace {

/// Whether the text can be an iptables file: a table line, or what `iptables -S` prints; blank
/// files are, too.
bool looks_like_iptables(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    // A program or an archive has stars at line starts, too.
    if (text.substr(0, 64).find('\0') != std::string_view::npos && text.find_first_of("*#:-[") != 0)
        return false;
    bool only_blanks = true;
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos || line[begin] == '#') continue;
        only_blanks = false;
        if (line[0] == '*') return true;
        if (line.starts_with("-P ") || line.starts_with("-N ") || line.starts_with("-A ") ||
            line.starts_with("["))
            return true;
    }
    return only_blanks;
}

/// Whether the first line that says something opens one of the kernel's tables.
bool begins_with_table(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        std::size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos || line[0] == '#') continue;
        if (line[0] != '*') return false;
        line = line.substr(1, line.find_last_not_of(" \t\r"));
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        constexpr std::array<std::string_view, 5> tables{"filter", "nat", "mangle", "raw",
                                                         "security"};
        return std::find(tables.begin(), tables.end(), line) != tables.end();
    }
    return false;
}

bool looks_like_nft(std::string_view text) {
    return text.find('\0') == std::string_view::npos &&
           text.find("table ") != std::string_view::npos &&
           text.find('{') != std::string_view::npos;
}

}  // namespace

void complain(const std::string& message) {
    print_error(fmt::format("untrack: {}\n", message));
}

void print_error(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;  // there is nobody left to tell; the exit code still says it
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

void hold_standard_streams() {
    // Opened the wrong way round, so that reading or writing them stays an error.
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            std::_Exit(exit_usage);
}

void write_out(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            complain(fmt::format("cannot write: {}", std::strerror(errno)));
            std::_Exit(exit_usage);
        }
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

void add_input_options(CLI::App& app, Context& context) {
    app.add_option("--lang", context.language, "Language of the files: auto, iptables or ip6tables")
        ->check(CLI::IsMember({"auto", "iptables", "ip6tables"}))
        ->capture_default_str();
    app.add_option("--family", context.family,
                   "Family of iptables files: 4 or 6 (guessed from names and addresses)")
        ->check(CLI::IsMember({"4", "6"}));
}

std::unique_ptr<Input> read_input(const std::string& path, const Context& context) {
    auto file = path == "-" ? SourceFile::read_stdin() : SourceFile::open(path);
    if (!file) {
        complain(fmt::format("{}: {}", path, file.error().message));
        return nullptr;
    }
    auto input = std::make_unique<Input>(std::move(*file));
    std::string_view text = input->file.text();
    if (context.language == "auto" && !looks_like_iptables(text)) {
        complain(
            looks_like_nft(text)
                ? fmt::format(
                      "{}: this looks like an nftables ruleset, which this version does not read",
                      path)
                : fmt::format("{}: no iptables ruleset (no `*table' line); --lang iptables reads "
                              "it all the same",
                              path));
        return nullptr;
    }
    input->tree = parser::iptables::parse(text);
    model::Family family = model::guess_family(path, input->tree);
    if (context.language == "ip6tables" || context.family == "6") family = model::Family::ip6;
    if (context.language == "iptables" || context.family == "4") family = model::Family::ip;
    input->ruleset = model::lower(input->tree, {family, input->file.path()});
    return input;
}

bool is_iptables_file(const std::string& path) {
    auto file = SourceFile::open(path);
    return file && begins_with_table(file->text());
}

bool print_syntax_errors(Input& input) {
    std::vector<std::pair<std::uint32_t, std::string_view>> all;
    for (const auto& e : input.tree.errors) all.emplace_back(e.range.begin, e.message);
    for (const auto& p : input.ruleset.problems) all.emplace_back(p.range.begin, p.message);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [offset, message] : all) {
        LineColumn at = input.line_index().place(offset);
        print_error(
            fmt::format("{}:{}:{}: error: {}\n", input.file.path(), at.line, at.column, message));
    }
    return !all.empty();
}

}  // namespace untrack::cli
