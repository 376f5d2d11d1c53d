// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/respelling.hpp"

#include <algorithm>
#include <span>

#include "model/equality.hpp"
#include "model/lower_iptables.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::analyzer {
namespace {

namespace ipt = parser::iptables;
using model::RuleId;

/// Lines that are looked at together: what is made of them shall not be as large as the file.
constexpr std::size_t lines_at_once = 1U << 14U;

using Fixes = std::span<const Respelling* const>;

/// The lines that have fixes under their tables' names, and nothing else: as they stand there, or
/// fixed.
struct Extract {
    std::string text;
    std::vector<std::uint32_t> lines;  ///< by fix: the line of the extract
    ipt::SyntaxTree tree;
    model::Ruleset ruleset;

    /// `tables` are the file's table lines.
    Extract(const FileContext& file, const ipt::SyntaxTree& from,
            const std::vector<std::uint32_t>& tables, Fixes fixes, bool fixed) {
        std::uint32_t count = 0;
        std::uint32_t open = 0xffffffffU;
        for (const Respelling* r : fixes) {
            auto table = std::upper_bound(tables.begin(), tables.end(), r->line);
            if (table != tables.begin() && *--table != open) {
                open = *table;
                text += from.content(from.lines[open]);
                text += '\n';
                ++count;
            }
            const ipt::Line& line = from.lines[r->line];
            std::vector<TextEdit> edits;
            if (fixed) edits = r->fix.edits;
            for (TextEdit& edit : edits) {
                edit.range.begin -= line.begin;
                edit.range.end -= line.begin;
            }
            text += apply_edits(from.content(line), edits);
            text += '\n';
            lines.push_back(count++);
        }
        tree = ipt::parse(text);
        ruleset = model::lower(tree, {file.ruleset.family, file.ruleset.path, true});
    }

    /// The rules by their lines; none for lines that make none.
    [[nodiscard]] std::vector<RuleId> rules() const {
        std::vector<RuleId> out(tree.lines.size());
        for (std::size_t i = 0; i < ruleset.rules.size(); ++i)
            if (ruleset.rules[i].live) out[ruleset.rules[i].line] = RuleId(i);
        for (const model::Problem& p : ruleset.problems) {
            auto it = std::upper_bound(
                tree.lines.begin(), tree.lines.end(), p.range.begin,
                [](std::uint32_t offset, const ipt::Line& line) { return offset < line.begin; });
            if (it != tree.lines.begin())
                out[static_cast<std::size_t>(it - tree.lines.begin()) - 1] = RuleId();
        }
        return out;
    }
};

/// Whether each fix keeps the meaning of its line.
std::vector<bool> same_meaning(const FileContext& file, const ipt::SyntaxTree& tree,
                               const std::vector<std::uint32_t>& tables, Fixes fixes) {
    std::vector<bool> out(fixes.size(), false);
    Extract before(file, tree, tables, fixes, false);
    Extract after(file, tree, tables, fixes, true);
    std::vector<RuleId> old_rules = before.rules();
    std::vector<RuleId> new_rules = after.rules();
    if (old_rules.size() != new_rules.size()) return out;
    for (std::size_t i = 0; i < fixes.size(); ++i) {
        std::uint32_t line = before.lines[i];
        RuleId x = old_rules[line];
        RuleId y = new_rules[line];
        out[i] = x.valid() && y.valid() && after.tree.lines[line].kind == ipt::LineKind::command &&
                 model::equal_rules(before.ruleset, x, after.ruleset, y);
    }
    return out;
}

}  // namespace

void report_respellings(const FileContext& file, const ipt::SyntaxTree& tree,
                        std::vector<Respelling>&& found, std::string_view message,
                        Reporter& report) {
    std::vector<const Respelling*> fixes;
    for (Respelling& r : found) {
        sort_edits(r.fix.edits);
        if (!r.fix.edits.empty()) fixes.push_back(&r);
    }
    std::vector<std::uint32_t> tables;
    if (!fixes.empty() && file.proves_spelling)
        for (std::size_t i = 0; i < tree.lines.size(); ++i)
            if (tree.lines[i].kind == ipt::LineKind::table)
                tables.push_back(static_cast<std::uint32_t>(i));
    std::vector<bool> safe;
    if (!file.proves_spelling) safe.assign(fixes.size(), true);
    for (Fixes rest(fixes); file.proves_spelling && !rest.empty();) {
        Fixes now = rest.first(std::min(rest.size(), lines_at_once));
        std::vector<bool> some = same_meaning(file, tree, tables, now);
        safe.insert(safe.end(), some.begin(), some.end());
        rest = rest.subspan(now.size());
    }
    std::size_t i = 0;
    for (Respelling& r : found) {
        Finding& finding = report.add(r.range, message, r.rule);
        if (r.fix.edits.empty()) continue;
        r.fix.applicability = safe[i++] ? Applicability::safe : Applicability::unsafe;
        report.details(finding).fixes.push_back(std::move(r.fix));
    }
}

}  // namespace untrack::analyzer
