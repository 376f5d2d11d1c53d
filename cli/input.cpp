// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

#include "base/parallel.hpp"
#include "cli/language.hpp"
#include "cli/streams.hpp"
#include "model/iptables_text.hpp"
#include "model/lower_nft.hpp"
#include "model/nft_includes.hpp"
#include "model/nft_text.hpp"
#include "model/read_iptables.hpp"

namespace untrack::cli {
namespace {

namespace fs = std::filesystem;

/// What a file is by its beginning: only a ruleset is read whole. errno's message when it cannot be
/// read.
tl::expected<Language, std::string> look_into(const std::string& path) {
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return tl::make_unexpected(std::string(std::strerror(errno)));
    std::string head(std::size_t{1} << 16U, '\0');
    ssize_t n = ::read(fd, head.data(), head.size());
    int error = errno;
    ::close(fd);
    if (n < 0) return tl::make_unexpected(std::string(std::strerror(error)));
    head.resize(static_cast<std::size_t>(n));
    return language_at_first_line(head);
}

class Search {
  public:
    /// Files below the directory; unreadable ones are named on stderr.
    void directory(const fs::path& path) {
        std::error_code error;
        fs::directory_iterator it(path, error);
        std::vector<fs::directory_entry> entries;
        for (fs::directory_iterator end; !error && it != end; it.increment(error))
            entries.push_back(*it);
        if (error) return unreadable(path.string(), error.message());
        std::sort(entries.begin(), entries.end());
        for (const fs::directory_entry& entry : entries) {
            std::error_code ignored;
            if (entry.is_symlink(ignored) ? entry.is_regular_file(ignored)
                                          : !entry.is_directory(ignored)) {
                file(entry);
            } else if (!entry.is_symlink(ignored)) {
                directory(entry.path());
            }
        }
    }

    std::vector<std::string> found;
    bool failed = false;

  private:
    void file(const fs::directory_entry& entry) {
        std::error_code error;
        // Neither pipes, devices and links to nowhere nor what is empty or made by the kernel.
        if (!entry.is_regular_file(error) || entry.file_size(error) == 0 || error) return;
        const std::string path = entry.path().string();
        auto language = look_into(path);
        if (!language) return unreadable(path, language.error());
        if (*language == Language::iptables || *language == Language::nft) found.push_back(path);
    }

    void unreadable(const std::string& path, const std::string& why) {
        complain(fmt::format("{}: {}", path, why));
        failed = true;
    }
};

/// Two names of one file, by links or dots, are the same; hard links are not: each is a file of its
/// own once it is replaced.
std::string identity(const std::string& path) {
    std::error_code error;
    fs::path real = fs::canonical(path, error);
    return error ? path : real.string();
}

void read_iptables(Input& input, const Context& context, std::size_t threads) {
    std::string_view text = input.file.text();
    model::ReadOptions options;
    options.path = input.file.path();
    if (context.language == "ip6tables" || context.family == "6")
        options.family = model::Family::ip6;
    if (context.language == "iptables" || context.family == "4") options.family = model::Family::ip;
    options.threads = text.size() < worth_threads ? 1 : threads;
    View& view = *input.views.emplace_back(std::make_unique<View>());
    model::read(text, options, input.tree, view.ruleset);
    view.text = std::make_unique<model::IptablesText>(input.tree, view.ruleset);
}

/// Whether packets of its family meet anything there.
bool holds_anything(const model::Ruleset& r) {
    return !r.rules.empty() || !r.conntrack_objects.empty() || !r.base_chains().empty();
}

void read_nft(Input& input, std::size_t threads) {
    input.language = model::Language::nft;
    std::string_view text = input.file.text();
    if (text.size() < worth_threads) threads = 1;
    input.nft_tree = parser::nft::parse(text, parser::nft::Context::file, threads);
    model::read_includes(input.nft_tree, input.nft_text);
    std::unique_ptr<View> empty;
    auto lower = [&](std::size_t i) {
        auto view = std::make_unique<View>();
        model::Family family = i == 0 ? model::Family::ip : model::Family::ip6;
        view->ruleset = model::lower(input.nft_tree, {family, input.file.path()});
        view->text = std::make_unique<model::NftText>(input.nft_tree, view->ruleset);
        return view;
    };
    in_order(2, threads, lower, [&](std::size_t, std::unique_ptr<View>&& view) {
        if (holds_anything(view->ruleset)) {
            input.views.push_back(std::move(view));
        } else if (empty == nullptr) {
            empty = std::move(view);
        }
    });
    if (input.views.empty()) input.views.push_back(std::move(empty));
}

std::vector<model::TextError> errors_of(const Input& input) {
    std::vector<model::TextError> errors;
    for (const auto& view : input.views)
        for (const model::TextError& e : view->text->errors()) errors.push_back(e);
    // The families of one text share most of them.
    auto before = [](const model::TextError& a, const model::TextError& b) {
        return a.range.begin < b.range.begin;
    };
    std::stable_sort(errors.begin(), errors.end(), before);
    errors.erase(std::unique(errors.begin(), errors.end(),
                             [](const model::TextError& a, const model::TextError& b) {
                                 return a.range.begin == b.range.begin && a.message == b.message;
                             }),
                 errors.end());
    return errors;
}

}  // namespace

std::optional<std::vector<std::string>> find_files(const std::vector<std::string>& paths,
                                                   std::string_view subcommand, bool* incomplete) {
    if (paths.empty()) {
        if (::isatty(STDIN_FILENO) != 1) return std::vector<std::string>{"-"};
        complain(fmt::format(
            "{0} wants files, directories, or a ruleset on standard input, as in: iptables-save | "
            "untrack {0}",
            subcommand));
        return std::nullopt;
    }
    if (std::count(paths.begin(), paths.end(), "-") > 1) {
        complain("standard input (-) can be read only once");
        return std::nullopt;
    }
    std::vector<std::string> files;
    std::set<std::string> seen;
    bool failed = false;
    auto add = [&](const std::string& path) {
        if (path == "-" || seen.insert(identity(path)).second) files.push_back(path);
    };
    for (const std::string& path : paths) {
        std::error_code error;
        if (path == "-" || !fs::is_directory(path, error)) {
            add(path);
            continue;
        }
        Search search;
        search.directory(path);
        failed = failed || search.failed;
        if (search.found.empty() && !search.failed) {
            complain(
                fmt::format("{}: holds no ruleset (no file that begins with a line such as "
                            "`*filter' or `table inet filter {{')",
                            path));
            failed = true;
        }
        for (const std::string& file : search.found) add(file);
    }
    if (incomplete != nullptr) {
        *incomplete = failed;
    } else if (failed) {
        return std::nullopt;
    }
    return files;
}

tl::expected<std::unique_ptr<Input>, std::string> read_input(const std::string& path,
                                                             const Context& context, Keep keep,
                                                             std::size_t threads) {
    auto file = path == "-" ? SourceFile::read_stdin() : SourceFile::open(path);
    if (!file)
        return tl::make_unexpected(
            fmt::format("{}: {}", path == "-" ? "standard input" : path, file.error().message));
    if (keep == Keep::copied && path != "-")
        *file = SourceFile::from_text(file->path(), file->text());
    return read_text(std::move(*file), context, threads);
}

tl::expected<std::unique_ptr<Input>, std::string> read_text(SourceFile file, const Context& context,
                                                            std::size_t threads) {
    auto failure = [](std::string message) { return tl::make_unexpected(std::move(message)); };
    const std::string& lang = context.language;
    if (lang != "auto" && lang != "iptables" && lang != "ip6tables" && lang != "nft")
        return failure(
            fmt::format("{}: error[UT904] unsupported-language: this version does not read "
                        "--lang {}, only iptables, ip6tables and nft",
                        file.path(), lang));
    auto input = std::make_unique<Input>(std::move(file));
    Language language = lang == "nft" ? Language::nft : Language::iptables;
    if (lang == "auto") {
        language = guess_language(input->file.text());
        if (language != Language::iptables && language != Language::nft)
            return failure(cannot_read(input->file.path(), language));
    }
    if (language == Language::nft) {
        read_nft(*input, threads);
    } else {
        read_iptables(*input, context, threads);
    }
    return input;
}

std::unique_ptr<Input> read_ruleset(SourceFile file, const Context& context, std::size_t threads) {
    auto input = std::make_unique<Input>(std::move(file));
    if (context.language == "nft") {
        read_nft(*input, threads);
    } else {
        read_iptables(*input, context, threads);
    }
    return input;
}

std::size_t error_count(const Input& input) {
    return errors_of(input).size();
}

std::string syntax_errors(const Input& input) {
    std::string out;
    for (const model::TextError& e : errors_of(input)) {
        auto [path, at] = input.place(e.range.begin);
        out += fmt::format("{}:{}:{}: error: {}\n", path, at.line, at.column, e.message);
    }
    return out;
}

std::string remarks(const Input& input, const Context& context) {
    std::string out;
    if (context.verbose) {
        for (const auto& view : input.views) {
            const model::Ruleset& r = view->ruleset;
            out += fmt::format("{}: read as {} (IPv{}), lines: {}, tables: {}, rules: {}\n",
                               input.file.path(), view->text->language(), family_digit(r.family),
                               view->text->lines(view->text->part(0)).line_count(), r.tables.size(),
                               r.rules.size());
        }
    }
    if (context.quiet) return out;
    if (!input.has_rules())
        out += fmt::format("{}: {}\n", input.file.path(),
                           input.file.text().empty() ? "is empty" : "holds no table and no rule");
    std::uint32_t last = 0xffffffffU;
    for (const model::Problem& p : input.views.front()->ruleset.unfollowed) {
        if (p.range.begin == last) continue;
        last = p.range.begin;
        auto [path, at] = input.place(p.range.begin);
        out += fmt::format("{}:{}:{}: note: {}\n", path, at.line, at.column, p.message);
    }
    return out;
}

}  // namespace untrack::cli
