// SPDX-License-Identifier: GPL-2.0-or-later
// untrack lint: findings, and whether the rulesets need connection tracking at all.
#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>
#include <unistd.h>

#include "analyzer/driver.hpp"
#include "base/parallel.hpp"
#include "cli/formats.hpp"
#include "cli/hosts.hpp"
#include "cli/input.hpp"
#include "cli/streams.hpp"
#include "report/lint_report.hpp"

namespace untrack::cli {
namespace {

struct LintArguments {
    std::vector<std::string> paths;
    std::vector<std::string> select;
    std::vector<std::string> ignore;
    std::string fail_on = "warning";
    std::string kernel = "modern";
};

/// Findings that are made into text at once: about a hundred kilobytes.
constexpr std::size_t findings_at_once = 256;

/// One file with what was found in it, or why it could not be read.
struct Checked {
    std::unique_ptr<Input> input;
    std::string error;
    std::unique_ptr<analyzer::Findings> findings;
    std::vector<std::vector<model::ConntrackUse>> uses;  ///< by view
};

/// A file as the packets of each of its families meet it.
using Contexts = std::vector<std::unique_ptr<analyzer::FileContext>>;

class Linting {
  public:
    Linting(const LintArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        auto selection = select();
        if (!selection) return exit_usage;
        auto paths = find_files(arguments_.paths, "lint");
        if (!paths) return exit_usage;
        Formats formats(context_, *paths);
        wants_json_ = formats.wants(Format::json);
        bool failed = false;
        threads_ = job_count(context_);
        const std::size_t for_each_file = std::max<std::size_t>(threads_ / paths->size(), 1);
        const Hosts hosts(*paths, arguments_.paths);
        in_order(
            paths->size(), threads_,
            [&](std::size_t i) {
                auto extent = hosts.is_alone(i) ? analyzer::Extent::host : analyzer::Extent::file;
                return check((*paths)[i], *selection, extent, for_each_file);
            },
            [&](std::size_t, Checked&& checked) {
                if (!checked.error.empty()) {
                    complain(checked.error);
                    failed = true;
                } else if (!failed) {
                    print_error(remarks(*checked.input, context_));
                    keep(std::move(checked));
                }
            });
        if (failed) return exit_usage;
        ask_hosts(hosts, *selection);
        count();
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
                                         word.empty() ? "''" : word, nearest_rule(word)));
        return std::nullopt;
    }

    /// With several threads if the file is worth it.
    [[nodiscard]] Checked check(const std::string& path, const analyzer::Selection& selection,
                                analyzer::Extent extent, std::size_t threads) const {
        Checked checked;
        auto input = read_input(path, context_, Keep::mapped, threads);
        if (!input) {
            checked.error = std::move(input.error());
            return checked;
        }
        checked.input = std::move(*input);
        Input& in = *checked.input;
        if (path == "-" && arguments_.paths.empty() && in.file.text().empty()) {
            checked.error = "no path is given, and standard input is empty";
            return checked;
        }
        if (in.file.text().size() < worth_threads) threads = 1;
        auto views = contexts(in, threads);
        checked.findings = std::make_unique<analyzer::Findings>(
            in.language == model::Language::iptables
                ? analyzer::lint(*views.front(), selection, threads, extent)
                : analyzer::lint(views, selection, threads, extent));
        for (const auto& view : views) checked.uses.push_back(std::move(view->rules.uses));
        return checked;
    }

    [[nodiscard]] Contexts contexts(const Input& in, std::size_t threads) const {
        model::KernelProfile kernel = arguments_.kernel == "2.6" ? model::KernelProfile::rhel6_2_6
                                      : arguments_.kernel == "3.10"
                                          ? model::KernelProfile::rhel7_3_10
                                          : model::KernelProfile::modern;
        Contexts made;
        for (const auto& view : in.views)
            made.push_back(std::make_unique<analyzer::FileContext>(*view->text, kernel, threads));
        return made;
    }

    /// Adds what is found of several files together. Their contexts are made again, so that no
    /// file's is kept while others are read.
    void ask_hosts(const Hosts& hosts, const analyzer::Selection& selection) {
        std::vector<std::vector<std::size_t>> asked =
            hosts.together([&](std::size_t i) -> const Input& { return *checked_[i].input; });
        in_order(
            asked.size(), threads_,
            [&](std::size_t i) {
                std::vector<Contexts> made;
                std::vector<analyzer::HostFile> files;
                for (std::size_t file : asked[i]) {
                    made.push_back(contexts(*checked_[file].input, 1));
                    files.emplace_back();
                    for (const auto& view : made.back()) files.back().push_back(view.get());
                }
                return analyzer::lint_host(files, selection);
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
        for (const Checked& checked : checked_)
            for (const analyzer::Finding& f : checked.findings->list) {
                worst_ = worst_ || f.severity >= limit;
                ++counts_[static_cast<std::size_t>(f.severity)];
            }
    }

    void keep(Checked&& file) {
        const Checked& checked = checked_.emplace_back(std::move(file));
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

    void print(Output& to) const {
        if (to.format() == Format::json)
            return report::lint_json(files_, [&](std::string_view piece) { to.write(piece); });
        bool color = to.is_standard_output() ? use_color(context_.color, STDOUT_FILENO)
                                             : context_.color == "always";
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
                     [&](std::size_t, const std::string& out) { to.write(out); });
        }
        std::string out;
        if (!context_.quiet) {
            std::size_t all = counts_[0] + counts_[1] + counts_[2];
            auto plural = [](std::size_t n, const char* noun) {
                return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
            };
            out += all == 0
                       ? std::string("no findings\n")
                       : fmt::format("{}, {}, {}\n", plural(counts_[2], "error"),
                                     plural(counts_[1], "warning"), plural(counts_[0], "remark"));
            out += report::conntrack_summary(files_);
        }
        to.write(out);
    }

    const LintArguments& arguments_;
    const Context& context_;
    std::vector<Checked> checked_;
    std::vector<report::LintedFile> files_;
    std::array<std::size_t, 3> counts_{};
    bool worst_ = false;
    bool wants_json_ = false;
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
    add_format_option(*sub, context);
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
