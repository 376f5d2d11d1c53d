// SPDX-License-Identifier: GPL-2.0-or-later
// From paths on the command line to rulesets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "base/source_file.hpp"
#include "cli/common.hpp"
#include "model/iptables_text.hpp"

namespace untrack::cli {

/// One ruleset with everything that refers to it; it does not move.
struct Input {
    SourceFile file;
    parser::iptables::SyntaxTree tree;
    model::Ruleset ruleset;
    model::IptablesText text{tree, ruleset};

    explicit Input(SourceFile f) : file(std::move(f)) {}
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    [[nodiscard]] bool has_rules() const {
        return !ruleset.rules.empty() || !ruleset.tables.empty();
    }
};

/// The files that the paths stand for: a file for itself, a directory for the iptables files in and
/// below it, in the order of their names; each file once. No path at all is standard input, unless
/// that is a terminal. `subcommand` is what messages call the reader. When something is wrong, says
/// so on stderr and returns nothing.
std::optional<std::vector<std::string>> find_files(const std::vector<std::string>& paths,
                                                   std::string_view subcommand);

/// Smaller files are done before other threads have begun, in bytes.
inline constexpr std::size_t worth_threads = std::size_t{1} << 20U;

enum class Keep : std::uint8_t {
    mapped,  ///< the file's pages: as fast as can be
    copied,  ///< bytes of our own, which nobody changes while a ruleset is rewritten
};

/// Reads, parses and lowers a file ("-" is standard input). When it cannot be read, or is no
/// iptables file, the error says so, path included. Syntax errors are left to the caller.
tl::expected<std::unique_ptr<Input>, std::string> read_input(const std::string& path,
                                                             const Context& context,
                                                             Keep keep = Keep::mapped,
                                                             std::size_t threads = 1);
/// Syntax errors and unreadable values of a file as lines FILE:LINE:COLUMN: error: ...; empty when
/// there are none.
std::string syntax_errors(const Input& input);
/// What a reader should know of a file that was read: with -v what it is, and always that it holds
/// nothing; lines for stderr, or nothing.
std::string remarks(const Input& input, const Context& context);

}  // namespace untrack::cli
