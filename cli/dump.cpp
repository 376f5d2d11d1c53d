// SPDX-License-Identifier: GPL-2.0-or-later
// untrack dump: what each stage made of a file, for bug reports.
#include <algorithm>
#include <fmt/format.h>

#include "cli/input.hpp"
#include "cli/streams.hpp"
#include "parser/nft/shape.hpp"

namespace untrack::cli {
namespace {

namespace ipt = parser::iptables;

struct DumpArguments {
    std::string stage = "text";
    std::string path;
};

std::string_view kind_name(ipt::LineKind kind) {
    switch (kind) {
        case ipt::LineKind::blank:
            return "blank";
        case ipt::LineKind::comment:
            return "comment";
        case ipt::LineKind::table:
            return "table";
        case ipt::LineKind::chain:
            return "chain";
        case ipt::LineKind::command:
            return "command";
        case ipt::LineKind::commit:
            return "commit";
        case ipt::LineKind::error:
            return "error";
    }
    return {};
}

std::string dump_syntax(const ipt::SyntaxTree& tree) {
    std::string out;
    for (const ipt::Line& line : tree.lines) {
        TextRange range = tree.range(line);
        out += fmt::format("{}..{} {}\n", range.begin, range.end, kind_name(line.kind));
        for (const ipt::Option& option : tree.options_of(line)) {
            ipt::OptionWords words(tree, line, option);
            std::string_view name = option.key == ipt::unknown_option
                                        ? "(unknown option)"
                                        : ipt::option_info(option.key).name;
            bool negated =
                (option.flags & (ipt::Option::negated | ipt::Option::negated_after)) != 0;
            out += fmt::format("  {}{}", negated ? "! " : "", name);
            std::string storage;
            for (ipt::Word word; words.next(word);)
                out += fmt::format(" [{}]", ipt::word_value(tree.text, word, storage));
            out += '\n';
        }
    }
    for (const ipt::SyntaxError& e : tree.errors)
        out += fmt::format("error {}..{} {}\n", e.range.begin, e.range.end, e.message);
    return out;
}

std::string dump_syntax(const parser::nft::SyntaxTree& tree) {
    std::string out;
    std::vector<const parser::nft::Node*> ends;
    for (const parser::nft::Node& node : tree.nodes) {
        while (!ends.empty() && ends.back() == &node) ends.pop_back();
        out += fmt::format("{}..{} {:{}}{}\n", node.begin, node.end, "", 2 * ends.size(),
                           description(tree, node));
        if (!node.leaf()) ends.push_back(&node + node.size);
    }
    for (const parser::nft::SyntaxError& e : tree.errors)
        out += fmt::format("error {}..{} {}\n", e.range.begin, e.range.end, e.message);
    return out;
}

std::string dump_model(const View& view) {
    const model::Ruleset& r = view.ruleset;
    std::string out = fmt::format("family {}\n", family_digit(r.family));
    for (std::size_t c = 0; c < r.chains.size(); ++c) {
        const model::Chain& chain = r.chains[c];
        out += fmt::format("{}/{}", r.table(chain.table).name, chain.name);
        if (chain.base)
            out += fmt::format(" hook {} priority {} policy {}", name(chain.hook), chain.priority,
                               chain.policy == model::TargetKind::drop ? "drop" : "accept");
        out += fmt::format(", {} references\n", chain.references);
        for (model::RuleId id : r.rules_of(chain)) {
            const model::Rule& rule = r.rule(id);
            out +=
                fmt::format("  {}{} matches, target {}: {}\n", rule.implied ? "implied, " : "",
                            rule.match_count,
                            rule.target == model::TargetKind::none ? "none" : r.target_name(rule),
                            view.text->at(view.text->range(rule)));
        }
    }
    return out;
}

std::string dump_hooks(const model::Ruleset& r) {
    std::string out;
    for (std::size_t h = 0; h < model::hook_count; ++h) {
        auto hook = static_cast<model::Hook>(h);
        std::vector<const model::Chain*> chains;
        for (model::ChainId id : r.base_chains())
            if (r.chain(id).hook == hook) chains.push_back(&r.chain(id));
        std::stable_sort(chains.begin(), chains.end(), [&](const auto* a, const auto* b) {
            return r.place_in_hook(*a) < r.place_in_hook(*b);
        });
        for (const model::Chain* c : chains)
            out += fmt::format("{} {} {}/{}: {} rules\n", name(hook), c->priority,
                               r.table(c->table).name, c->name, c->rule_count);
    }
    return out;
}

int run(const DumpArguments& arguments, const Context& context) {
    auto input = read_input(arguments.path, context);
    if (!input) {
        complain(input.error());
        return exit_usage;
    }
    print_error(remarks(**input, context));
    const Input& in = **input;
    bool nft = in.language == model::Language::nft;
    if (arguments.stage == "text") {
        write_out(nft ? parser::nft::print(parser::nft::parse(in.file.text()))
                      : ipt::print(in.tree));
    } else if (arguments.stage == "syntax") {
        write_out(nft ? dump_syntax(in.nft_tree) : dump_syntax(in.tree));
    } else {
        for (const auto& view : in.views)
            write_out(arguments.stage == "model" ? dump_model(*view) : dump_hooks(view->ruleset));
    }
    return exit_ok;
}

}  // namespace

void add_dump(CLI::App& app, Context& context) {
    auto arguments = std::make_shared<DumpArguments>();
    CLI::App* sub = app.add_subcommand("dump", "Show what a stage made of a file");
    sub->add_option("--stage", arguments->stage,
                    "text (the tree's leaves joined), syntax, model or hooks")
        ->check(CLI::IsMember({"text", "syntax", "model", "hooks"}))
        ->capture_default_str();
    sub->add_option("PATH", arguments->path, "A ruleset, or - for standard input")->required();
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback([arguments, &context] { context.exit_code = run(*arguments, context); });
}

}  // namespace untrack::cli
