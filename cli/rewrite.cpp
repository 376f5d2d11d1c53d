// SPDX-License-Identifier: GPL-2.0-or-later
// untrack rewrite: rulesets that take services out of connection tracking.
#include "rewriter/rewrite.hpp"

#include <fmt/format.h>

#include "cli/common.hpp"
#include "model/iptables_values.hpp"
#include "report/rewrite_report.hpp"
#include "rewriter/write_file.hpp"

namespace untrack::cli {
namespace {

struct RewriteArguments {
    std::vector<std::string> ports;
    std::vector<std::string> paths;
    std::string role = "server";
    std::string address;
    std::string interface;
    std::string format = "text";
    std::string backup;
    std::vector<std::string> force;
    bool legacy_target = false;
    bool diff = false;
    bool in_place = false;
};

class Rewriting {
  public:
    Rewriting(const RewriteArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        if (!usage()) return exit_usage;
        std::vector<report::RewrittenFile> files;
        int code = exit_ok;
        for (const std::string& path : arguments_.paths) {
            auto input = read_input(path, context_);
            if (!input || print_syntax_errors(*input)) {
                files.push_back({path, {}, nullptr, "cannot be read"});
                code = exit_usage;
                continue;
            }
            int result = convert(*inputs_.emplace_back(std::move(input)), files);
            code = std::max(code, result);
        }
        if (arguments_.format == "json") write_out(report::rewrite_json(files));
        return code;
    }

  private:
    bool usage() {
        for (const std::string& text : arguments_.ports) {
            auto service = rewriter::parse_service(text);
            if (!service) {
                complain(service.error());
                return false;
            }
            request_.services.push_back(*service);
        }
        if (arguments_.paths.size() > 1 && !arguments_.in_place && !arguments_.diff &&
            arguments_.format == "text") {
            complain(
                "several files cannot go to standard output together: use --in-place or --diff");
            return false;
        }
        if (arguments_.in_place)
            for (const std::string& path : arguments_.paths)
                if (path == "-") {
                    complain("--in-place wants files, not standard input");
                    return false;
                }
        request_.role =
            arguments_.role == "router" ? rewriter::Role::router : rewriter::Role::server;
        request_.interface = arguments_.interface;
        request_.address_text = arguments_.address;
        request_.legacy_target = arguments_.legacy_target;
        request_.forced.insert(arguments_.force.begin(), arguments_.force.end());
        return true;
    }

    /// The service's address, in the family of the file.
    bool read_address(const Input& input) {
        request_.address.reset();
        if (arguments_.address.empty()) return true;
        model::MaskedAddress address;
        if (model::parse_masked_address(input.ruleset.family, arguments_.address, address) !=
            model::AddressParse::ok) {
            complain(fmt::format("{}: --address {} is no IPv{} address", input.file.path(),
                                 arguments_.address, family_digit(input.ruleset.family)));
            return false;
        }
        request_.address = address;
        return true;
    }

    int convert(Input& input, std::vector<report::RewrittenFile>& files) {
        const std::string& path = input.file.path();
        if (!read_address(input)) {
            files.push_back({path, {}, nullptr, "the address is of the other family"});
            return exit_usage;
        }
        report::RewrittenFile file{
            path, rewriter::rewrite(input.tree, input.ruleset, request_), &input.line_index(), {}};
        const rewriter::Outcome& outcome = file.outcome;
        int code = outcome.status == rewriter::Status::refused ? exit_refused : exit_ok;
        if (code == exit_ok && arguments_.in_place &&
            outcome.status == rewriter::Status::rewritten) {
            file.failure = rewriter::replace_file(
                path, apply_edits(input.file.text(), outcome.edits), arguments_.backup);
            if (!file.failure.empty()) {
                complain(fmt::format("{}: {}", path, file.failure));
                code = exit_usage;
            }
        }
        if (arguments_.format == "text") {
            print_error(report::rewrite_text(file));
            if (arguments_.in_place && file.failure.empty())
                print_error(fmt::format("{}: {}\n", path,
                                        outcome.status == rewriter::Status::rewritten ? "rewritten"
                                        : outcome.status == rewriter::Status::refused
                                            ? "left as it was"
                                            : "nothing to do"));
            if (code == exit_ok && arguments_.diff) {
                write_out(unified_diff(input.file.text(), outcome.edits, path, path));
            } else if (code == exit_ok && !arguments_.in_place) {
                write_out(apply_edits(input.file.text(), outcome.edits));
            }
        }
        files.push_back(std::move(file));
        return code;
    }

    const RewriteArguments& arguments_;
    const Context& context_;
    rewriter::Request request_;
    std::vector<std::unique_ptr<Input>> inputs_;
};

}  // namespace

void add_rewrite(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<RewriteArguments>();
    CLI::App* sub = app.add_subcommand("rewrite", "Take services out of connection tracking");
    sub->add_option("--port", arguments->ports,
                    "A service: 80,443/tcp, 8000-8010/tcp, 53/udp, https/tcp (repeatable)")
        ->required();
    sub->add_option("path", arguments->paths, "Rulesets, or - for standard input")->required();
    sub->add_option("--role", arguments->role,
                    "server: this host is the destination; router: the service passes through")
        ->check(CLI::IsMember({"server", "router"}))
        ->capture_default_str();
    sub->add_option("--address", arguments->address, "The service's own address or network");
    sub->add_option("--iface", arguments->interface, "The interface by which its clients come");
    sub->add_option("--format", arguments->format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    sub->add_option("--force", arguments->force,
                    "Convert in spite of a refusal, by its code (repeatable)")
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
        ->needs(in_place);
    add_input_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Rewriting(*arguments, context).run(); });
}

}  // namespace untrack::cli
