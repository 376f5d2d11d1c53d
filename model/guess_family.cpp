// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/guess_family.hpp"

#include <algorithm>

#include "model/iptables_lowering.hpp"
#include "model/iptables_values.hpp"
#include "model/names.hpp"

namespace untrack::model {
namespace {

using ipt::Base;
using ipt::LineKind;

bool contains_word(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

}  // namespace

FamilyGuess guess_family(std::string_view path, const ipt::SyntaxTree& tree) {
    constexpr int enough = 200;
    std::string_view name = path.substr(path.rfind('/') + 1);
    Ruleset scratch;
    LineReader reader(scratch, tree);
    int four = 0;
    int six = 0;
    bool saved_six = false;
    for (const ipt::Line& line : tree.lines) {
        if (four + six >= enough) break;
        if (line.kind == LineKind::comment) {
            saved_six = saved_six || contains_word(tree.content(line), "by ip6tables-save");
            continue;
        }
        if (line.kind != LineKind::command) continue;
        auto words = tree.options_of(line);
        if (std::any_of(words.begin(), words.end(), [](const ipt::Option& o) {
                return o.key == ipt::key(Base::ipv4) || o.key == ipt::key(Base::ipv6);
            }))
            continue;
        reader.set_line(line);
        for (const ipt::Option& option : words) {
            if (option.key == ipt::key(Base::source) || option.key == ipt::key(Base::destination)) {
                MaskedAddress masked;
                std::string_view list = reader.value(option);
                std::string_view first;
                next_piece(list, first);
                four += parse_masked_address(Family::ip, first, masked) == AddressParse::ok ? 1 : 0;
                six += parse_masked_address(Family::ip6, first, masked) == AddressParse::ok ? 1 : 0;
            } else if (option.key == ipt::key(Base::protocol)) {
                auto number = protocol_number(reader.value(option));
                six += number && *number == 58 ? 1 : 0;
            }
        }
    }
    // Lines behind -4 and -6 say nothing: such a file serves both families, and its name must tell.
    const bool settled = four + six >= enough;
    if (four > six) return {Family::ip, settled};
    if (six > four) return {Family::ip6, settled};
    bool named_six = contains_word(name, "ip6tables") || name.ends_with("v6") ||
                     contains_word(name, "rules6") || contains_word(name, "before6") ||
                     contains_word(name, "after6") || contains_word(name, "user6");
    return {saved_six || named_six ? Family::ip6 : Family::ip, settled};
}

}  // namespace untrack::model
