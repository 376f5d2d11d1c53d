// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/suppressions.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "analyzer/directives.hpp"

namespace untrack::analyzer {
namespace {

/// One code, name or prefix of a suppression.
struct Word {
    TextRange range;
    const Directive* directive;
    std::vector<bool> covers;  ///< by rule; empty when it means none
    bool used = false;

    [[nodiscard]] bool suppresses(RuleIndex rule) const { return !covers.empty() && covers[rule]; }
};

std::vector<Word> words_of(const std::vector<Directive>& directives, std::string_view text) {
    std::vector<Word> out;
    for (const Directive& d : directives)
        for (TextRange range : d.words) {
            Word& word = out.emplace_back(Word{range, &d, {}});
            for (RuleIndex rule : rules_called(text.substr(range.begin, range.size()))) {
                word.covers.resize(rules().size());
                word.covers[rule] = true;
            }
        }
    return out;
}

/// Moves what the words suppress from one list, which is in order, to the other.
void move_suppressed(std::vector<Word>& words, std::vector<Finding>& from,
                     std::vector<Finding>& to) {
    std::vector<bool> gone(from.size());
    for (Word& word : words) {
        TextRange scope = word.directive->scope;
        if (scope.empty() || word.covers.empty()) continue;
        auto begin = std::lower_bound(
            from.begin(), from.end(), scope.begin,
            [](const Finding& f, std::uint32_t offset) { return f.range.begin < offset; });
        for (auto f = begin; f != from.end() && f->range.begin <= scope.end; ++f) {
            if (!word.suppresses(f->code)) continue;
            word.used = true;
            gone[static_cast<std::size_t>(f - from.begin())] = true;
        }
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (gone[i])
            to.push_back(from[i]);
        else
            from[kept++] = from[i];
    }
    from.resize(kept);
}

void sort(std::vector<Finding>& list) {
    std::stable_sort(list.begin(), list.end(), [](const Finding& a, const Finding& b) {
        return a.range.begin < b.range.begin;
    });
}

/// Says which suppressions suppress nothing.
class Idle {
  public:
    Idle(const model::RulesetText& text, const Selection& selection, RuleIndex code)
        : text_(text), selection_(selection), reporter_(found_, code, rules()[code].severity) {}

    void report(const Directive& d) {
        if (!d.problem.empty()) {
            reporter_.add_text(d.range, d.problem);
        } else if (d.scope.empty()) {
            reporter_.add(d.range, "no rule and no declaration comes after this suppression");
        }
    }

    void report(const Word& word) {
        const Directive& d = *word.directive;
        if (word.used || (d.scope.empty() && !word.covers.empty())) return;
        std::string name(text_.at(word.range));
        if (word.covers.empty()) {
            reporter_.add_text(word.range, fmt::format("no lint rule is called `{}': {}", name,
                                                       nearest_rule(name)));
            return;
        }
        // Of rules that did not run nobody knows.
        for (std::size_t i = 0; i < word.covers.size(); ++i)
            if (word.covers[i] && !selection_.contains(static_cast<RuleIndex>(i))) return;
        reporter_.add_text(
            word.range,
            d.whole_file
                ? fmt::format("{} finds nothing in this file: the suppression can go", name)
                : fmt::format("{} finds nothing in line {}: the suppression can go", name,
                              text_.place(d.scope.begin).at.line));
    }

    Findings take() {
        sort(found_.list);
        return std::move(found_);
    }

  private:
    const model::RulesetText& text_;
    const Selection& selection_;
    Findings found_;
    Reporter reporter_;
};

}  // namespace

Findings suppress(const model::RulesetText& text, const Selection& selection, Findings& findings) {
    std::vector<Directive> directives = find_directives(text);
    if (directives.empty()) return {};
    std::vector<Word> words = words_of(directives, text.ruleset.text);
    move_suppressed(words, findings.list, findings.suppressed);
    RuleIndex code = index_of(*find_rule("UT902"));
    if (!selection.contains(code)) return {};
    Idle idle(text, selection, code);
    for (const Directive& d : directives) idle.report(d);
    for (const Word& word : words)
        if (!word.suppresses(code)) idle.report(word);
    Findings found = idle.take();
    // What is idle may be suppressed itself; of that nothing is left unsaid.
    move_suppressed(words, found.list, found.suppressed);
    Idle own(text, selection, code);
    for (const Word& word : words)
        if (word.suppresses(code)) own.report(word);
    found.append(own.take());
    sort(found.list);
    return found;
}

}  // namespace untrack::analyzer
