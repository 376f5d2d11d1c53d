// SPDX-License-Identifier: GPL-2.0-or-later
// untrack trace: the path of packets through the rules.
#include <cstdio>
#include <cstring>
#include <fmt/format.h>

#include "cli/common.hpp"
#include "packet/words.hpp"
#include "report/packet_json.hpp"
#include "report/trace_report.hpp"

namespace untrack::cli {
namespace {

struct TraceArguments {
    std::vector<std::string> packets;
    std::string packet_file;
    std::string format = "text";
    std::vector<std::string> paths;
};

/// Two files that fill the same table of the same family are not one host.
bool one_host(const std::vector<std::unique_ptr<Input>>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
        for (std::size_t k = 0; k < i; ++k) {
            const model::Ruleset& a = inputs[k]->ruleset;
            const model::Ruleset& b = inputs[i]->ruleset;
            if (a.family != b.family) continue;
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
        bool failed = false;
        for (const std::string& path : arguments_.paths) {
            inputs_.push_back(read_input(path, context_));
            if (!inputs_.back()) return exit_usage;
            failed = print_syntax_errors(*inputs_.back()) || failed;
        }
        if (failed || !one_host(inputs_)) return exit_usage;
        std::vector<const model::Ruleset*> host;
        for (const auto& input : inputs_) {
            host.push_back(&input->ruleset);
            texts_.push_back({&input->ruleset, &input->tree, &input->line_index()});
        }
        tracer_.emplace(host);
        for (const std::string& words : arguments_.packets) {
            auto packet = packet::parse_packet(words);
            if (!packet) {
                complain(fmt::format("--packet '{}': {}", words, packet.error()));
                return exit_usage;
            }
            answer(*packet);
        }
        int result = arguments_.packet_file.empty() ? exit_ok : from_file();
        write_out(out_);
        return result;
    }

  private:
    void answer(const packet::Packet& packet) {
        packet::Trace trace = tracer_->trace(packet);
        if (arguments_.format == "json") {
            out_ += report::trace_json(packet, trace, texts_);
            out_ += '\n';
        } else {
            out_ += report::trace_text(packet, trace, texts_);
        }
        if (out_.size() > 1U << 16U) {
            write_out(out_);
            out_.clear();
        }
    }

    int from_file() {
        const std::string& path = arguments_.packet_file;
        std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "re");
        if (file == nullptr) {
            complain(fmt::format("{}: {}", path, std::strerror(errno)));
            return exit_usage;
        }
        int result = exit_ok;
        char* line = nullptr;
        std::size_t capacity = 0;
        std::size_t number = 0;
        for (ssize_t size = 0; (size = ::getline(&line, &capacity, file)) >= 0;) {
            ++number;
            std::string_view text(line, static_cast<std::size_t>(size));
            if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
            auto packet = report::packet_from_json(text);
            if (!packet) {
                complain(fmt::format("{}:{}: {}", path, number, packet.error()));
                result = exit_usage;
                break;
            }
            answer(*packet);
        }
        std::free(line);
        if (file != stdin) std::fclose(file);
        return result;
    }

    const TraceArguments& arguments_;
    const Context& context_;
    std::vector<std::unique_ptr<Input>> inputs_;
    std::vector<report::RulesetText> texts_;
    std::optional<packet::Tracer> tracer_;
    std::string out_;
};

}  // namespace

void add_trace(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<TraceArguments>();
    CLI::App* sub = app.add_subcommand("trace", "Follow packets through the rules of one host");
    sub->add_option("--packet", arguments->packets,
                    "A packet, such as 'tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0'");
    sub->add_option("--packets", arguments->packet_file,
                    "A file of packets, a JSON object a line (- is standard input)");
    sub->add_option("--format", arguments->format, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    sub->add_option("path", arguments->paths, "Rulesets; several files are one host")->required();
    add_input_options(*sub, context);
    sub->callback(
        [arguments, &context] { context.exit_code = Tracing(*arguments, context).run(); });
}

}  // namespace untrack::cli
