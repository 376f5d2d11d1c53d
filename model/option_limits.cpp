// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/option_limits.hpp"

#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace untrack::model {
namespace {

enum class RowKind : std::uint8_t {
    extension,
    takes,
    needs_one,
    exclude,
    with,
    only_at,
    gone,
    repeats,
    check,
};

struct Row {
    RowKind row = RowKind::extension;
    ipt::ExtensionKind kind = ipt::ExtensionKind::match;
    std::string_view name;   ///< of the extension, or options separated by blanks
    std::string_view other;  ///< with: the option that must be there
    std::uint8_t tables = anywhere;
    HookBits hooks = all_hooks;
    ProtocolBits protocols = any_protocol;
    SpecialCheck check = SpecialCheck::none;
    ValueKind value{};
};

constexpr std::array<std::uint8_t, 11> protocol_numbers{6,  17, 136, 132, 33, 1,
                                                        58, 50, 51,  108, 135};
constexpr std::array<std::string_view, 11> protocol_words{
    "tcp", "udp", "udplite", "sctp", "dccp", "icmp", "ipv6-icmp", "esp", "ah", "ipcomp", "mh"};

constexpr Row with_options(RowKind kind, std::string_view names, std::string_view other = {}) {
    Row row;
    row.row = kind;
    row.name = names;
    row.other = other;
    return row;
}

// The words of the table.
namespace words {
using namespace values;
constexpr auto match = ipt::ExtensionKind::match;
constexpr auto target = ipt::ExtensionKind::target;
constexpr HookBits pre = hook_bit(Hook::prerouting), in = hook_bit(Hook::input),
                   fwd = hook_bit(Hook::forward), out = hook_bit(Hook::output),
                   post = hook_bit(Hook::postrouting);
constexpr ProtocolBits tcp = 1, udp = 2, udplite = 4, sctp = 8, dccp = 16, icmp = 32, icmp6 = 64,
                       esp = 128, ipcomp = 512, mh = 1024;

constexpr Row extension(ipt::ExtensionKind kind, std::string_view name, std::uint8_t tables,
                        HookBits hooks, ProtocolBits protocols) {
    Row row;
    row.row = RowKind::extension;
    row.kind = kind;
    row.name = name;
    row.tables = tables;
    row.hooks = hooks;
    row.protocols = protocols;
    return row;
}
constexpr Row takes(std::string_view name, ValueKind value) {
    Row row = with_options(RowKind::takes, name);
    row.value = value;
    return row;
}
constexpr Row only_at(std::string_view name, HookBits hooks) {
    Row row = with_options(RowKind::only_at, name);
    row.hooks = hooks;
    return row;
}
constexpr Row checked(SpecialCheck check) {
    Row row;
    row.row = RowKind::check;
    row.check = check;
    return row;
}

#define EXTENSION(kind, name, tables, hooks, protocols) \
    extension(kind, name, tables, hooks, protocols),
#define TAKES(option, value) takes(option, value),
#define NEEDS(option) with_options(RowKind::needs_one, option),
#define NEEDS_ONE(options) with_options(RowKind::needs_one, options),
#define EXCLUDE(options) with_options(RowKind::exclude, options),
#define WITH(option, other) with_options(RowKind::with, option, other),
#define ONLY_AT(option, hooks) only_at(option, hooks),
#define GONE(option) with_options(RowKind::gone, option),
#define REPEATS(options) with_options(RowKind::repeats, options),
#define CHECK(name) checked(SpecialCheck::name),
constexpr Row rows[] = {
#include "model/option_limits.def"
};
#undef EXTENSION
#undef TAKES
#undef NEEDS
#undef NEEDS_ONE
#undef EXCLUDE
#undef WITH
#undef ONLY_AT
#undef GONE
#undef REPEATS
#undef CHECK
}  // namespace words

[[noreturn]] void no_extension_of(std::string_view name) {
    std::fprintf(stderr, "untrack: internal error: no extension %.*s\n",
                 static_cast<int>(name.size()), name.data());
    std::abort();
}

template <typename F>
void each_word(std::string_view text, F f) {
    while (!text.empty()) {
        std::size_t blank = text.find(' ');
        f(text.substr(0, blank));
        if (blank == std::string_view::npos) return;
        text.remove_prefix(blank + 1);
    }
}

template <std::size_t N>
std::string join(unsigned bits, const std::array<std::string_view, N>& names) {
    std::string out;
    for (std::size_t i = 0; i < N; ++i) {
        if ((bits & (1U << i)) == 0) continue;
        if (!out.empty()) out += (bits >> (i + 1)) == 0 ? " or " : ", ";
        out += names[i];
    }
    return out;
}

}  // namespace

ProtocolBits protocol_bit(std::uint8_t number) {
    for (std::size_t i = 0; i < protocol_numbers.size(); ++i)
        if (protocol_numbers[i] == number) return static_cast<ProtocolBits>(1U << i);
    return 0;
}

std::uint8_t table_bit(std::string_view table) {
    return table == "raw"        ? in_raw
           : table == "mangle"   ? in_mangle
           : table == "nat"      ? in_nat
           : table == "filter"   ? in_filter
           : table == "security" ? in_security
                                 : anywhere;
}

std::string table_names(std::uint8_t tables) {
    static constexpr std::array<std::string_view, 5> names{"raw", "mangle", "nat", "filter",
                                                           "security"};
    return join(tables, names);
}
std::string hook_names(HookBits hooks) {
    static constexpr std::array<std::string_view, iptables_hook_count> names{
        "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};
    return join(hooks, names);
}
std::string protocol_names(ProtocolBits protocols) {
    if (protocols == ah_in_v4) return "ah";
    return join(protocols, protocol_words);
}

const LimitTable& LimitTable::get() {
    static const LimitTable table;
    return table;
}

LimitTable::LimitTable()
    : extensions_(ipt::extensions().size()),
      options_(ipt::option_count()),
      quick_(ipt::extensions().size()),
      quick_numbers_(ipt::option_count()) {
    ipt::ExtensionId id = ipt::no_extension;
    auto key = [&](std::string_view option) {
        const ipt::Extension& e = ipt::extensions()[id];
        return ipt::option_key(e.kind, e.name, option);
    };
    auto bits = [&](std::string_view options) {
        OptionBits all = 0;
        each_word(options, [&](std::string_view option) {
            all |= OptionBits{1} << (key(option) - ipt::extensions()[id].first_option);
        });
        return all;
    };
    for (const Row& row : words::rows) {
        if (row.row == RowKind::extension) {
            id = ipt::find_extension(row.kind, row.name);
            if (id == ipt::no_extension) no_extension_of(row.name);
            extensions_[id].known = true;
            extensions_[id].tables = row.tables;
            extensions_[id].hooks = row.hooks;
            extensions_[id].protocols = row.protocols;
            continue;
        }
        ExtensionLimits& limits = extensions_[id];
        switch (row.row) {
            case RowKind::takes:
                options_[key(row.name)].value = row.value;
                break;
            case RowKind::needs_one:
                limits.limits.push_back({LimitKind::needs_one, bits(row.name)});
                break;
            case RowKind::exclude:
                limits.limits.push_back({LimitKind::exclude, bits(row.name)});
                break;
            case RowKind::with:
                limits.limits.push_back({LimitKind::with, bits(row.other), bits(row.name)});
                break;
            case RowKind::only_at:
                options_[key(row.name)].hooks = row.hooks;
                break;
            case RowKind::gone:
                options_[key(row.name)].gone = true;
                break;
            case RowKind::repeats:
                limits.repeatable = bits(row.name);
                break;
            case RowKind::check:
                limits.check = row.check;
                break;
            case RowKind::extension:
                break;
        }
    }
    find_quick();
}

/// Which options need no closer look: those without a kind of value, each of which is enough for
/// what its extension needs. Options that exclude each other have one number.
void LimitTable::find_quick() {
    for (std::size_t id = 0; id < extensions_.size(); ++id) {
        const ExtensionLimits& limits = extensions_[id];
        const ipt::Extension& e = ipt::extensions()[id];
        quick_[id] = {limits.protocols,
                      limits.tables,
                      limits.hooks,
                      e.families,
                      e.kind == ipt::ExtensionKind::target,
                      false};
        for (const Limit& limit : limits.limits)
            quick_[id].needs_option |= limit.kind == LimitKind::needs_one;
        if (limits.check != SpecialCheck::none) continue;
        for (unsigned i = 0; i < e.option_count; ++i) {
            const OptionLimits& option = options_[e.first_option + i];
            OptionBits bit = OptionBits{1} << i;
            bool plain = option.value.accepts == nullptr && option.hooks == all_hooks &&
                         !option.gone && (limits.repeatable & bit) == 0;
            OptionBits group = bit;
            unsigned groups = 0;
            for (const Limit& limit : limits.limits) {
                if (limit.kind == LimitKind::needs_one) plain &= (limit.options & bit) != 0;
                if (limit.kind == LimitKind::with) plain &= (limit.others & bit) == 0;
                if (limit.kind == LimitKind::exclude && (limit.options & bit) != 0) {
                    group = limit.options;
                    ++groups;
                }
            }
            // The first of a group that excludes gives it its number.
            if (plain && groups <= 1)
                quick_numbers_[e.first_option + i] =
                    static_cast<std::uint8_t>(1 + std::countr_zero(group));
        }
    }
}

}  // namespace untrack::model
