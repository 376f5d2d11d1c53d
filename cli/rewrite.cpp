// SPDX-License-Identifier: GPL-2.0-or-later
// untrack rewrite: rulesets that take services out of connection tracking.
#include "rewriter/rewrite.hpp"

#include <atomic>
#include <fmt/format.h>
#include <new>
#include <unistd.h>

#include "base/parallel.hpp"
#include "cli/formats.hpp"
#include "cli/input.hpp"
#include "cli/interruption.hpp"
#include "cli/progress.hpp"
#include "cli/settings.hpp"
#include "cli/streams.hpp"
#include "model/iptables_values.hpp"
#include "report/rewrite_report.hpp"
#include "rewriter/write_file.hpp"

namespace untrack::cli {
namespace {

struct RewriteArguments {
    std::vector<std::string> paths;
    Flags services;
    std::string backup;
    std::vector<std::string> force;
    bool legacy_target = false;
    bool diff = false;
    bool in_place = false;
};

/// What became of one file, and what is said of it.
struct Converted {
    report::RewrittenFile report;
    std::string text;      ///< for standard output: the ruleset or the diff
    std::string messages;  ///< for standard error, in lines
    int code = exit_ok;
};

class Rewriting {
  public:
    Rewriting(const RewriteArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        auto paths = find_files(arguments_.paths, "rewrite --port 80/tcp");
        if (!paths || !read_requests(*paths)) return exit_usage;
        Formats formats(context_, *paths);
        if (!usage(*paths, formats)) return exit_usage;
        std::optional<Interruption> interruption;
        std::atomic<std::size_t> replaced = 0;
        if (arguments_.in_place) {
            interruption.emplace([&] {
                return fmt::format(
                    "\nuntrack: interrupted: {} of {} files were rewritten, all others are as they "
                    "were\n",
                    replaced.load(), paths->size());
            });
        }
        std::vector<report::RewrittenFile> reports;
        std::string text;
        int code = exit_ok;
        Progress progress(arguments_.in_place && !context_.quiet ? paths->size() : 0);
        in_order(
            paths->size(), job_count(context_),
            [&](std::size_t i) {
                return try_to_convert((*paths)[i], requests_[i], formats,
                                      interruption ? &*interruption : nullptr, replaced);
            },
            [&](std::size_t i, Converted&& converted) {
                progress.say(converted.messages, i + 1);
                code = std::max(code, converted.code);
                text += converted.text;
                if (formats.wants(Format::json)) reports.push_back(std::move(converted.report));
            });
        progress.end();
        write_reports(formats, reports, text, code);
        return code;
    }

  private:
    /// What is asked of each file; false, which is said, when that is not known.
    bool read_requests(const std::vector<std::string>& paths) {
        Configs configs(context_);
        for (const std::string& path : paths) {
            auto config = configs.of(path);
            if (!config) {
                print_error(config.error());
                return false;
            }
            auto request = request_of(settings_for(path, *config, arguments_.services));
            if (request && request->services.empty())
                request = tl::make_unexpected(fmt::format(
                    "which service? --port 80,443/tcp says it, or `ports' in a {}", config_name));
            if (!request) {
                complain(request.error());
                return false;
            }
            requests_.push_back(std::move(*request));
        }
        return true;
    }

    [[nodiscard]] tl::expected<rewriter::Request, std::string> request_of(
        const Settings& settings) const {
        rewriter::Request request;
        for (const Sourced& text : settings.ports) {
            auto service = rewriter::parse_service(text.value);
            if (!service) return tl::make_unexpected(fmt::format("--port: {}", service.error()));
            request.services.push_back(*service);
        }
        request.role =
            settings.role.value == "router" ? rewriter::Role::router : rewriter::Role::server;
        request.interface = settings.interface.value;
        request.address_text = settings.address.value;
        request.legacy_target = arguments_.legacy_target;
        request.forced.insert(arguments_.force.begin(), arguments_.force.end());
        return request;
    }

    [[nodiscard]] bool usage(const std::vector<std::string>& paths, const Formats& formats) const {
        if (paths.size() > 1 && !arguments_.in_place && !arguments_.diff &&
            formats.wants(Format::text)) {
            complain(fmt::format("{} rulesets cannot be printed together: use --in-place or --diff",
                                 paths.size()));
            return false;
        }
        if (!arguments_.in_place) return true;
        if (formats.files(Format::text)) {
            complain(
                "--in-place puts the rulesets into their own files: --format text=FILE would "
                "stay empty");
            return false;
        }
        for (const std::string& path : paths)
            if (path == "-") {
                complain("--in-place wants files, not standard input");
                return false;
            }
        return true;
    }

    /// The service's address, in the family of the file; why not, or nothing.
    static std::string read_address(const Input& input, rewriter::Request& request) {
        const std::string& text = request.address_text;
        if (text.empty()) return {};
        for (const auto& view : input.views) {
            model::MaskedAddress address;
            model::Family family = view->ruleset.family;
            if (model::parse_masked_address(family, text, address) != model::AddressParse::ok)
                continue;
            request.address = address;
            request.address_family = family;
            return {};
        }
        char digit = family_digit(input.views.front()->ruleset.family)[0];
        if (input.views.size() > 1) return fmt::format("--address {} is no address", text);
        return fmt::format("--address {} is no IPv{} address, and this is an IPv{} ruleset", text,
                           digit, digit);
    }

    static Converted failed(const std::string& path, std::string why, std::string messages) {
        Converted converted;
        converted.report.path = path;
        converted.report.failure = std::move(why);
        converted.messages = std::move(messages);
        converted.code = exit_usage;
        return converted;
    }

    /// One file that is too large for the memory is no reason to leave the others.
    Converted try_to_convert(const std::string& path, const rewriter::Request& request,
                             const Formats& formats, Interruption* interruption,
                             std::atomic<std::size_t>& replaced) const {
        try {
            return convert(path, request, formats, interruption, replaced);
        } catch (const std::bad_alloc&) {
            std::string why = "there is not enough memory for this input";
            return failed(path, why, fmt::format("untrack: {}: {}\n", path, why));
        }
    }

    static rewriter::Outcome convert(const Input& input, const rewriter::Request& request) {
        if (input.language == model::Language::iptables)
            return rewriter::rewrite(input.tree, input.views.front()->ruleset, request);
        std::vector<const model::RulesetText*> views;
        for (const auto& view : input.views) views.push_back(view->text.get());
        return rewriter::rewrite(input.nft_tree, views, request);
    }

    Converted convert(const std::string& path, rewriter::Request request, const Formats& formats,
                      Interruption* interruption, std::atomic<std::size_t>& replaced) const {
        auto read = read_input(path, context_, Keep::copied);
        if (!read) return failed(path, read.error(), fmt::format("untrack: {}\n", read.error()));
        Input& input = **read;
        if (path == "-" && arguments_.paths.empty() && input.file.text().empty()) {
            std::string why = "no path is given, and standard input is empty";
            return failed(path, why, fmt::format("untrack: {}\n", why));
        }
        if (std::string errors = syntax_errors(input); !errors.empty())
            return failed(path, "has syntax errors",
                          errors + fmt::format("untrack: {}: left as it was: a ruleset with errors "
                                               "is not rewritten\n",
                                               input.file.path()));
        if (std::string why = read_address(input, request); !why.empty())
            return failed(path, why, fmt::format("untrack: {}: {}\n", input.file.path(), why));

        Converted converted;
        report::RewrittenFile& file = converted.report;
        file.path = input.file.path();
        file.outcome = convert(input, request);
        // Reasons that are about no line of the file have offset 0.
        for (auto* reasons : {&file.outcome.reasons, &file.outcome.forced})
            for (rewriter::Reason& reason : *reasons)
                if (reason.offset != 0) reason.line = input.place(reason.offset).at.line;
        converted.messages = remarks(input, context_);
        converted.messages +=
            report::rewrite_text(file, !context_.quiet, use_color(context_.color, STDERR_FILENO));
        if (file.outcome.status == rewriter::Status::refused) converted.code = exit_refused;
        if (arguments_.in_place) {
            replace(input, converted, *interruption, replaced);
        } else if (formats.wants(Format::text) && converted.code == exit_ok) {
            converted.text = arguments_.diff ? unified_diff(input.file.text(), file.outcome.edits,
                                                            file.path, file.path)
                                             : apply_edits(input.file.text(), file.outcome.edits);
        }
        return converted;
    }

    /// Replaces the file when there is something to do, and adds the line that says what was done.
    void replace(const Input& input, Converted& converted, Interruption& interruption,
                 std::atomic<std::size_t>& replaced) const {
        report::RewrittenFile& file = converted.report;
        std::string_view done =
            file.outcome.status == rewriter::Status::refused ? "left as it was" : "nothing to do";
        std::string_view note;
        if (file.outcome.status == rewriter::Status::rewritten) {
            std::string after = apply_edits(input.file.text(), file.outcome.edits);
            auto lock = interruption.replacing();
            unsigned long names = rewriter::count_names(file.path);
            file.failure =
                rewriter::replace_file(file.path, input.file.text(), after, arguments_.backup);
            if (!file.failure.empty()) {
                converted.messages =
                    fmt::format("untrack: {}: left as it was: {}\n", file.path, file.failure);
                converted.code = exit_usage;
                return;
            }
            ++replaced;
            done = "rewritten";
            if (names > 1)
                note = names == 2 ? "; its other name (a hard link) keeps the old ruleset"
                                  : "; its other names (hard links) keep the old ruleset";
        }
        if (!context_.quiet) converted.messages += fmt::format("{}: {}{}\n", file.path, done, note);
    }

    void write_reports(const Formats& formats, const std::vector<report::RewrittenFile>& reports,
                       const std::string& text, int code) const {
        // Refused or failed: no output file is touched but the report that says so.
        std::vector<Output> outputs = formats.open([&](Format format) {
            return format == Format::json || (!arguments_.in_place && code == exit_ok) ||
                   !text.empty();
        });
        for (Output& output : outputs) {
            if (output.format() == Format::json) {
                output.write(report::rewrite_json(reports));
            } else {
                bool color = arguments_.diff &&
                             (output.is_standard_output() ? use_color(context_.color, STDOUT_FILENO)
                                                          : context_.color == "always");
                output.write(color ? report::colored_diff(text) : text);
            }
            output.finish();
        }
    }

    const RewriteArguments& arguments_;
    const Context& context_;
    std::vector<rewriter::Request> requests_;  ///< by file
};

}  // namespace

void add_rewrite(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<RewriteArguments>();
    CLI::App* sub = app.add_subcommand("rewrite", "Take services out of connection tracking");
    sub->add_option(
        "PATH", arguments->paths,
        "Files, directories, or - for standard input (which is read, too, when there is "
        "no path)");
    add_service_flags(*sub, arguments->services);
    add_config_options(*sub, context);
    add_format_option(*sub, context);
    sub->add_option("--force", arguments->force,
                    "Convert in spite of a refusal, by its code (repeatable)")
        ->allow_extra_args(false)
        ->type_name("CODE")
        ->check([](const std::string& code) {
            auto codes = rewriter::refusal_codes();
            return std::find(codes.begin(), codes.end(), code) != codes.end()
                       ? std::string()
                       : fmt::format("`{}' is no code of a refusal; they are {}", code,
                                     fmt::join(codes, " "));
        });
    sub->add_flag("--legacy-target", arguments->legacy_target,
                  "Write NOTRACK instead of CT --notrack");
    auto* diff = sub->add_flag("--diff", arguments->diff, "Print a unified diff");
    auto* in_place =
        sub->add_flag("--in-place", arguments->in_place, "Replace the files")->excludes(diff);
    sub->add_option("--backup", arguments->backup,
                    "With --in-place: keep the old file with this suffix")
        ->type_name("SUFFIX")
        ->check([](const std::string& suffix) {
            return suffix.empty() || suffix.find('/') != std::string::npos
                       ? std::string("a suffix such as .orig is wanted")
                       : std::string();
        })
        ->needs(in_place);
    add_jobs_option(*sub, context);
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Rewriting(*arguments, context).run(); });
}

}  // namespace untrack::cli
