// SPDX-License-Identifier: GPL-2.0-or-later
// untrack trace: the path of packets through the rules.
#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/formats.hpp"
#include "cli/input.hpp"
#include "cli/streams.hpp"
#include "packet/words.hpp"
#include "report/packet_json.hpp"
#include "report/trace_report.hpp"

namespace untrack::cli {
namespace {

struct TraceArguments {
    std::vector<std::string> packets;
    std::string packet_file;
    std::vector<std::string> paths;
};

/// Two files that fill the same table of the same family are not one host.
bool one_host(const std::vector<std::unique_ptr<Input>>& inputs) {
    std::vector<const View*> views;
    for (const auto& input : inputs)
        for (const auto& view : input->views) views.push_back(view.get());
    for (std::size_t i = 0; i < views.size(); ++i)
        for (std::size_t k = 0; k < i; ++k) {
            const model::Ruleset& a = views[k]->ruleset;
            const model::Ruleset& b = views[i]->ruleset;
            if (a.family != b.family || a.language != b.language) continue;
            for (const model::Table& t : b.tables) {
                if (!a.find_table(t.name).valid()) continue;
                complain(
                    fmt::format("{} and {} both hold the IPv{} table {}: together they are no host",
                                a.path, b.path, family_digit(a.family), t.name));
                return false;
            }
        }
    return true;
}

class Tracing {
  public:
    Tracing(const TraceArguments& arguments, const Context& context)
        : arguments_(arguments), context_(context) {}

    int run() {
        if (arguments_.packets.empty() == arguments_.packet_file.empty()) {
            complain("trace wants either --packet or --packets");
            return exit_usage;
        }
        auto paths = find_files(arguments_.paths, "trace --packet PACKET");
        if (!paths) return exit_usage;
        if (arguments_.packet_file == "-" &&
            std::find(paths->begin(), paths->end(), "-") != paths->end()) {
            complain("standard input (-) cannot be both the ruleset and the packets");
            return exit_usage;
        }
        Formats formats(context_, files(*paths));
        if (!read_host(*paths)) return exit_usage;
        // All packets are read before the first is answered: a wrong one leaves no half answer.
        bool read = arguments_.packet_file.empty() ? read_words() : read_file();
        if (!read) return exit_usage;
        std::vector<const model::Ruleset*> host;
        for (const auto& input : inputs_)
            for (const auto& view : input->views) {
                host.push_back(&view->ruleset);
                texts_.push_back(view->text.get());
            }
        packet::Tracer tracer(host);
        std::vector<Output> outputs = formats.open([](Format) { return true; });
        std::vector<std::string> waiting(outputs.size());
        for (const packet::Packet& packet : packets_) {
            packet::Trace trace = tracer.trace(packet);
            for (std::size_t i = 0; i < outputs.size(); ++i) {
                waiting[i] += answer(packet, trace, outputs[i]);
                if (waiting[i].size() < 1U << 16U) continue;
                outputs[i].write(waiting[i]);
                waiting[i].clear();
            }
        }
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            outputs[i].write(waiting[i]);
            outputs[i].finish();
        }
        return exit_ok;
    }

  private:
    /// All that is read: no report may take its place.
    [[nodiscard]] std::vector<std::string> files(std::vector<std::string> paths) const {
        if (!arguments_.packet_file.empty()) paths.push_back(arguments_.packet_file);
        return paths;
    }

    bool read_host(const std::vector<std::string>& paths) {
        std::string errors;
        for (const std::string& path : paths) {
            auto input = read_input(path, context_);
            if (!input) {
                errors += fmt::format("untrack: {}\n", input.error());
                continue;
            }
            errors += syntax_errors(**input);
            print_error(remarks(**input, context_));
            inputs_.push_back(std::move(*input));
        }
        print_error(errors);
        return errors.empty() && one_host(inputs_);
    }

    bool read_words() {
        for (const std::string& words : arguments_.packets) {
            auto packet = packet::parse_packet(words);
            if (!packet) {
                complain(fmt::format("--packet '{}': {}", words, packet.error()));
                return false;
            }
            packets_.push_back(std::move(*packet));
        }
        return true;
    }

    bool read_file() {
        constexpr std::size_t most_errors = 20;
        const std::string& path = arguments_.packet_file;
        auto file = path == "-" ? SourceFile::read_stdin() : SourceFile::open(path);
        if (!file) {
            complain(
                fmt::format("{}: {}", path == "-" ? "standard input" : path, file.error().message));
            return false;
        }
        std::size_t errors = 0;
        std::size_t number = 0;
        for (std::string_view rest = file->text(); !rest.empty();) {
            std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            ++number;
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            auto packet = report::packet_from_json(line);
            if (packet) {
                packets_.push_back(std::move(*packet));
            } else if (++errors <= most_errors) {
                print_error(fmt::format("{}:{}:{}: error: {}\n", file->path(), number,
                                        packet.error().offset + 1, packet.error().message));
            }
        }
        if (errors > most_errors)
            complain(
                fmt::format("{}: {} more lines are wrong", file->path(), errors - most_errors));
        if (errors == 0 && packets_.empty() && !context_.quiet)
            complain(fmt::format("{}: holds no packet", file->path()));
        return errors == 0;
    }

    [[nodiscard]] std::string answer(const packet::Packet& packet, const packet::Trace& trace,
                                     const Output& to) const {
        if (to.format() == Format::json) return report::trace_json(packet, trace, texts_) + "\n";
        bool color = to.is_standard_output() ? use_color(context_.color, STDOUT_FILENO)
                                             : context_.color == "always";
        return report::trace_text(packet, trace, texts_, {!context_.quiet, color});
    }

    const TraceArguments& arguments_;
    const Context& context_;
    std::vector<std::unique_ptr<Input>> inputs_;
    std::vector<const model::RulesetText*> texts_;
    std::vector<packet::Packet> packets_;
};

}  // namespace

void add_trace(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<TraceArguments>();
    CLI::App* sub = app.add_subcommand("trace", "Follow packets through the rules of one host");
    add_repeatable(
        *sub, "--packet", arguments->packets,
        "A packet, such as 'tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0' (repeatable)")
        ->type_name("PACKET");
    sub->add_option("--packets", arguments->packet_file,
                    "A file of packets, a JSON object a line (- is standard input)")
        ->type_name("FILE.jsonl");
    add_format_option(*sub, context);
    sub->add_option("PATH", arguments->paths,
                    "Files, directories, or - for standard input; several files are one host")
        ->required();
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Tracing(*arguments, context).run(); });
}

}  // namespace untrack::cli
