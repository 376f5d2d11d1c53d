// SPDX-License-Identifier: GPL-2.0-or-later
// untrack lint: findings, and whether the rulesets need connection tracking at all.
#include <algorithm>
#include <fmt/format.h>
#include <span>
#include <unistd.h>

#include "base/parallel.hpp"
#include "cli/file_list.hpp"
#include "cli/fix.hpp"
#include "cli/formats.hpp"
#include "cli/hosts.hpp"
#include "cli/known_findings.hpp"
#include "cli/rule_pages.hpp"
#include "cli/settings.hpp"
#include "cli/streams.hpp"
#include "report/lint_formats.hpp"
#include "report/lint_report.hpp"
#include "report/rewrite_report.hpp"

namespace untrack::cli {
namespace {

struct LintArguments {
    std::vector<std::string> paths;
    std::string files_from;
    Flags flags;
    KnownFindings known;
    FixArguments fixes;
    bool exit_zero = false;
};

/// Findings that are made into text at once: about a hundred kilobytes.
constexpr std::size_t findings_at_once = 256;

/// One file with what was found in it, or why it could not be read.
struct Linted : Checked {
    std::string error;
    FixedFile fixed;
    std::size_t number = 0;  ///< its place among the paths
};

std::string_view page_of(std::string_view code) {
    auto pages = rule_pages();
    auto page =
        std::find_if(pages.begin(), pages.end(), [&](const RulePage& p) { return p.code == code; });
    return page == pages.end() ? std::string_view() : page->text;
}

class Linting {
  public:
    Linting(LintArguments& arguments, const Context& context)
        : arguments_(arguments), fixes_(arguments.fixes), context_(context) {}

    int run() {
        if (!check_lint_flags(arguments_.flags)) return exit_usage;
        if (fixes_.unsafe && !fixes_.any()) {
            complain(
                "lint: --unsafe-fixes says which fixes --fix and --diff apply: give one of them");
            return exit_usage;
        }
        auto paths = find();
        if (!paths || !settle_files(*paths)) return exit_usage;
        Formats formats(context_, *paths, Reports::findings);
        arguments_.known.read(*paths);
        wants_json_ = formats.wants(Format::json);
        for (Checks& checks : checks_) checks.proves_spelling = !formats.only_text();
        threads_ = job_count(context_);
        read(*paths);
        if (fixes_.diff) {
            write_out(use_color(context_.color, STDOUT_FILENO) ? report::colored_diff(text_)
                                                               : text_);
            if (!context_.quiet) print_error(summary("would fix"));
            return failed_ ? exit_usage : text_.empty() ? exit_ok : exit_findings;
        }
        if (failed_ && files_.empty()) return exit_usage;
        know_findings();
        prints_ruleset_ = fixes_.fix && std::count(paths->begin(), paths->end(), "-") > 0;
        write_out(text_);
        std::vector<Output> outputs = formats.open([](Format) { return true; });
        for (Output& output : outputs) {
            print(output);
            output.finish();
        }
        arguments_.known.write(!failed_);
        if (failed_) return exit_usage;
        return worst_ && !arguments_.exit_zero ? exit_findings : exit_ok;
    }

  private:
    std::optional<std::vector<std::string>> find() {
        if (arguments_.files_from.empty()) return find_files(arguments_.paths, "lint", &failed_);
        std::vector<std::string> all = arguments_.paths;
        if (arguments_.files_from == "-" && std::find(all.begin(), all.end(), "-") != all.end()) {
            complain("standard input (-) cannot be both the list of files and a ruleset");
            return std::nullopt;
        }
        std::vector<std::string> listed = read_file_list(arguments_.files_from);
        all.insert(all.end(), listed.begin(), listed.end());
        // Nothing to do is a good answer to a program that asks about what changed.
        return all.empty() ? all : find_files(all, "lint", &failed_);
    }

    /// What holds for each file; false when a configuration is wrong, which is said.
    bool settle_files(const std::vector<std::string>& paths) {
        Configs configs(context_);
        for (const std::string& path : paths) {
            auto config = configs.of(path);
            if (!config) {
                print_error(config.error());
                return false;
            }
            LintSettings settings = lint_settings(settings_for(path, *config, arguments_.flags));
            fail_on_.push_back(settings.fail_on);
            checks_.push_back({std::move(settings.selection), settings.kernel});
        }
        return true;
    }

    void read(const std::vector<std::string>& paths) {
        std::optional<Interruption> interruption;
        if (fixes_.fix && !fixes_.diff)
            interruption.emplace(
                [] { return "\nuntrack: interrupted: every file is as it was, or fixed\n"; });
        const std::size_t for_each_file =
            std::max<std::size_t>(threads_ / std::max<std::size_t>(paths.size(), 1), 1);
        const Hosts hosts(paths, arguments_.paths);
        for (std::size_t i = 0; i < paths.size(); ++i)
            if (!hosts.is_alone(i)) checks_[i].extent = analyzer::Extent::file;
        in_order(
            paths.size(), threads_,
            [&](std::size_t i) {
                return check(paths[i], checks_[i], for_each_file,
                             interruption ? &*interruption : nullptr);
            },
            [&](std::size_t i, Linted&& linted) {
                linted.number = i;
                failed_ = failed_ || linted.fixed.failed || !linted.error.empty();
                count(linted.fixed);
                if (!linted.error.empty()) return complain(linted.error);
                print_error(remarks(*linted.input, context_));
                print_error(linted.fixed.messages);
                keep(std::move(linted));
            });
        // What several files are together is not known when one of them is not.
        if (checked_.size() == paths.size()) ask_hosts(hosts);
        for (Linted& linted : checked_)
            if (checks_[linted.number].extent == analyzer::Extent::file)
                analyzer::settle(*linted.input->views.front()->text,
                                 checks_[linted.number].selection, *linted.findings);
    }

    [[nodiscard]] Linted check(const std::string& path, const Checks& checks, std::size_t threads,
                               Interruption* interruption) const {
        Linted linted;
        bool fixes = fixes_.any();
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
        if (fixes) linted.fixed = fix_file(linted, fixes_, checks, context_, threads, interruption);
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
    void ask_hosts(const Hosts& hosts) {
        std::vector<std::vector<std::size_t>> asked =
            hosts.together([&](std::size_t i) -> const Input& { return *checked_[i].input; });
        in_order(
            asked.size(), threads_,
            [&](std::size_t i) {
                std::vector<Contexts> made;
                std::vector<analyzer::HostFile> files;
                for (std::size_t file : asked[i]) {
                    made.push_back(contexts(*checked_[file].input, checks_[file], 1));
                    files.emplace_back();
                    for (const auto& view : made.back()) files.back().push_back(view.get());
                }
                return analyzer::lint_host(files, checks_[asked[i].front()].selection);
            },
            [&](std::size_t i, std::vector<analyzer::Findings>&& found) {
                for (std::size_t k = 0; k < found.size(); ++k)
                    analyzer::merge(*checked_[asked[i][k]].findings, std::move(found[k]));
            });
    }

    /// Takes out what the baseline knows, and looks for what fails the run.
    void know_findings() {
        for (std::size_t k = 0; k < checked_.size(); ++k) {
            analyzer::Findings& findings = *checked_[k].findings;
            std::size_t i = checked_[k].number;
            std::string gone = arguments_.known.filter(files_[k], findings, checks_[i].selection);
            if (context_.verbose) print_error(gone);
            for (const analyzer::Finding& f : findings.list)
                worst_ = worst_ || f.severity >= fail_on_[i];
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
                return report::lint_sarif(files_, page_of, !failed_, write);
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
            if (fixes_.fix) out += summary("fixed");
            out += report::lint_summary(files_);
            out += report::conntrack_summary(files_);
        }
        write(out);
    }

    LintArguments& arguments_;
    const FixArguments& fixes_;
    const Context& context_;
    std::vector<Checks> checks_;               ///< by path
    std::vector<analyzer::Severity> fail_on_;  ///< by path
    std::vector<Linted> checked_;              ///< those that could be read
    std::vector<report::LintedFile> files_;    ///< the same
    bool worst_ = false;
    bool failed_ = false;  ///< something could not be read or replaced
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
    sub->add_option("--files-from", arguments->files_from,
                    "Files and directories from a list in FILE or standard input (-), in lines or "
                    "between NUL bytes")
        ->type_name("FILE");
    add_lint_flags(*sub, arguments->flags);
    sub->add_flag("--exit-zero", arguments->exit_zero, "Exit with 0 whatever was found");
    add_format_option(*sub, context, Reports::findings);
    sub->add_flag("--fix", arguments->fixes.fix,
                  "Apply fixes that are proven to change nothing packets meet");
    sub->add_flag("--diff", arguments->fixes.diff,
                  "Print what --fix would do as a unified diff, and write nothing")
        ->excludes("--format");
    sub->add_flag("--unsafe-fixes", arguments->fixes.unsafe,
                  "With --fix or --diff: also fixes that change what a ruleset does");
    arguments->known.add_options(*sub);
    add_config_options(*sub, context);
    add_jobs_option(*sub, context);
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Linting(*arguments, context).run(); });
}

}  // namespace untrack::cli
