// SPDX-License-Identifier: GPL-2.0-or-later
// untrack verify: are two rulesets the same; is a conversion sound.
#include <fmt/format.h>
#include <iterator>

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
        : arguments_(arguments), context_(context), fits_(arguments.address.empty()) {}

    int run() {
        if (arguments_.before == "-" && arguments_.after == "-") {
            complain("only one of the rulesets can be standard input");
            return exit_usage;
        }
        auto before = read(arguments_.before);
        auto after = before ? read(arguments_.after) : nullptr;
        if (!after) return exit_usage;
        Formats formats(context_, {arguments_.before, arguments_.after});
        report::VerifyReport report;
        bool compared = false;
        for (model::Family family : {model::Family::ip, model::Family::ip6}) {
            const View* old_view = view_of(*before, family);
            const View* new_view = view_of(*after, family);
            if (old_view == nullptr || new_view == nullptr) continue;
            compared = true;
            auto ours = services(family);
            if (!ours) return exit_usage;
            compare(*old_view, *new_view, *ours, report);
        }
        if (!compared) {
            complain(fmt::format("{} is read as {}, {} as {}: say --family if that is wrong",
                                 arguments_.before, families(*before), arguments_.after,
                                 families(*after)));
            return exit_usage;
        }
        if (!fits_) {
            complain(fmt::format("--address {} is no {} address", arguments_.address,
                                 families(*before)));
            return exit_usage;
        }
        say_left_out(*before, *after, arguments_.before);
        say_left_out(*after, *before, arguments_.after);
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
        for (const auto& view : input.views) view->ruleset = view->text->with_target_texts();
        return std::move(*read);
    }

    static const View* view_of(const Input& input, model::Family family) {
        for (const auto& view : input.views)
            if (view->ruleset.family == family) return view.get();
        return nullptr;
    }
    static std::string families(const Input& input) {
        std::string out;
        for (const auto& view : input.views)
            out += fmt::format("{}IPv{}", out.empty() ? "" : " and ",
                               family_digit(view->ruleset.family));
        return out;
    }
    /// What only one of the files has rules for is compared with nothing.
    void say_left_out(const Input& input, const Input& other, const std::string& path) const {
        if (context_.quiet) return;
        for (const auto& view : input.views)
            if (view_of(other, view->ruleset.family) == nullptr)
                print_error(fmt::format("{}: what it says of IPv{} is compared with nothing\n",
                                        path, family_digit(view->ruleset.family)));
    }

    void compare(const View& before, const View& after, const packet::Services& services,
                 report::VerifyReport& report) const {
        model::Family family = before.ruleset.family;
        report.texts.push_back(before.text.get());
        report.texts.push_back(after.text.get());
        const model::Ruleset* old_host[] = {&before.ruleset};
        const model::Ruleset* new_host[] = {&after.ruleset};
        packet::CompareOptions options;
        options.effects = arguments_.effects;
        auto worse = [&](packet::Sameness result) {
            if (report.result == packet::Sameness::different) return;
            if (result != packet::Sameness::same) report.result = result;
        };
        auto take = [](auto& to, auto& from) {
            to.insert(to.end(), std::make_move_iterator(from.begin()),
                      std::make_move_iterator(from.end()));
        };
        if (services.list.empty()) {
            packet::Comparison c = packet::compare(family, old_host, new_host, options);
            worse(c.result);
            take(report.differences, c.differences);
            report.more = report.more || c.more;
            take(report.undecided, c.undecided);
        } else {
            packet::Proof proof = packet::prove(family, old_host, new_host, services, options);
            worse(proof.result);
            for (const packet::Doubt& d : proof.undecided) report.undecided.push_back(d.message);
            if (!report.proof) report.proof.emplace();
            take(report.proof->violations, proof.violations);
            take(report.proof->residue, proof.residue);
            take(report.proof->undecided, proof.undecided);
        }
    }

    /// The services as the family knows them: with an address of the other one there are none.
    std::optional<packet::Services> services(model::Family family) {
        packet::Services out;
        out.role = arguments_.role == "router" ? packet::Role::router : packet::Role::server;
        out.interface = arguments_.interface;
        for (const std::string& text : arguments_.ports) {
            auto service = rewriter::parse_service(text);
            if (!service) {
                complain(fmt::format("--port: {}", service.error()));
                return std::nullopt;
            }
            out.list.push_back(*service);
        }
        if (arguments_.address.empty()) return out;
        model::MaskedAddress address;
        if (model::parse_masked_address(family, arguments_.address, address) ==
            model::AddressParse::ok) {
            out.address = address;
            fits_ = true;
        } else {
            out.list.clear();
        }
        return out;
    }

    const VerifyArguments& arguments_;
    const Context& context_;
    bool fits_;  ///< --address is one of a family that is compared
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
