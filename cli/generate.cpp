// SPDX-License-Identifier: GPL-2.0-or-later
// untrack generate: manual pages and completions, for the build; hidden from --help.
#include <filesystem>
#include <fmt/format.h>

#include "cli/common.hpp"
#include "cli/definition.hpp"
#include "cli/streams.hpp"
#include "rewriter/write_file.hpp"

namespace untrack::cli {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view text) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) throw Fatal(fmt::format("{}: {}", path.parent_path().string(), error.message()));
    auto file = rewriter::FileWriter::create(path.string());
    if (!file) throw Fatal(fmt::format("{}: {}", path.string(), file.error()));
    std::string why = file->write(text);
    if (why.empty()) why = file->commit();
    if (!why.empty()) throw Fatal(fmt::format("{}: {}", path.string(), why));
}

/// Below the folder: man1/, and completions/ with a folder for each shell.
void generate(const Definition& definition, const fs::path& folder) {
    write_file(folder / "man1/untrack.1", manual_page(definition, definition.program));
    for (const Command& sub : definition.subcommands)
        write_file(folder / fmt::format("man1/untrack-{}.1", sub.name),
                   manual_page(definition, sub));
    write_file(folder / "completions/bash/untrack", bash_completion(definition));
    write_file(folder / "completions/zsh/_untrack", zsh_completion(definition));
    write_file(folder / "completions/fish/untrack.fish", fish_completion(definition));
}

}  // namespace

void add_generate(CLI::App& app) {
    auto folder = std::make_shared<std::string>();
    CLI::App* sub =
        app.add_subcommand("generate", "Write manual pages and completions into a folder");
    sub->group("");
    sub->add_option("DIRECTORY", *folder, "The folder")->required();
    sub->callback([folder, &app] { generate(definition_of(app), *folder); });
}

}  // namespace untrack::cli
