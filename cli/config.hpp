// SPDX-License-Identifier: GPL-2.0-or-later
// .untrack.toml: what it may say, and how it is found. The format is docs/configuration.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "cli/common.hpp"

namespace untrack::cli {

inline constexpr const char* config_name = ".untrack.toml";

/// Where a value comes from: a line of a configuration file, a flag, or neither.
struct Origin {
    std::string path;
    std::uint32_t line = 0;
    std::string flag;  ///< "--select"
};

struct Sourced {
    std::string value;
    Origin origin;
};

/// What is said of lint rules. A list that is not there is not the same as an empty one.
struct RuleChoice {
    std::optional<std::vector<Sourced>> select;
    std::vector<Sourced> ignore;
    /// Words that mean lint rules, and the severity of what those find.
    std::vector<std::pair<std::string, Sourced>> severity;
};

/// A section [[per-path]].
struct PerPath {
    std::vector<std::string> patterns;
    RuleChoice rules;
};

/// One configuration file. Everything in it has been checked.
struct Config {
    std::string path;
    std::string folder;  ///< absolute; patterns are about paths below it
    RuleChoice rules;
    std::vector<PerPath> per_path;
    std::optional<Sourced> fail_on, kernel;
    std::vector<Sourced> ports;
    std::optional<Sourced> role, address, interface;
};

/// Reads the text of a configuration file. The error is a message for each thing that is wrong,
/// with place, excerpt and caret.
tl::expected<Config, std::string> parse_config(std::string_view text, const std::string& path);

/// Whether a pattern of a [[per-path]] section means the path, which is relative to the
/// configuration file's folder unless the pattern is absolute: "*", "?" and "[...]" stay within a
/// name, "**" is any number of folders, a pattern without "/" is about names at any depth, and what
/// is said of a folder holds for everything below it.
bool path_matches(std::string_view pattern, std::string_view path);

/// --config, --no-config.
void add_config_options(CLI::App& app, Context& context);

/// The configurations of many files: each is read once.
class Configs {
  public:
    explicit Configs(const Context& context) : context_(context) {}

    /// The one that holds for a file: that of --config, else the nearest one upward, none for
    /// --no-config and where there is none. Standard input is in the current folder. The error is
    /// for stderr as it is.
    tl::expected<const Config*, std::string> of(const std::string& path);

  private:
    using Result = tl::expected<const Config*, std::string>;
    Result in_folder(const std::string& folder);
    Result read(const std::string& path);

    const Context& context_;
    std::vector<std::unique_ptr<Config>> read_;
    std::map<std::string, Result> by_folder_;
};

}  // namespace untrack::cli
