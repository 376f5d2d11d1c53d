// SPDX-License-Identifier: GPL-2.0-or-later
// The vocabulary of iptables as data: every option, what it takes, which extension it belongs to.
// The grammar knows none of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace untrack::parser::iptables {

/// Options of iptables itself. `unknown` marks an option of an extension that the table does not
/// have.
enum class Base : std::uint16_t {
    append,
    check,
    delete_,
    insert,
    replace,
    list,
    list_rules,
    flush,
    zero,
    new_chain,
    delete_chain,
    rename_chain,
    policy,
    source,
    destination,
    protocol,
    in_interface,
    out_interface,
    jump,
    goto_,
    match,
    table,
    fragments,
    set_counters,
    ipv4,
    ipv6,
    numeric,
    verbose,
    exact,
    line_numbers,
    wait,
    wait_interval,
    modprobe,
    help,
    version,
};
inline constexpr std::uint16_t base_option_count = static_cast<std::uint16_t>(Base::version) + 1;

/// A number for each option: first those of Base in its order, then those of the extensions.
using OptionKey = std::uint16_t;
inline constexpr OptionKey unknown_option = 0xffff;
constexpr OptionKey key(Base option) {
    return static_cast<OptionKey>(option);
}

/// A number for each match and target extension of the table.
using ExtensionId = std::uint16_t;
inline constexpr ExtensionId no_extension = 0xffff;

enum class ExtensionKind : std::uint8_t { match, target };
/// The address families in which iptables has the extension.
enum class Families : std::uint8_t { any, ip, ip6 };

struct Extension {
    ExtensionKind kind;
    std::string_view name;
    Families families;
    OptionKey first_option;
    std::uint16_t option_count;
};

struct OptionInfo {
    std::string_view name;         ///< with its dashes: "--dport"
    std::uint8_t values;           ///< words that must follow
    std::uint8_t optional_values;  ///< further words that may, unless they begin with '-' or '!'
    bool invertible;               ///< may stand after "!"
    ExtensionId extension;         ///< no_extension for options of iptables itself
};

/// All extensions and all options, by their numbers.
std::span<const Extension> extensions();
const OptionInfo& option_info(OptionKey key);
std::uint16_t option_count();

/// The extension of that name (icmp6 has the aliases icmpv6 and ipv6-icmp); no_extension when the
/// table has none.
ExtensionId find_extension(ExtensionKind kind, std::string_view name);

/// Every option with exactly this name; empty when there is none.
std::span<const OptionKey> options_named(std::string_view name);

/// Options of iptables itself that go by a second name: --src, --dst.
std::span<const std::pair<std::string_view, Base>> second_names();

/// The number of an extension's option, by names, for the code that gives options their meaning.
/// The names must exist (checked when the program starts).
OptionKey option_key(ExtensionKind kind, std::string_view extension, std::string_view option);

/// Words that iptables takes for a verdict and never for an extension or a chain: ACCEPT, DROP,
/// QUEUE, RETURN.
bool is_standard_target(std::string_view name);

}  // namespace untrack::parser::iptables
