// SPDX-License-Identifier: GPL-2.0-or-later
// From paths on the command line to rulesets.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "base/source_file.hpp"
#include "cli/common.hpp"
#include "model/ruleset_text.hpp"
#include "parser/iptables/syntax.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::cli {

/// A file's rules as packets of one family meet them; it does not move.
struct View {
    model::Ruleset ruleset;
    std::unique_ptr<model::RulesetText> text;
};

/// One file with everything that refers to it; it does not move.
struct Input {
    SourceFile file;
    model::Language language = model::Language::iptables;
    parser::iptables::SyntaxTree tree;  ///< of an iptables file
    parser::nft::SyntaxTree nft_tree;   ///< of nftables text, and of what it includes
    std::string nft_text;               ///< with what is included; empty when nothing is
    /// Never empty: one of an iptables file, of nftables text one for each family that it has
    /// tables for, IPv4 first.
    std::vector<std::unique_ptr<View>> views;

    explicit Input(SourceFile f) : file(std::move(f)) {}
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    [[nodiscard]] model::TextPlace place(std::uint32_t offset) const {
        return views.front()->text->place(offset);
    }
    [[nodiscard]] bool has_rules() const {
        return std::any_of(views.begin(), views.end(), [](const auto& view) {
            return !view->ruleset.rules.empty() || !view->ruleset.tables.empty();
        });
    }
};

/// The files that the paths stand for: a file for itself, a directory for the rulesets in and below
/// it, in the order of their names; each file once. No path at all is standard input, unless
/// that is a terminal. `subcommand` is what messages call the reader. When something is wrong, says
/// so on stderr and returns nothing; who gives `incomplete` gets what can be read, and is told
/// there when a directory holds something else.
std::optional<std::vector<std::string>> find_files(const std::vector<std::string>& paths,
                                                   std::string_view subcommand,
                                                   bool* incomplete = nullptr);

/// Smaller files are done before other threads have begun, in bytes.
inline constexpr std::size_t worth_threads = std::size_t{1} << 20U;

enum class Keep : std::uint8_t {
    mapped,  ///< the file's pages: as fast as can be
    copied,  ///< bytes of our own, which nobody changes while a ruleset is rewritten
};

/// Reads, parses and lowers a file ("-" is standard input). When it cannot be read, or is no
/// ruleset, the error says so, path included. Syntax errors are left to the caller.
tl::expected<std::unique_ptr<Input>, std::string> read_input(const std::string& path,
                                                             const Context& context,
                                                             Keep keep = Keep::mapped,
                                                             std::size_t threads = 1);
/// The same of a text that is here already.
tl::expected<std::unique_ptr<Input>, std::string> read_text(SourceFile file, const Context& context,
                                                            std::size_t threads = 1);
/// The same of a text in the language of the context, which is a ruleset's.
std::unique_ptr<Input> read_ruleset(SourceFile file, const Context& context, std::size_t threads);
/// How many syntax errors and unreadable values a file has.
std::size_t error_count(const Input& input);
/// Those errors as lines FILE:LINE:COLUMN: error: ...; empty when
/// there are none.
std::string syntax_errors(const Input& input);
/// What a reader should know of a file that was read: with -v what it is, and always that it holds
/// nothing; lines for stderr, or nothing.
std::string remarks(const Input& input, const Context& context);

}  // namespace untrack::cli
