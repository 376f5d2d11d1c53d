// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/fix.hpp"

#include <fmt/format.h>

#include "rewriter/fixes.hpp"
#include "rewriter/write_file.hpp"

namespace untrack::cli {
namespace {

/// A text of the file, read as the file was: what its first text made known is not guessed again.
class FileDraft final : public rewriter::Draft {
  public:
    /// What all drafts of a file have in common.
    struct Reading {
        const Checks& checks;
        Context context;
        std::size_t threads;
    };

    FileDraft(const Reading& reading, Checked&& checked)
        : reading_(reading), checked_(std::move(checked)) {}

    [[nodiscard]] std::string_view text() const override { return checked_.input->file.text(); }
    [[nodiscard]] std::vector<const model::RulesetText*> views() const override {
        std::vector<const model::RulesetText*> out;
        for (const auto& view : checked_.input->views) out.push_back(view->text.get());
        return out;
    }
    const analyzer::Findings& lint() override {
        if (checked_.findings == nullptr)
            checked_ = check(std::move(checked_.input), reading_.checks, reading_.threads);
        return *checked_.findings;
    }
    [[nodiscard]] std::unique_ptr<Draft> with(std::string text) const override {
        Checked changed;
        changed.input = read_ruleset(SourceFile::from_text(checked_.input->file.path(), text),
                                     reading_.context, reading_.threads);
        return std::make_unique<FileDraft>(reading_, std::move(changed));
    }

    Checked take() {
        lint();
        return std::move(checked_);
    }

  private:
    const Reading& reading_;
    Checked checked_;
};

Context known(const Input& input, const Context& context) {
    Context out = context;
    out.language = input.views.front()->text->language();
    return out;
}

std::string plural(std::size_t n) {
    return fmt::format("{} {}", n, n == 1 ? "fix" : "fixes");
}

/// What was left out, in lines.
std::string remaining(const std::string& path, const rewriter::Fixed& fixed, bool unsafe) {
    std::string out;
    auto say = [&](std::size_t n, std::string_view why) {
        if (n > 0) out += fmt::format("{}: {} not applied: {}\n", path, plural(n), why);
    };
    say(fixed.unsafe, unsafe ? "packets would meet other verdicts"
                             : "the ruleset would do something else (--unsafe-fixes)");
    say(fixed.undecided, "it is not proven within the limits that nothing else changes");
    say(fixed.unreadable, "the changed file could not be loaded");
    say(fixed.elsewhere, "they are in included files: give those to lint");
    if (!fixed.settled) out += fmt::format("{}: more can be fixed: run again\n", path);
    return out;
}

}  // namespace

FixedFile fix_file(Checked& checked, const FixArguments& arguments, const Checks& checks,
                   const Context& context, std::size_t threads, Interruption* interruption) {
    FixedFile out;
    const std::string path = checked.input->file.path();
    if (error_count(*checked.input) > 0) {
        out.messages =
            fmt::format("{}: left as it was: a ruleset with errors is not fixed\n", path);
        return out;
    }
    // What the file's comments suppress is not fixed: its findings are settled in each round.
    Checks alone = checks;
    alone.extent = analyzer::Extent::host;
    FileDraft::Reading reading{alone, known(*checked.input, context), threads};
    if (checks.extent == analyzer::Extent::file) checked.findings.reset();
    FileDraft first(reading, std::move(checked));
    rewriter::Fixed fixed = rewriter::fix(first, {arguments.unsafe});
    if (!context.quiet) out.messages = remaining(path, fixed, arguments.unsafe);
    bool is_stdin = path == "<stdin>";
    if (arguments.diff) {
        out.text = unified_diff(first.text(), fixed.edits, path, path);
    } else if (is_stdin) {
        out.text = fixed.draft ? fixed.draft->text() : first.text();
    } else if (fixed.draft) {
        auto lock = interruption->replacing();
        std::string why = rewriter::replace_file(path, first.text(), fixed.draft->text(), {});
        if (!why.empty()) {
            out.messages = fmt::format("untrack: {}: left as it was: {}\n", path, why);
            out.failed = true;
            checked = check(first.take().input, checks, threads);
            return out;
        }
    }
    out.findings = fixed.findings;
    checked = fixed.draft ? static_cast<FileDraft&>(*fixed.draft).take() : first.take();
    if (checks.extent == analyzer::Extent::file)
        checked = check(std::move(checked.input), checks, threads);
    return out;
}

}  // namespace untrack::cli
