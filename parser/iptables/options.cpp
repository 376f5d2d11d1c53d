// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/iptables/options.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/text_hash.hpp"

namespace untrack::parser::iptables {
namespace {

struct Row {
    bool is_extension;
    ExtensionKind kind;
    Families families;
    std::string_view name;
    std::uint8_t values;
    std::uint8_t optional_values;
    bool invertible;
};

constexpr Row extension_row(ExtensionKind kind, std::string_view name, Families families) {
    return {true, kind, families, name, 0, 0, false};
}
constexpr Row option_row(std::string_view name, std::uint8_t values, std::uint8_t optional,
                         bool invertible) {
    return {false, ExtensionKind::match, Families::any, name, values, optional, invertible};
}

constexpr auto match = ExtensionKind::match;
constexpr auto target = ExtensionKind::target;
constexpr auto any = Families::any;
constexpr auto ip = Families::ip;
constexpr auto ip6 = Families::ip6;

#define EXTENSION(kind, name, families) extension_row(kind, name, families),
#define OPTION(name, values, optional, invertible) option_row(name, values, optional, invertible),
constexpr Row rows[] = {
#include "parser/iptables/extensions.def"
};
#undef EXTENSION
#undef OPTION

constexpr std::size_t extension_rows = static_cast<std::size_t>(
    std::ranges::count_if(rows, [](const Row& r) { return r.is_extension; }));
constexpr std::size_t option_rows = std::size(rows) - extension_rows;

// In the order of Base.
constexpr std::array<OptionInfo, base_option_count> base_options{{
    {"--append", 1, 0, false, no_extension},       {"--check", 1, 0, false, no_extension},
    {"--delete", 1, 1, false, no_extension},       {"--insert", 1, 1, false, no_extension},
    {"--replace", 2, 0, false, no_extension},      {"--list", 0, 2, false, no_extension},
    {"--list-rules", 0, 2, false, no_extension},   {"--flush", 0, 1, false, no_extension},
    {"--zero", 0, 2, false, no_extension},         {"--new-chain", 1, 0, false, no_extension},
    {"--delete-chain", 0, 1, false, no_extension}, {"--rename-chain", 2, 0, false, no_extension},
    {"--policy", 2, 0, false, no_extension},       {"--source", 1, 0, true, no_extension},
    {"--destination", 1, 0, true, no_extension},   {"--protocol", 1, 0, true, no_extension},
    {"--in-interface", 1, 0, true, no_extension},  {"--out-interface", 1, 0, true, no_extension},
    {"--jump", 1, 0, false, no_extension},         {"--goto", 1, 0, false, no_extension},
    {"--match", 1, 0, false, no_extension},        {"--table", 1, 0, false, no_extension},
    {"--fragments", 0, 0, true, no_extension},     {"--set-counters", 1, 1, false, no_extension},
    {"--ipv4", 0, 0, false, no_extension},         {"--ipv6", 0, 0, false, no_extension},
    {"--numeric", 0, 0, false, no_extension},      {"--verbose", 0, 0, false, no_extension},
    {"--exact", 0, 0, false, no_extension},        {"--line-numbers", 0, 0, false, no_extension},
    {"--wait", 0, 1, false, no_extension},         {"--wait-interval", 0, 1, false, no_extension},
    {"--modprobe", 1, 0, false, no_extension},     {"--help", 0, 1, false, no_extension},
    {"--version", 0, 0, false, no_extension},
}};

// Second names of base options, all of one length.
constexpr std::pair<std::string_view, Base> base_aliases[] = {
    {"--src", Base::source},
    {"--dst", Base::destination},
};

struct Tables {
    std::array<Extension, extension_rows> extensions{};
    std::array<OptionInfo, base_option_count + option_rows> options{};
};

constexpr Tables build_tables() {
    Tables t;
    std::size_t extension = 0;
    std::size_t option = 0;
    for (; option < base_option_count; ++option) t.options[option] = base_options[option];
    for (const Row& row : rows) {
        if (row.is_extension) {
            t.extensions[extension++] = {row.kind, row.name, row.families,
                                         static_cast<OptionKey>(option), 0};
        } else {
            t.options[option++] = {row.name, row.values, row.optional_values, row.invertible,
                                   static_cast<ExtensionId>(extension - 1)};
            ++t.extensions[extension - 1].option_count;
        }
    }
    return t;
}

constexpr Tables tables = build_tables();

/// Names to option keys: a sorted list of keys by name, and an open hash table over the distinct
/// names.
struct NameIndex {
    /// Keys of one name stand together in `keys`.
    struct Slot {
        std::uint16_t first = 0;
        std::uint16_t count = 0;  ///< 0: the slot is free
    };
    std::vector<OptionKey> keys;  ///< sorted by name
    std::array<Slot, 2048> slots{};

    NameIndex() {
        for (std::size_t i = 0; i < tables.options.size(); ++i)
            keys.push_back(static_cast<OptionKey>(i));
        std::stable_sort(keys.begin(), keys.end(), [](OptionKey a, OptionKey b) {
            return tables.options[a].name < tables.options[b].name;
        });
        for (std::size_t i = 0; i < keys.size(); ++i) {
            std::string_view name = tables.options[keys[i]].name;
            std::uint32_t slot = hash_text(name) % slots.size();
            while (slots[slot].count != 0 && name_of(slots[slot]) != name)
                slot = (slot + 1) % slots.size();
            if (slots[slot].count == 0) slots[slot].first = static_cast<std::uint16_t>(i);
            ++slots[slot].count;
        }
    }

    [[nodiscard]] std::span<const OptionKey> find(std::string_view name) const {
        for (std::uint32_t at = hash_text(name) % slots.size(); slots[at].count != 0;
             at = (at + 1) % slots.size()) {
            Slot slot = slots[at];
            if (name_of(slot) == name) return {&keys[slot.first], slot.count};
        }
        return {};
    }

    [[nodiscard]] std::string_view name_of(Slot slot) const {
        return tables.options[keys[slot.first]].name;
    }
};

/// The same for extensions, by kind and name.
struct ExtensionIndex {
    std::array<std::uint16_t, 1024> slots{};  ///< extension + 1, or 0

    static std::uint32_t hash(ExtensionKind kind, std::string_view name) {
        return hash_text(name, static_cast<std::uint32_t>(kind));
    }

    ExtensionIndex() {
        for (std::size_t i = 0; i < tables.extensions.size(); ++i) {
            const Extension& e = tables.extensions[i];
            std::uint32_t slot = hash(e.kind, e.name) % slots.size();
            while (slots[slot] != 0) slot = (slot + 1) % slots.size();
            slots[slot] = static_cast<std::uint16_t>(i + 1);
        }
    }

    [[nodiscard]] ExtensionId find(ExtensionKind kind, std::string_view name) const {
        for (std::uint32_t slot = hash(kind, name) % slots.size(); slots[slot] != 0;
             slot = (slot + 1) % slots.size()) {
            const Extension& e = tables.extensions[slots[slot] - 1U];
            if (e.kind == kind && e.name == name) return static_cast<ExtensionId>(slots[slot] - 1U);
        }
        return no_extension;
    }
};

const NameIndex& name_index() {
    static const NameIndex index;
    return index;
}

}  // namespace

std::span<const std::pair<std::string_view, Base>> second_names() {
    return base_aliases;
}

std::span<const Extension> extensions() {
    return tables.extensions;
}
const OptionInfo& option_info(OptionKey key) {
    return tables.options[key];
}
std::uint16_t option_count() {
    return static_cast<std::uint16_t>(tables.options.size());
}

ExtensionId find_extension(ExtensionKind kind, std::string_view name) {
    if (kind == ExtensionKind::match && (name == "icmpv6" || name == "ipv6-icmp")) name = "icmp6";
    static const ExtensionIndex index;
    return index.find(kind, name);
}

std::span<const OptionKey> options_named(std::string_view name) {
    if (name.size() == base_aliases[0].first.size())
        for (auto [alias, option] : base_aliases)
            if (alias == name) return name_index().find(base_options[key(option)].name);
    return name_index().find(name);
}

OptionKey option_key(ExtensionKind kind, std::string_view extension, std::string_view option) {
    ExtensionId id = find_extension(kind, extension);
    if (id != no_extension) {
        const Extension& e = tables.extensions[id];
        for (OptionKey k = e.first_option; k < e.first_option + e.option_count; ++k)
            if (tables.options[k].name == option) return k;
    }
    std::fprintf(stderr, "untrack: internal error: no option %.*s of %.*s\n",
                 static_cast<int>(option.size()), option.data(), static_cast<int>(extension.size()),
                 extension.data());
    std::abort();
}

bool is_standard_target(std::string_view name) {
    return name == "ACCEPT" || name == "DROP" || name == "QUEUE" || name == "RETURN";
}

}  // namespace untrack::parser::iptables
