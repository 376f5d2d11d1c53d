// SPDX-License-Identifier: GPL-2.0-or-later
// untrack verify: are two rulesets the same; is a conversion sound.
#include <fmt/format.h>

#include "cli/formats.hpp"
#include "cli/input.hpp"
#include "cli/streams.hpp"
#include "model/iptables_values.hpp"
#include "report/verify_report.hpp"
#include "rewriter/rewrite.hpp"

namespace untrack::cli {
namespace {

struct VerifyArguments {
    std::string before;
    std::string after;
    std::vector<std::string> ports;
    std::string role = "server";
    std::string address;
    std::string interface;
    bool effects = false;
};

class Verifying {
  public:
    Verifying(const VerifyArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        if (arguments_.before == "-" && arguments_.after == "-") {
            complain("only one of the rulesets can be standard input");
            return exit_usage;
        }
        auto before = read(arguments_.before);
        auto after = before ? read(arguments_.after) : nullptr;
        if (!after) return exit_usage;
        Formats formats(context_, {arguments_.before, arguments_.after});
        model::Family family = before->ruleset.family;
        if (family != after->ruleset.family) {
            complain(fmt::format("{} is read as IPv{}, {} as IPv{}: say --family if that is wrong",
                                 arguments_.before, family_digit(family), arguments_.after,
                                 family_digit(after->ruleset.family)));
            return exit_usage;
        }
        if (!services(family)) return exit_usage;
        report::VerifyReport report;
        report.texts = {&before->text, &after->text};
        const model::Ruleset* old_host[] = {&before->ruleset};
        const model::Ruleset* new_host[] = {&after->ruleset};
        packet::CompareOptions options;
        options.effects = arguments_.effects;
        if (services_.list.empty()) {
            packet::Comparison c = packet::compare(family, old_host, new_host, options);
            report.result = c.result;
            report.differences = std::move(c.differences);
            report.more = c.more;
            report.undecided = std::move(c.undecided);
        } else {
            report.proof = packet::prove(family, old_host, new_host, services_, options);
            report.result = report.proof->result;
            for (const packet::Doubt& d : report.proof->undecided)
                report.undecided.push_back(d.message);
        }
        std::vector<Output> outputs = formats.open([](Format) { return true; });
        for (Output& output : outputs) {
            output.write(output.format() == Format::json ? report::verify_json(report)
                                                         : report::verify_text(report));
            output.finish();
        }
        return report.result == packet::Sameness::same        ? exit_ok
               : report.result == packet::Sameness::different ? exit_different
                                                              : exit_undecided;
    }

  private:
    std::unique_ptr<Input> read(const std::string& path) {
        auto read = read_input(path, context_);
        if (!read) {
            complain(read.error());
            return nullptr;
        }
        Input& input = **read;
        print_error(remarks(input, context_));
        if (std::string errors = syntax_errors(input); !errors.empty()) {
            print_error(errors);
            return nullptr;
        }
        input.ruleset = input.text.with_target_texts();
        return std::move(*read);
    }

    bool services(model::Family family) {
        for (const std::string& text : arguments_.ports) {
            auto service = rewriter::parse_service(text);
            if (!service) {
                complain(fmt::format("--port: {}", service.error()));
                return false;
            }
            services_.list.push_back(*service);
        }
        services_.role = arguments_.role == "router" ? packet::Role::router : packet::Role::server;
        services_.interface = arguments_.interface;
        if (arguments_.address.empty()) return true;
        model::MaskedAddress address;
        if (model::parse_masked_address(family, arguments_.address, address) !=
            model::AddressParse::ok) {
            complain(fmt::format("--address {} is no IPv{} address", arguments_.address,
                                 family_digit(family)));
            return false;
        }
        services_.address = address;
        return true;
    }

    const VerifyArguments& arguments_;
    const Context& context_;
    packet::Services services_;
};

}  // namespace

void add_verify(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<VerifyArguments>();
    CLI::App* sub = app.add_subcommand(
        "verify", "Decide whether two rulesets are the same, or a conversion sound");
    sub->add_option("BEFORE", arguments->before, "The ruleset as it was (- is standard input)")
        ->required();
    sub->add_option("AFTER", arguments->after, "The ruleset as it is to be")->required();
    auto* port =
        add_repeatable(*sub, "--port", arguments->ports,
                       "A service that leaves connection tracking: 80,443/tcp, 53/udp (repeatable)")
            ->type_name("SPEC");
    sub->add_option("--role", arguments->role,
                    "server: this host is the destination; router: the service passes through")
        ->check(CLI::IsMember({"server", "router"}))
        ->needs(port)
        ->capture_default_str();
    sub->add_option("--address", arguments->address, "The service's own address or network")
        ->needs(port);
    sub->add_option("--iface", arguments->interface, "The interface by which its clients come")
        ->needs(port);
    sub->add_flag("--effects", arguments->effects,
                  "Marks, logs, counters and sets must be the same, too")
        ->excludes(port);
    add_format_option(*sub, context);
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Verifying(*arguments, context).run(); });
}

}  // namespace untrack::cli
