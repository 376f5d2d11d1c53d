// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/file_list.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/source_file.hpp"
#include "cli/streams.hpp"

namespace untrack::cli {

std::vector<std::string> split_list(std::string_view text) {
    char separator = text.find('\0') != std::string_view::npos ? '\0' : '\n';
    std::vector<std::string> out;
    while (!text.empty()) {
        std::size_t end = std::min(text.find(separator), text.size());
        std::string_view path = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (separator == '\n' && path.ends_with('\r')) path.remove_suffix(1);
        // A program that lists files means a file of that name, not standard input.
        if (!path.empty()) out.emplace_back(path == "-" ? "./-" : path);
    }
    return out;
}

std::vector<std::string> read_file_list(const std::string& from) {
    auto list = from == "-" ? SourceFile::read_stdin() : SourceFile::open(from);
    if (!list) throw Fatal(fmt::format("--files-from {}: {}", from, list.error().message));
    return split_list(list->text());
}

}  // namespace untrack::cli
