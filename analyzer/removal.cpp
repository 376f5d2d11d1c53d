// SPDX-License-Identifier: GPL-2.0-or-later
// Whether lines may go: shown by packet sets, with effects, on the whole ruleset.
#include "analyzer/removal.hpp"

#include <algorithm>

#include "parser/iptables/syntax.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;
using model::RuleId;

namespace {

constexpr std::size_t most_words = std::size_t{100} << 20U;

bool goes(const packet::IdleRule& idle) {
    return idle.why == packet::Idleness::repeated || idle.why == packet::Idleness::followed;
}

/// The rules that UT302 and UT308 would remove.
std::vector<RuleId> removable(const FileContext& file) {
    std::vector<RuleId> out;
    for (const packet::IdleRule& idle : file.coverage().idle)
        if (goes(idle)) out.push_back(idle.rule);
    return out;
}

}  // namespace

bool same_without(const FileContext& file, const std::vector<RuleId>& rules) {
    std::vector<TextEdit> edits;
    edits.reserve(rules.size());
    for (RuleId id : rules) edits.push_back({file.text.removal_range(file.ruleset.rule(id)), ""});
    sort_edits(edits);
    std::string text = apply_edits(file.ruleset.text, edits);
    const model::Ruleset& before = file.with_texts();
    model::Ruleset after = file.text.reread(text);
    const model::Ruleset* both[] = {&before, &after};
    try {
        packet::PacketSpace space(before.family, both, packet::FieldOrder::small_first, most_words);
        packet::Outcomes outcomes;
        packet::EvaluateOptions options;
        options.effects = true;
        packet::Evaluator old_one(space, outcomes, {both, 1}, options);
        packet::Evaluator new_one(space, outcomes, {both + 1, 1}, options);
        packet::DiagramPool& pool = space.pool();
        for (packet::Way way : packet::all_ways) {
            packet::Diagram there = pool.inside(space.possible(), space.on_way(way));
            if (!(pool.inside(there, old_one.way(way)) == pool.inside(there, new_one.way(way))))
                return false;
        }
        return old_one.tracks() == new_one.tracks();
    } catch (const packet::PoolExhausted&) {
        return false;
    }
}

Removals::Removals(const FileContext& file) : file_(file) {
    if (const auto* tree = file.text.nft()) {
        none_ = std::any_of(tree->nodes.begin(), tree->nodes.end(), [](const auto& node) {
            return node.kind == parser::nft::Kind::position;
        });
        return;
    }
    const ipt::SyntaxTree* tree = file.text.iptables();
    if (tree == nullptr) return;
    std::string table;
    std::string storage;
    for (std::size_t i = 0; i < tree->lines.size(); ++i) {
        const ipt::Line& line = tree->lines[i];
        if (line.kind == ipt::LineKind::table) {
            TextRange name = ipt::declaration(*tree, line).name;
            table = tree->text.substr(name.begin, name.size());
        }
        if (line.kind != ipt::LineKind::command) continue;
        for (const ipt::Option& option : tree->options_of(line)) {
            if (option.key == ipt::key(ipt::Base::append)) break;
            if (option.key == ipt::key(ipt::Base::rename_chain)) none_ = true;
            bool names = option.key == ipt::key(ipt::Base::delete_) ||
                         option.key == ipt::key(ipt::Base::replace) ||
                         (option.key == ipt::key(ipt::Base::insert) && option.value_count > 1);
            if (!names) continue;
            std::string chain(ipt::first_value(*tree, line, option, storage));
            last_naming_[{table, std::move(chain)}] = static_cast<std::uint32_t>(i);
        }
    }
}

bool Removals::is_named_later(const model::Rule& rule) const {
    if (none_) return true;
    if (last_naming_.empty()) return false;
    auto it = last_naming_.find(
        {std::string(file_.table_name(rule)), std::string(file_.ruleset.chain(rule.chain).name)});
    return it != last_naming_.end() && it->second > rule.line;
}

TextRange Removals::range(const model::Rule& rule) const {
    TextRange out = file_.text.removal_range(rule);
    std::string_view text = file_.ruleset.text;
    auto line_begin = [&](std::uint32_t end) {
        auto at = text.find_last_of('\n', end);
        return at == std::string_view::npos ? 0U : static_cast<std::uint32_t>(at) + 1;
    };
    // The rest of the line stays, and with it what is said of it.
    bool whole_lines = (out.begin == 0 || text[out.begin - 1] == '\n') &&
                       (out.end == text.size() || text[out.end - 1] == '\n');
    std::uint32_t first = file_.text.part(out.begin).begin;
    while (whole_lines && out.begin > first + 1) {
        std::uint32_t begin = line_begin(out.begin - 2);
        std::string_view line = text.substr(begin, out.begin - begin);
        auto blanks = [&] {
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        };
        blanks();
        if (!line.starts_with('#')) break;
        line.remove_prefix(1);
        blanks();
        if (!line.starts_with("untrack: ignore[")) break;
        out.begin = begin;
    }
    return out;
}

std::optional<Fix> Removals::of(RuleId rule, bool safe) const {
    const model::Rule& r = file_.ruleset.rule(rule);
    if (is_named_later(r)) return std::nullopt;
    Fix fix{"remove the rule",
            safe ? Applicability::safe : Applicability::unsafe,
            FixKind::removal,
            {}};
    fix.edits.push_back({range(r), ""});
    return fix;
}

std::optional<Fix> Removals::of(RuleId rule) const {
    const auto& idle = file_.coverage().idle;
    auto it = std::lower_bound(
        idle.begin(), idle.end(), rule,
        [](const packet::IdleRule& a, RuleId b) { return a.rule.value < b.value; });
    bool safe = it != idle.end() && it->rule == rule && goes(*it) && file_.removal_is_safe();
    return of(rule, safe);
}

bool FileContext::removal_is_safe() const {
    return removal_is_safe_.get([&] { return same_without(*this, removable(*this)); });
}

}  // namespace untrack::analyzer
