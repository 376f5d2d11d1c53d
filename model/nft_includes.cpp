// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/nft_includes.hpp"

#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <glob.h>
#include <vector>

#include "base/source_file.hpp"

namespace untrack::model {
namespace {

namespace nft = parser::nft;

/// As nft has it (src/scanner.l: MAX_INCLUDE_DEPTH).
constexpr unsigned deepest = 16;
/// Where nft looks for names that are no paths.
constexpr std::string_view include_path = "/etc/";

struct Site {
    nft::IncludeSite at;
    unsigned depth;
};

/// The files of a path or pattern in the order of their names; directories are passed over.
std::vector<std::string> files_of(const std::string& pattern) {
    std::vector<std::string> out;
    glob_t found{};
    if (::glob(pattern.c_str(), GLOB_MARK, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i)
            if (std::string_view path = found.gl_pathv[i]; !path.ends_with('/'))
                out.emplace_back(path);
    ::globfree(&found);
    return out;
}

}  // namespace

void read_includes(nft::SyntaxTree& tree, std::string& text) {
    std::deque<Site> todo;
    auto find_sites = [&](std::uint32_t root, nft::Context context, unsigned depth) {
        for (const nft::IncludeSite& site : nft::include_sites(tree, root, context))
            todo.push_back({site, depth});
    };
    find_sites(0, nft::Context::file, 1);
    if (todo.empty()) return;
    text = tree.text;
    tree.text = text;
    for (; !todo.empty(); todo.pop_front()) {
        Site site = todo.front();
        nft::Inclusion inclusion;
        inclusion.node = site.at.node;
        const nft::Node* name = nft::child(tree.nodes[site.at.node], std::size_t{0});
        std::string path(name == nullptr ? std::string_view() : tree.value_of(*name));
        bool is_path = path.starts_with('/') || path.starts_with("./") || path.starts_with("../");
        std::vector<std::string> files =
            files_of(is_path ? path : std::string(include_path) + path);
        // A pattern that nothing fits includes nothing.
        bool pattern = path.find_first_of("*?[") != std::string::npos;
        if (files.empty() && !pattern)
            inclusion.unread = fmt::format("{} is not here: what it would add is not known", path);
        for (const std::string& file : files) {
            auto source = SourceFile::open(file);
            if (!source) {
                inclusion.unread = fmt::format("{}: {}", file, source.error().message);
                continue;
            }
            if (site.depth > deepest ||
                text.size() + source->text().size() > SourceFile::max_size) {
                inclusion.unread = fmt::format("{}: files include one another too deeply", file);
                continue;
            }
            inclusion.files.push_back(
                nft::include(tree, text, file, source->text(), site.at.context));
            find_sites(tree.included.back().root, site.at.context, site.depth + 1);
        }
        tree.inclusions.push_back(std::move(inclusion));
    }
}

}  // namespace untrack::model
