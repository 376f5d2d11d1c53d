// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/driver.hpp"

#include <algorithm>

#include "analyzer/suppressions.hpp"
#include "analyzer/views.hpp"
#include "base/parallel.hpp"

namespace untrack::analyzer {
namespace {

/// Rules about what the other rules met, which must have ended.
bool speaks_of_others(const Rule& rule) {
    return rule.code.starts_with("UT9");
}

/// By position, then code.
bool stands_before(const Finding& a, const Finding& b) {
    return a.range.begin != b.range.begin ? a.range.begin < b.range.begin : a.code < b.code;
}

/// What one rule finds, in order.
Findings run_rule(const FileContext& context, RuleIndex index) {
    Findings findings;
    Reporter reporter(findings, index, rules()[index].severity);
    rules()[index].run(context, reporter);
    auto& list = findings.list;
    if (!std::is_sorted(list.begin(), list.end(), stands_before))
        std::stable_sort(list.begin(), list.end(), stands_before);
    return findings;
}

/// Sorts a list of ordered runs; `ends` holds 0 and the end of each. Neighbours are merged, so that
/// what is equal stays in order.
void merge_runs(std::vector<Finding>& list, std::vector<std::size_t> ends) {
    auto at = [&](std::size_t i) { return list.begin() + static_cast<std::ptrdiff_t>(i); };
    while (ends.size() > 2) {
        std::vector<std::size_t> fewer{0};
        for (std::size_t i = 2; i < ends.size(); i += 2) {
            std::inplace_merge(at(ends[i - 2]), at(ends[i - 1]), at(ends[i]), stands_before);
            fewer.push_back(ends[i]);
        }
        if (fewer.back() != ends.back()) fewer.push_back(ends.back());
        ends = std::move(fewer);
    }
}

/// Rules about files alone.
Findings lint_file(const FileContext& context, const Selection& selection, std::size_t threads) {
    std::vector<RuleIndex> first;
    std::vector<RuleIndex> last;
    for (std::size_t i = 0; i < rules().size(); ++i) {
        auto index = static_cast<RuleIndex>(i);
        if (!selection.contains(index) || rules()[i].run == nullptr) continue;
        (speaks_of_others(rules()[i]) ? last : first).push_back(index);
    }
    Findings all;
    std::vector<std::size_t> ends{0};
    auto take = [&](std::size_t, Findings&& found) {
        all.append(std::move(found));
        if (all.list.size() != ends.back()) ends.push_back(all.list.size());
    };
    auto run = [&](const std::vector<RuleIndex>& chosen) {
        return [&](std::size_t i) { return run_rule(context, chosen[i]); };
    };
    in_order(first.size(), threads, run(first), take);
    in_order(last.size(), 1, run(last), take);
    merge_runs(all.list, std::move(ends));
    return all;
}

/// Asks the rules about hosts of a host that is one file.
void add_host_findings(HostFile file, const Selection& selection, Findings& findings) {
    const HostFile files[] = {std::move(file)};
    merge(findings, std::move(lint_host(files, selection).front()));
}

}  // namespace

void settle(const model::RulesetText& text, const Selection& selection, Findings& all) {
    Findings idle = suppress(text, selection, all);
    std::size_t end = all.list.size();
    all.append(std::move(idle));
    if (all.list.size() != end) merge_runs(all.list, {0, end, all.list.size()});
    selection.grade(all.list);
}

Findings lint(const FileContext& context, const Selection& selection, std::size_t threads,
              Extent extent) {
    Findings all = lint_file(context, selection, threads);
    if (extent == Extent::file) return all;
    add_host_findings({&context}, selection, all);
    settle(context.text, selection, all);
    return all;
}

Findings lint(std::span<const std::unique_ptr<FileContext>> views, const Selection& selection,
              std::size_t threads, Extent extent) {
    Findings all;
    std::vector<std::size_t> ends{0};
    for (std::size_t i = 0; i < views.size(); ++i) {
        Findings found = lint_file(*views[i], selection, threads);
        for (Finding& f : found.list) f.view = static_cast<std::uint8_t>(i);
        all.append(std::move(found));
        ends.push_back(all.list.size());
    }
    merge_runs(all.list, std::move(ends));
    drop_what_others_contradict(views, all.list);
    if (extent == Extent::file) return all;
    HostFile file;
    for (const auto& view : views) file.push_back(view.get());
    add_host_findings(std::move(file), selection, all);
    if (!views.empty()) settle(views.front()->text, selection, all);
    return all;
}

std::vector<Findings> lint_host(std::span<const HostFile> files, const Selection& selection) {
    std::vector<Findings> found(files.size());
    HostContext host(files);
    for (std::size_t i = 0; i < rules().size(); ++i) {
        auto index = static_cast<RuleIndex>(i);
        if (rules()[i].run_on_host == nullptr || !selection.contains(index)) continue;
        HostReporter reporter(found, index, rules()[i].severity);
        rules()[i].run_on_host(host, reporter);
    }
    for (Findings& f : found) std::stable_sort(f.list.begin(), f.list.end(), stands_before);
    return found;
}

void merge(Findings& findings, Findings&& more) {
    if (more.list.empty()) return;
    std::vector<std::size_t> ends{0, findings.list.size()};
    findings.append(std::move(more));
    ends.push_back(findings.list.size());
    merge_runs(findings.list, std::move(ends));
}

}  // namespace untrack::analyzer
