// SPDX-License-Identifier: GPL-2.0-or-later
// untrack lint: findings, and whether the rulesets need connection tracking at all.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "analyzer/driver.hpp"
#include "cli/common.hpp"
#include "report/lint_report.hpp"

namespace untrack::cli {
namespace {

namespace fs = std::filesystem;

struct LintArguments {
    std::vector<std::string> paths;
    std::vector<std::string> select;
    std::vector<std::string> ignore;
    std::string format = "text";
    std::string color = "auto";
    std::string fail_on = "warning";
    std::string kernel = "modern";
    bool quiet = false;
};

bool use_color(const std::string& when) {
    if (when != "auto") return when == "always";
    const char* no_color = std::getenv("NO_COLOR");
    return (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

class Linting {
  public:
    Linting(const LintArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        auto selection = analyzer::Selection::make(arguments_.select, arguments_.ignore);
        if (!selection) {
            complain(fmt::format("{}: `untrack rules' lists them", selection.error()));
            return exit_usage;
        }
        std::vector<std::string> paths;
        for (const std::string& path : arguments_.paths)
            if (!collect(path, paths)) return exit_usage;
        for (const std::string& path : paths) {
            auto input = read_input(path, context_);
            if (!input) {
                failed_ = true;
                continue;
            }
            check(std::move(input), *selection);
        }
        if (failed_) return exit_usage;
        print();
        return worst_ ? exit_findings : exit_ok;
    }

  private:
    /// A file stands for itself; a directory for the iptables files in it.
    bool collect(const std::string& path, std::vector<std::string>& paths) {
        std::error_code error;
        if (path == "-" || !fs::is_directory(path, error)) {
            paths.push_back(path);
            return true;
        }
        std::vector<std::string> found;
        for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
             it.increment(error))
            if (it->is_regular_file(error) && is_iptables_file(it->path().string()))
                found.push_back(it->path().string());
        if (error) {
            complain(fmt::format("{}: {}", path, error.message()));
            return false;
        }
        if (found.empty()) {
            complain(fmt::format("{}: holds no iptables ruleset", path));
            return false;
        }
        std::sort(found.begin(), found.end());
        paths.insert(paths.end(), found.begin(), found.end());
        return true;
    }

    void check(std::unique_ptr<Input> input, const analyzer::Selection& selection) {
        Input& in = *inputs_.emplace_back(std::move(input));
        model::KernelProfile kernel = arguments_.kernel == "2.6" ? model::KernelProfile::rhel6_2_6
                                      : arguments_.kernel == "3.10"
                                          ? model::KernelProfile::rhel7_3_10
                                          : model::KernelProfile::modern;
        analyzer::FileContext file(in.tree, in.ruleset, kernel, &in.line_index());
        analyzer::Findings& findings = findings_.emplace_back(analyzer::lint(file, selection));
        report::LintedFile linted{in.file.path(),
                                  in.file.text(),
                                  &in.ruleset,
                                  &findings,
                                  &in.line_index(),
                                  in.tree.errors.size() + in.ruleset.problems.size(),
                                  std::move(file.rules.uses),
                                  {}};
        linted.use_lines.reserve(linted.uses.size());
        for (const model::ConntrackUse& use : linted.uses) {
            std::uint32_t at = use.rule.valid()
                                   ? in.tree.lines[in.ruleset.rule(use.rule).line].begin
                                   : in.ruleset.table(use.table).declared.begin;
            linted.use_lines.push_back(in.line_index().place(at).line);
        }
        auto limit = arguments_.fail_on == "error"  ? analyzer::Severity::error
                     : arguments_.fail_on == "info" ? analyzer::Severity::info
                                                    : analyzer::Severity::warning;
        for (const analyzer::Finding& f : findings.list) {
            worst_ = worst_ || f.severity >= limit;
            ++counts_[static_cast<std::size_t>(f.severity)];
        }
        files_.push_back(std::move(linted));
    }

    void print() {
        if (arguments_.format == "json")
            return report::lint_json(files_, [](std::string_view piece) { write_out(piece); });
        bool color = use_color(arguments_.color);
        std::string out;
        for (const report::LintedFile& file : files_)
            for (const analyzer::Finding& f : file.findings->list) {
                report::append_finding(out, file, f, color);
                if (out.size() < 1U << 18U) continue;
                write_out(out);
                out.clear();
            }
        if (!arguments_.quiet) {
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
        write_out(out);
    }

    const LintArguments& arguments_;
    const Context& context_;
    std::vector<std::unique_ptr<Input>> inputs_;
    std::deque<analyzer::Findings> findings_;
    std::vector<report::LintedFile> files_;
    std::array<std::size_t, 3> counts_{};
    bool worst_ = false;
    bool failed_ = false;
};

}  // namespace

void add_lint(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<LintArguments>();
    CLI::App* sub = app.add_subcommand(
        "lint", "Say what turns connection tracking on, and what is wrong in a bypass");
    sub->add_option("path", arguments->paths, "Files, directories, or - for standard input")
        ->required();
    sub->add_option("--select", arguments->select,
                    "Only these rules: codes, names or prefixes (UT1,UT203)")
        ->delimiter(',');
    sub->add_option("--ignore", arguments->ignore, "Not these rules")->delimiter(',');
    sub->add_option("--format", arguments->format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    sub->add_option("--color", arguments->color, "auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();
    sub->add_option("--fail-on", arguments->fail_on,
                    "Exit with 1 from this severity on: info, warning or error")
        ->check(CLI::IsMember({"info", "warning", "error"}))
        ->capture_default_str();
    sub->add_option("--kernel", arguments->kernel,
                    "Kernel profile: modern (4.9 and later), 3.10 or 2.6")
        ->check(CLI::IsMember({"modern", "3.10", "2.6"}))
        ->capture_default_str();
    sub->add_flag("-q,--quiet", arguments->quiet, "Findings only, no summary");
    add_input_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Linting(*arguments, context).run(); });
}

}  // namespace untrack::cli
