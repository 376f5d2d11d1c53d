// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/formats.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/streams.hpp"

namespace untrack::cli {
namespace {

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// /dev/stdout, and whatever standard output was redirected to.
bool is_stdout(const std::string& path) {
    struct stat file {};
    struct stat out {};
    return path == "-" || (::stat(path.c_str(), &file) == 0 && ::fstat(STDOUT_FILENO, &out) == 0 &&
                           !S_ISCHR(file.st_mode) && same_file(file, out));
}

bool same_place(const std::string& a, const std::string& b) {
    struct stat one {};
    struct stat other {};
    return a == b || (::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
                      S_ISREG(one.st_mode) && same_file(one, other));
}

struct Named {
    std::string_view name;
    Format format;
};
/// Those of all subcommands come first.
constexpr Named all_formats[] = {{"text", Format::text},
                                 {"json", Format::json},
                                 {"sarif", Format::sarif},
                                 {"github", Format::github},
                                 {"gitlab", Format::gitlab},
                                 {"junit", Format::junit},
                                 {"checkstyle", Format::checkstyle}};
constexpr std::size_t own_formats = 2;

std::span<const Named> offered(Reports reports) {
    return reports == Reports::own ? std::span(all_formats).first(own_formats)
                                   : std::span(all_formats);
}

/// "text, json and sarif"
std::string in_a_sentence(Reports reports) {
    std::string out;
    std::span<const Named> formats = offered(reports);
    for (std::size_t i = 0; i < formats.size(); ++i) {
        if (i > 0) out += i + 1 == formats.size() ? " and " : ", ";
        out += formats[i].name;
    }
    return out;
}

}  // namespace

std::vector<std::string_view> format_names(Reports reports) {
    std::vector<std::string_view> out;
    for (const Named& format : offered(reports)) out.push_back(format.name);
    return out;
}

Output::Output(Format format, std::string path) : format_(format), path_(std::move(path)) {
    if (path_.empty()) return;
    auto file = rewriter::FileWriter::create(path_);
    if (!file) throw Fatal(fmt::format("{}: {}", path_, file.error()));
    file_ = std::make_unique<rewriter::FileWriter>(std::move(*file));
}

void Output::write(std::string_view text) {
    if (!file_) return write_out(text);
    if (std::string why = file_->write(text); !why.empty())
        throw Fatal(fmt::format("{}: {}", path_, why));
}

void Output::finish() {
    if (!file_) return;
    if (std::string why = file_->commit(); !why.empty())
        throw Fatal(fmt::format("{}: {}", path_, why));
}

Formats::Formats(const Context& context, const std::vector<std::string>& inputs, Reports reports) {
    for (const std::string& word : context.formats) {
        std::size_t equals = word.find('=');
        std::string_view name = std::string_view(word).substr(0, equals);
        Destination to{Format::text, {}};
        std::span<const Named> formats = offered(reports);
        auto named = std::find_if(formats.begin(), formats.end(),
                                  [&](const Named& f) { return f.name == name; });
        if (named == formats.end())
            throw Fatal(
                fmt::format("--format {}: there are the formats {}", word, in_a_sentence(reports)));
        to.format = named->format;
        if (equals != std::string::npos) {
            to.path = word.substr(equals + 1);
            if (to.path.empty()) throw Fatal(fmt::format("--format {}: no file is named", word));
            if (is_stdout(to.path)) to.path.clear();
        }
        for (const Destination& other : destinations_) {
            if (!same_place(to.path, other.path)) continue;
            throw Fatal(fmt::format("--format {}: another report goes to {} already", word,
                                    to.path.empty() ? "standard output" : "that file"));
        }
        for (const std::string& input : inputs)
            if (!to.path.empty() && same_place(to.path, input))
                throw Fatal(
                    fmt::format("--format {}: the report would replace the ruleset that is "
                                "read",
                                word));
        destinations_.push_back(std::move(to));
    }
    if (destinations_.empty()) destinations_.push_back({Format::text, {}});
}

bool Formats::only_text() const {
    return std::all_of(destinations_.begin(), destinations_.end(),
                       [](const Destination& d) { return d.format == Format::text; });
}

bool Formats::wants(Format format) const {
    return std::any_of(destinations_.begin(), destinations_.end(),
                       [&](const Destination& d) { return d.format == format; });
}

bool Formats::files(Format format) const {
    return std::any_of(destinations_.begin(), destinations_.end(),
                       [&](const Destination& d) { return d.format == format && !d.path.empty(); });
}

std::vector<Output> Formats::open(const std::function<bool(Format)>& has) const {
    std::vector<Output> outputs;
    for (const Destination& d : destinations_)
        if (has(d.format)) outputs.emplace_back(d.format, d.path);
    return outputs;
}

}  // namespace untrack::cli
