// SPDX-License-Identifier: GPL-2.0-or-later
// Four-byte names for things that live in vectors, so that a chain cannot be taken for a rule.
#pragma once

#include <cstdint>
#include <functional>

namespace untrack {

/// An index with a type. The default value is "none".
template <typename Tag>
struct Id {
    static constexpr std::uint32_t none_value = 0xffffffffU;
    std::uint32_t value = none_value;

    constexpr Id() = default;
    constexpr explicit Id(std::uint32_t v) : value(v) {}
    constexpr explicit Id(std::size_t v) : value(static_cast<std::uint32_t>(v)) {}

    [[nodiscard]] constexpr bool valid() const { return value != none_value; }
    friend constexpr bool operator==(Id, Id) = default;
    friend constexpr auto operator<=>(Id, Id) = default;
};

}  // namespace untrack

template <typename Tag>
struct std::hash<untrack::Id<Tag>> {
    std::size_t operator()(untrack::Id<Tag> id) const noexcept { return id.value; }
};
