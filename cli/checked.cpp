// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/checked.hpp"

namespace untrack::cli {

Contexts contexts(const Input& input, const Checks& checks, std::size_t threads) {
    Contexts made;
    for (const auto& view : input.views) {
        made.push_back(
            std::make_unique<analyzer::FileContext>(*view->text, checks.kernel, threads));
        made.back()->proves_spelling = checks.proves_spelling;
    }
    return made;
}

Checked check(std::unique_ptr<Input> input, const Checks& checks, std::size_t threads) {
    Checked checked;
    checked.input = std::move(input);
    const Input& in = *checked.input;
    if (in.file.text().size() < worth_threads) threads = 1;
    Contexts views = contexts(in, checks, threads);
    checked.findings = std::make_unique<analyzer::Findings>(
        in.language == model::Language::iptables
            ? analyzer::lint(*views.front(), checks.selection, threads, checks.extent)
            : analyzer::lint(views, checks.selection, threads, checks.extent));
    for (const auto& view : views) checked.uses.push_back(std::move(view->rules.uses));
    return checked;
}

}  // namespace untrack::cli
