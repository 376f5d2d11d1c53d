// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/keywords.hpp"

#include <array>

namespace untrack::parser::nft {
namespace {

constexpr std::string_view texts[] = {
    "",
#define HEADER(name, text) text,
#include "parser/nft/selectors.def"
#define KEYWORD(name, text) text,
#include "parser/nft/keywords.def"
#undef KEYWORD
};
constexpr std::string_view headers[] = {
#define HEADER(name, text) text,
#include "parser/nft/selectors.def"
};
constexpr SelectorInfo selectors[] = {
#define SELECTOR(header, field, text) {Header::header, text},
#include "parser/nft/selectors.def"
};
constexpr bool has_operands[] = {
#define SELECTOR(header, field, text) false,
#define OPERANDS(header, field, text) true,
#include "parser/nft/selectors.def"
};
constexpr std::size_t selector_count = std::size(selectors);

/// Short words differ in their length, their ends and their middle; what does not is compared.
constexpr std::uint32_t hash(std::string_view word, std::uint32_t seed) {
    auto at = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(word[i])}; };
    std::uint32_t h = seed * 0x9e3779b1U ^ static_cast<std::uint32_t>(word.size()) * 0x85ebca6bU;
    h ^= (at(0) | at(word.size() - 1) << 8U | at(word.size() / 2) << 16U |
          at(word.size() / 3) << 24U) *
         0xc2b2ae35U;
    return h ^ h >> 15U;
}

constexpr std::size_t slots = 1024;
static_assert(keyword_count < 256);

constexpr auto make_keyword_slots() {
    std::array<std::uint8_t, slots> table{};
    for (std::size_t k = 1; k < keyword_count; ++k) {
        std::size_t i = hash(texts[k], 0) % slots;
        while (table[i] != 0) i = (i + 1) % slots;
        table[i] = static_cast<std::uint8_t>(k);
    }
    return table;
}
constexpr auto keyword_slots = make_keyword_slots();

/// 1 more than the selector.
constexpr auto make_selector_slots() {
    std::array<std::uint16_t, slots> table{};
    for (std::size_t s = 0; s < selector_count; ++s) {
        if (has_operands[s]) continue;
        std::size_t i =
            hash(selectors[s].field, static_cast<std::uint32_t>(selectors[s].header) + 1) % slots;
        while (table[i] != 0) i = (i + 1) % slots;
        table[i] = static_cast<std::uint16_t>(s + 1);
    }
    return table;
}
constexpr auto selector_slots = make_selector_slots();

/// Words are short: a loop is faster than a call.
bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i]) return false;
    return true;
}

}  // namespace

Keyword find_keyword(std::string_view word) {
    if (word.empty()) return Keyword::none;
    for (std::size_t i = hash(word, 0) % slots; keyword_slots[i] != 0; i = (i + 1) % slots)
        if (same(texts[keyword_slots[i]], word)) return static_cast<Keyword>(keyword_slots[i]);
    return Keyword::none;
}

std::string_view keyword_text(Keyword keyword) {
    return texts[static_cast<std::size_t>(keyword)];
}

const SelectorInfo& selector_info(Selector selector) {
    return selectors[static_cast<std::size_t>(selector)];
}

std::string_view header_name(Header header) {
    return headers[static_cast<std::size_t>(header)];
}

std::optional<Selector> find_selector(Header header, std::string_view field) {
    if (field.empty()) return {};
    std::size_t i = hash(field, static_cast<std::uint32_t>(header) + 1) % slots;
    for (; selector_slots[i] != 0; i = (i + 1) % slots) {
        const SelectorInfo& info = selectors[selector_slots[i] - 1U];
        if (info.header == header && same(info.field, field))
            return static_cast<Selector>(selector_slots[i] - 1U);
    }
    return {};
}

}  // namespace untrack::parser::nft
