// SPDX-License-Identifier: GPL-2.0-or-later
// The words of the grammar as numbers: a word is looked up once, and alternatives compare numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/nft/selectors.hpp"

namespace untrack::parser::nft {

/// First the headers of selectors in the order of Header, then keywords.def.
enum class Keyword : std::uint8_t {
    none,
#define HEADER(name, text) name,
#include "parser/nft/selectors.def"
#define KEYWORD(name, text) name,
#include "parser/nft/keywords.def"
#undef KEYWORD
    end_,
};
inline constexpr std::size_t keyword_count = static_cast<std::size_t>(Keyword::end_);
inline constexpr Header all_headers[] = {
#define HEADER(name, text) Header::name,
#include "parser/nft/selectors.def"
};
inline constexpr std::size_t header_count = sizeof all_headers / sizeof *all_headers;

/// The keyword of a word, or Keyword::none.
Keyword find_keyword(std::string_view word);
std::string_view keyword_text(Keyword keyword);

constexpr bool is_header(Keyword keyword) {
    auto n = static_cast<std::size_t>(keyword);
    return n != 0 && n <= header_count;
}
constexpr Header header_of(Keyword keyword) {
    return static_cast<Header>(static_cast<std::size_t>(keyword) - 1);
}

}  // namespace untrack::parser::nft
