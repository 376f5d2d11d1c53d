// SPDX-License-Identifier: GPL-2.0-or-later
// The names of what rules look at ("ip saddr", "ct state"), as data: selectors.def.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace untrack::parser::nft {

enum class Header : std::uint8_t {
#define HEADER(name, text) name,
#include "parser/nft/selectors.def"
};

/// "ip saddr" is ip_saddr, "meta iifname" and "iifname" are meta_iifname.
enum class Selector : std::uint16_t {
#define SELECTOR(header, field, text) header##_##field,
#include "parser/nft/selectors.def"
};

struct SelectorInfo {
    Header header;
    std::string_view field;  ///< as nft spells it; empty where none follows
};
const SelectorInfo& selector_info(Selector selector);
std::string_view header_name(Header header);
/// The selector that is a header and this one word; nothing when nft has none, or when more belongs
/// to it.
std::optional<Selector> find_selector(Header header, std::string_view field);

}  // namespace untrack::parser::nft
