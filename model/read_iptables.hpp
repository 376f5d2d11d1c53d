// SPDX-License-Identifier: GPL-2.0-or-later
// From the bytes of an iptables file to its tree and its ruleset, at once.
#pragma once

#include <optional>
#include <string_view>

#include "model/ruleset.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

struct ReadOptions {
    std::string_view path;
    std::optional<Family> family;  ///< guessed when it is none
    std::size_t threads = 1;
    std::size_t piece_size = std::size_t{128} << 10U;  ///< bytes that one thread parses at a time
};

/// parse() and lower(), with the same results for any number of threads: pieces of the text are
/// parsed while those before them are lowered. Tree and ruleset must be empty.
void read(std::string_view text, const ReadOptions& options, parser::iptables::SyntaxTree& tree,
          Ruleset& ruleset);

}  // namespace untrack::model
