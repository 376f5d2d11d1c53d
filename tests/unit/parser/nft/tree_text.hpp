// SPDX-License-Identifier: GPL-2.0-or-later
// Trees of nftables text as short text, for tests.
#pragma once

#include <string>

#include "parser/nft/shape.hpp"

namespace untrack::parser::nft {

/// The shapes of the statements of a rule in a chain, one behind the other; or "error: ..." when
/// it has a syntax error.
std::string statements(const std::string& rule);
/// The shape of what stands in a file, commands left out around objects without a verb.
std::string file_shape(const std::string& text);

}  // namespace untrack::parser::nft
