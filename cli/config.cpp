// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/config.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fnmatch.h>

#include "base/source_file.hpp"

namespace untrack::cli {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

/// The names between the slashes; empty ones and "." are none.
Names names_of(std::string_view path) {
    Names out;
    while (!path.empty()) {
        std::size_t slash = std::min(path.find('/'), path.size());
        std::string_view name = path.substr(0, slash);
        if (!name.empty() && name != ".") out.emplace_back(name);
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return out;
}

/// Whether the pattern's names from `p` on mean the path's from `n` on, or a folder that has it.
bool matches(const Names& pattern, std::size_t p, const Names& path, std::size_t n) {
    if (p == pattern.size()) return true;
    if (pattern[p] == "**") {
        for (std::size_t skip = n; skip <= path.size(); ++skip)
            if (matches(pattern, p + 1, path, skip)) return true;
        return false;
    }
    return n < path.size() && ::fnmatch(pattern[p].c_str(), path[n].c_str(), 0) == 0 &&
           matches(pattern, p + 1, path, n + 1);
}

/// Absolute, without dots; links are left alone, since a host's files are known by these names.
fs::path absolute(const std::string& path) {
    std::error_code error;
    fs::path full = fs::absolute(path, error);
    return (error ? fs::path(path) : full).lexically_normal();
}

}  // namespace

bool path_matches(std::string_view pattern, std::string_view path) {
    Names words = names_of(pattern);
    if (words.empty()) return false;
    if (words.size() == 1 && pattern.find('/') >= pattern.size() - 1)
        words.insert(words.begin(), "**");
    Names names = names_of(path);
    return !names.empty() && matches(words, 0, names, 0);
}

void add_config_options(CLI::App& app, Context& context) {
    auto* config =
        app.add_option("--config", context.config,
                       "Configuration file, instead of the nearest .untrack.toml upward from each "
                       "file")
            ->type_name("FILE");
    app.add_flag("--no-config,--isolated", context.no_config, "Read no configuration file")
        ->excludes(config);
}

tl::expected<const Config*, std::string> Configs::of(const std::string& path) {
    if (context_.no_config) return nullptr;
    if (!context_.config.empty()) {
        auto known = by_folder_.find({});
        if (known == by_folder_.end()) known = by_folder_.emplace("", read(context_.config)).first;
        return known->second;
    }
    std::error_code error;
    fs::path full = absolute(path == "-" ? "." : path);
    bool folder = path == "-" || fs::is_directory(full, error);
    return in_folder((folder ? full / "" : full).parent_path().string());
}

Configs::Result Configs::in_folder(const std::string& folder) {
    auto known = by_folder_.find(folder);
    if (known != by_folder_.end()) return known->second;
    fs::path here(folder);
    fs::path file = here / config_name;
    std::error_code error;
    Result result = nullptr;
    if (fs::exists(file, error)) {
        result = read(file.string());
    } else if (here.has_relative_path()) {
        result = in_folder(here.parent_path().string());
    }
    return by_folder_.emplace(folder, result).first->second;
}

Configs::Result Configs::read(const std::string& path) {
    auto file = SourceFile::open(path);
    if (!file)
        return tl::make_unexpected(fmt::format("untrack: {}: {}\n", path, file.error().message));
    // As people would name it from here.
    std::error_code error;
    std::string shown = fs::path(path).lexically_proximate(fs::current_path(error)).string();
    if (error || shown.starts_with("..")) shown = path;
    auto config = parse_config(file->text(), shown);
    if (!config) return tl::make_unexpected(config.error());
    config->folder = absolute(path).parent_path().string();
    return read_.emplace_back(std::make_unique<Config>(std::move(*config))).get();
}

}  // namespace untrack::cli
