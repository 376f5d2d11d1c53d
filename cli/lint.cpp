// SPDX-License-Identifier: GPL-2.0-or-later
// untrack lint: findings, and whether the rulesets need connection tracking at all.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include <unistd.h>

#include "base/parallel.hpp"
#include "cli/fix.hpp"
#include "cli/formats.hpp"
#include "cli/hosts.hpp"
#include "cli/rule_pages.hpp"
#include "cli/streams.hpp"
#include "report/lint_formats.hpp"
#include "report/lint_report.hpp"
#include "report/rewrite_report.hpp"

namespace untrack::cli {
namespace {

struct LintArguments {
    std::vector<std::string> paths;
    std::vector<std::string> select;
    std::vector<std::string> ignore;
    std::string fail_on = "warning";
    std::string kernel = "modern";
    FixArguments fixes;
};

/// Findings that are made into text at once: about a hundred kilobytes.
constexpr std::size_t findings_at_once = 256;

/// One file with what was found in it, or why it could not be read.
struct Linted : Checked {
    std::string error;
    FixedFile fixed;
};

std::string_view page_of(std::string_view code) {
    auto pages = rule_pages();
    auto page =
        std::find_if(pages.begin(), pages.end(), [&](const RulePage& p) { return p.code == code; });
    return page == pages.end() ? std::string_view() : page->text;
}

class Linting {
  public:
    Linting(const LintArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        auto selection = select();
        if (!selection) return exit_usage;
        if (arguments_.fixes.unsafe && !arguments_.fixes.any()) {
            complain(
                "lint: --unsafe-fixes says which fixes --fix and --diff apply: give one of them");
            return exit_usage;
        }
        auto paths = find_files(arguments_.paths, "lint");
        if (!paths) return exit_usage;
        Formats formats(context_, *paths, Reports::findings);
        wants_json_ = formats.wants(Format::json);
        const FixArguments& fixes = arguments_.fixes;
        std::optional<Interruption> interruption;
        if (fixes.fix && !fixes.diff)
            interruption.emplace(
                [] { return "\nuntrack: interrupted: every file is as it was, or fixed\n"; });
        bool failed = false;
        bool left = false;
        threads_ = job_count(context_);
        const std::size_t for_each_file = std::max<std::size_t>(threads_ / paths->size(), 1);
        const Hosts hosts(*paths, arguments_.paths);
        auto checks = [&](std::size_t i) {
            auto extent = hosts.is_alone(i) ? analyzer::Extent::host : analyzer::Extent::file;
            return Checks{*selection, kernel(), extent};
        };
        in_order(
            paths->size(), threads_,
            [&](std::size_t i) {
                return check((*paths)[i], checks(i), for_each_file,
                             interruption ? &*interruption : nullptr);
            },
            [&](std::size_t, Linted&& linted) {
                count(linted.fixed);
                left = left || linted.fixed.failed;
                if (!linted.error.empty()) {
                    complain(linted.error);
                    failed = true;
                } else if (!failed) {
                    print_error(remarks(*linted.input, context_));
                    print_error(linted.fixed.messages);
                    keep(std::move(linted));
                }
            });
        if (fixes.diff && !failed) {
            write_out(use_color(context_.color, STDOUT_FILENO) ? report::colored_diff(text_)
                                                               : text_);
            if (!context_.quiet) print_error(summary("would fix"));
            return text_.empty() ? exit_ok : exit_findings;
        }
        if (failed || left) {
            if (fixes.any()) print_error(summary("fixed"));
            return exit_usage;
        }
        ask_hosts(hosts, checks);
        count();
        prints_ruleset_ = fixes.fix && std::count(paths->begin(), paths->end(), "-") > 0;
        write_out(text_);
        std::vector<Output> outputs = formats.open([](Format) { return true; });
        for (Output& output : outputs) {
            print(output);
            output.finish();
        }
        return worst_ ? exit_findings : exit_ok;
    }

  private:
    [[nodiscard]] std::optional<analyzer::Selection> select() const {
        // What cannot be read is never passed over, unless --ignore says so.
        std::vector<std::string> chosen = arguments_.select;
        if (!chosen.empty()) chosen.emplace_back("UT901");
        auto selection = analyzer::Selection::make(chosen, arguments_.ignore);
        if (selection) return *selection;
        for (const auto* words : {&arguments_.select, &arguments_.ignore})
            for (const std::string& word : *words)
                if (!analyzer::Selection::make({word}, {}))
                    complain(fmt::format("{} {}: no lint rule is called so: {}",
                                         words == &arguments_.select ? "--select" : "--ignore",
                                         word.empty() ? "''" : word, analyzer::nearest_rule(word)));
        return std::nullopt;
    }

    [[nodiscard]] model::KernelProfile kernel() const {
        return arguments_.kernel == "2.6"    ? model::KernelProfile::rhel6_2_6
               : arguments_.kernel == "3.10" ? model::KernelProfile::rhel7_3_10
                                             : model::KernelProfile::modern;
    }

    [[nodiscard]] Linted check(const std::string& path, const Checks& checks, std::size_t threads,
                               Interruption* interruption) const {
        Linted linted;
        bool fixes = arguments_.fixes.any();
        auto input = read_input(path, context_, fixes ? Keep::copied : Keep::mapped, threads);
        if (!input) {
            linted.error = std::move(input.error());
            return linted;
        }
        if (path == "-" && arguments_.paths.empty() && (*input)->file.text().empty()) {
            linted.error = "no path is given, and standard input is empty";
            return linted;
        }
        static_cast<Checked&>(linted) = cli::check(std::move(*input), checks, threads);
        if (fixes)
            linted.fixed =
                fix_file(linted, arguments_.fixes, checks, context_, threads, interruption);
        return linted;
    }

    void count(FixedFile& fixed) {
        fixed_findings_ += fixed.findings;
        fixed_files_ += fixed.findings > 0 ? 1 : 0;
        text_ += fixed.text;
        fixed.text.clear();
    }

    /// "fixed 3 findings in 1 file".
    [[nodiscard]] std::string summary(std::string_view done) const {
        return fmt::format("{} {} in {}\n", done, plural(fixed_findings_, "finding"),
                           plural(fixed_files_, "file"));
    }
    static std::string plural(std::size_t n, const char* noun) {
        return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
    }

    void keep(Linted&& file) {
        const Linted& checked = checked_.emplace_back(std::move(file));
        Input& in = *checked.input;
        report::LintedFile linted{in.file.path(),
                                  in.views.front()->text.get(),
                                  checked.findings.get(),
                                  error_count(in),
                                  {}};
        for (std::size_t i = 0; i < in.views.size(); ++i) {
            const model::Ruleset& ruleset = in.views[i]->ruleset;
            report::LintedFile::View view{&ruleset, checked.uses[i], {}};
            std::size_t named = view.uses.size();
            if (!wants_json_) named = std::min(named, report::most_lines_named);
            view.places.reserve(named);
            for (const model::ConntrackUse& use : std::span(view.uses).first(named)) {
                TextRange at = use.rule.valid() ? in.views[i]->text->range(ruleset.rule(use.rule))
                                                : use.declared;
                view.places.push_back(in.views[i]->text->place(at.begin));
            }
            linted.views.push_back(std::move(view));
        }
        files_.push_back(std::move(linted));
    }

    /// Adds what is found of several files together. Their contexts are made again, so that no
    /// file's is kept while others are read.
    template <typename ChecksOf>
    void ask_hosts(const Hosts& hosts, ChecksOf checks) {
        std::vector<std::vector<std::size_t>> asked =
            hosts.together([&](std::size_t i) -> const Input& { return *checked_[i].input; });
        in_order(
            asked.size(), threads_,
            [&](std::size_t i) {
                std::vector<Contexts> made;
                std::vector<analyzer::HostFile> files;
                for (std::size_t file : asked[i]) {
                    made.push_back(contexts(*checked_[file].input, checks(file).kernel, 1));
                    files.emplace_back();
                    for (const auto& view : made.back()) files.back().push_back(view.get());
                }
                return analyzer::lint_host(files, checks(asked[i].front()).selection);
            },
            [&](std::size_t i, std::vector<analyzer::Findings>&& found) {
                for (std::size_t k = 0; k < found.size(); ++k)
                    analyzer::merge(*checked_[asked[i][k]].findings, std::move(found[k]));
            });
    }

    void count() {
        auto limit = arguments_.fail_on == "error"  ? analyzer::Severity::error
                     : arguments_.fail_on == "info" ? analyzer::Severity::info
                                                    : analyzer::Severity::warning;
        for (const Linted& linted : checked_)
            for (const analyzer::Finding& f : linted.findings->list) {
                worst_ = worst_ || f.severity >= limit;
                ++counts_[static_cast<std::size_t>(f.severity)];
            }
    }

    void print(Output& to) const {
        // A ruleset that comes by standard input leaves by standard output, alone.
        if (prints_ruleset_ && to.is_standard_output()) {
            print(to.format(), use_color(context_.color, STDERR_FILENO), print_error);
            return;
        }
        bool color = to.is_standard_output() ? use_color(context_.color, STDOUT_FILENO)
                                             : context_.color == "always";
        print(to.format(), color, [&](std::string_view piece) { to.write(piece); });
    }

    void print(Format format, bool color, const report::Sink& write) const {
        switch (format) {
            case Format::json:
                return report::lint_json(files_, write);
            case Format::sarif:
                return report::lint_sarif(files_, page_of, write);
            case Format::github:
                return report::lint_github(files_, write);
            case Format::gitlab:
                return report::lint_gitlab(files_, write);
            case Format::junit:
                return report::lint_junit(files_, write);
            case Format::checkstyle:
                return report::lint_checkstyle(files_, write);
            case Format::text:
                return print_text(color, write);
        }
    }

    void print_text(bool color, const report::Sink& write) const {
        for (const report::LintedFile& file : files_) {
            std::span<const analyzer::Finding> all(file.findings->list);
            in_order((all.size() + findings_at_once - 1) / findings_at_once, threads_,
                     [&](std::size_t i) {
                         std::string out;
                         for (const analyzer::Finding& f : all.subspan(
                                  i * findings_at_once,
                                  std::min(findings_at_once, all.size() - i * findings_at_once)))
                             report::append_finding(out, file, f, color);
                         return out;
                     },
                     [&](std::size_t, const std::string& out) { write(out); });
        }
        std::string out;
        if (!context_.quiet) {
            std::size_t all = counts_[0] + counts_[1] + counts_[2];
            if (arguments_.fixes.fix) out += summary("fixed");
            out += all == 0
                       ? std::string("no findings\n")
                       : fmt::format("{}, {}, {}\n", plural(counts_[2], "error"),
                                     plural(counts_[1], "warning"), plural(counts_[0], "remark"));
            out += report::conntrack_summary(files_);
        }
        write(out);
    }

    const LintArguments& arguments_;
    const Context& context_;
    std::vector<Linted> checked_;
    std::vector<report::LintedFile> files_;
    std::array<std::size_t, 3> counts_{};
    bool worst_ = false;
    bool wants_json_ = false;
    std::size_t fixed_findings_ = 0;
    std::size_t fixed_files_ = 0;
    std::string text_;  ///< what --fix and --diff print on standard output
    bool prints_ruleset_ = false;
    std::size_t threads_ = 1;
};

}  // namespace

void add_lint(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<LintArguments>();
    CLI::App* sub = app.add_subcommand(
        "lint", "Say what turns connection tracking on, and what is wrong in a bypass");
    sub->add_option(
        "PATH", arguments->paths,
        "Files, directories, or - for standard input (which is read, too, when there is "
        "no path)");
    add_repeatable(*sub, "--select", arguments->select,
                   "Only these rules, and syntax errors: codes, names or prefixes (UT1,UT203)")
        ->delimiter(',')
        ->type_name("CODES");
    add_repeatable(*sub, "--ignore", arguments->ignore, "Not these rules")
        ->delimiter(',')
        ->type_name("CODES");
    add_format_option(*sub, context, Reports::findings);
    sub->add_flag("--fix", arguments->fixes.fix,
                  "Apply fixes that are proven to change nothing packets meet");
    sub->add_flag("--diff", arguments->fixes.diff,
                  "Print what --fix would do as a unified diff, and write nothing")
        ->excludes("--format");
    sub->add_flag("--unsafe-fixes", arguments->fixes.unsafe,
                  "With --fix or --diff: also fixes that change what a ruleset does");
    sub->add_option("--fail-on", arguments->fail_on,
                    "Exit with 1 from this severity on: info, warning or error")
        ->check(CLI::IsMember({"info", "warning", "error"}))
        ->capture_default_str();
    sub->add_option("--kernel", arguments->kernel,
                    "Kernel profile: modern (4.9 and later), 3.10 or 2.6")
        ->check(CLI::IsMember({"modern", "3.10", "2.6"}))
        ->capture_default_str();
    add_jobs_option(*sub, context);
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Linting(*arguments, context).run(); });
}

}  // namespace untrack::cli
