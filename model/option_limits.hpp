// SPDX-License-Identifier: GPL-2.0-or-later
// option_limits.def, resolved: what an extension and its options want, by their numbers.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/option_values.hpp"
#include "parser/iptables/options.hpp"

namespace untrack::model {

namespace ipt = parser::iptables;

/// Options of one extension as bits, counted from its first.
using OptionBits = std::uint32_t;

enum class LimitKind : std::uint8_t {
    needs_one,  ///< one of `options` must be there
    exclude,    ///< at most one of `options`
    with,       ///< `options` must be there when `others` is
};
struct Limit {
    LimitKind kind;
    OptionBits options = 0;
    OptionBits others = 0;
};

/// Checks that no row of the table can say.
enum class SpecialCheck : std::uint8_t {
    none,
    cluster,
    ct,
    ecn,
    nat,
    npt,
    owner,
    physdev,
    policy,
    reject,
    rt,
    sctp,
    statistic,
    string,
    time,
};

/// Tables, hooks and protocols as bits.
enum TableBit : std::uint8_t {
    in_raw = 1,
    in_mangle = 2,
    in_nat = 4,
    in_filter = 8,
    in_security = 16,
    anywhere = 31,
};
using HookBits = std::uint8_t;
constexpr HookBits hook_bit(Hook hook) {
    return static_cast<HookBits>(1U << static_cast<unsigned>(hook));
}
inline constexpr std::size_t iptables_hook_count = 5;
constexpr HookBits all_hooks = (1U << iptables_hook_count) - 1;
using ProtocolBits = std::uint16_t;
constexpr ProtocolBits any_protocol = 0;
constexpr ProtocolBits ah_in_v4 = 1U << 15;  ///< -p ah, which IPv6 does without
/// The bit of a protocol's number; 0 for those that no extension asks for.
ProtocolBits protocol_bit(std::uint8_t number);

struct ExtensionLimits {
    bool known = false;  ///< has rows
    std::uint8_t tables = anywhere;
    HookBits hooks = all_hooks;
    ProtocolBits protocols = any_protocol;
    OptionBits repeatable = 0;
    SpecialCheck check = SpecialCheck::none;
    std::vector<Limit> limits;
};
struct OptionLimits {
    ValueKind value;
    HookBits hooks = all_hooks;  ///< of base chains: in others nft lets it be (measured)
    bool gone = false;
};
/// What is asked of an extension in most lines, which have nothing to refuse.
struct QuickLook {
    ProtocolBits protocols = any_protocol;
    std::uint8_t tables = anywhere;
    HookBits hooks = all_hooks;
    ipt::Families families = ipt::Families::any;
    bool is_target = false;
    bool needs_option = false;
};

class LimitTable {
  public:
    static const LimitTable& get();
    [[nodiscard]] const ExtensionLimits& of(ipt::ExtensionId id) const { return extensions_[id]; }
    [[nodiscard]] const OptionLimits& option(ipt::OptionKey key) const { return options_[key]; }
    [[nodiscard]] const QuickLook& quick(ipt::ExtensionId id) const { return quick_[id]; }
    /// Nothing is wrong with an option of number 1 to 31 unless another of the same use has that
    /// number; 0: look closer.
    [[nodiscard]] std::uint8_t quick_number(ipt::OptionKey key) const {
        return quick_numbers_[key];
    }

  private:
    LimitTable();
    void find_quick();

    std::vector<ExtensionLimits> extensions_;
    std::vector<OptionLimits> options_;
    std::vector<QuickLook> quick_;
    std::vector<std::uint8_t> quick_numbers_;
};

/// The bit of a table of iptables; `anywhere` for other names.
std::uint8_t table_bit(std::string_view table);

/// "in table mangle", "in table mangle or security", "in PREROUTING or OUTPUT".
std::string table_names(std::uint8_t tables);
std::string hook_names(HookBits hooks);
std::string protocol_names(ProtocolBits protocols);

}  // namespace untrack::model
