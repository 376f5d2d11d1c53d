// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/known_findings.hpp"

#include <filesystem>
#include <fmt/format.h>

#include "analyzer/fingerprint.hpp"
#include "base/source_file.hpp"
#include "cli/formats.hpp"
#include "cli/streams.hpp"

namespace untrack::cli {

namespace fs = std::filesystem;

void KnownFindings::add_options(CLI::App& app) {
    auto* from = app.add_option("--baseline", from_, "Say nothing of the findings that are in FILE")
                     ->type_name("FILE");
    app.add_option("--write-baseline", to_,
                   "Put all findings into FILE; from there on only others are reported")
        ->type_name("FILE")
        ->excludes(from);
}

void KnownFindings::read(const std::vector<std::string>& inputs) {
    if (!to_.empty()) known_.emplace();
    for (const std::string& input : inputs) {
        std::error_code error;
        if (!to_.empty() && fs::equivalent(to_, input, error))
            throw Fatal(fmt::format(
                "--write-baseline {}: the baseline would replace the ruleset that is read", to_));
    }
    if (from_.empty()) return;
    auto file = SourceFile::open(from_);
    if (!file) throw Fatal(fmt::format("{}: {}", from_, file.error().message));
    auto baseline = report::Baseline::parse(file->text());
    if (!baseline) throw Fatal(fmt::format("{}: {}", from_, baseline.error()));
    known_ = std::move(*baseline);
}

/// Files are called by their paths from the baseline's folder, so that it does not matter where the
/// program is started.
std::string KnownFindings::name(std::string_view path) const {
    if (path == "<stdin>") return std::string(path);
    std::error_code error;
    fs::path folder = fs::absolute(to_.empty() ? from_ : to_, error).lexically_normal();
    return fs::absolute(path, error)
        .lexically_normal()
        .lexically_proximate(folder.parent_path())
        .string();
}

std::string KnownFindings::filter(const report::LintedFile& file, analyzer::Findings& findings,
                                  const analyzer::Selection& selection) {
    if (!known_) return {};
    std::string path = name(file.path);
    analyzer::Fingerprints fingerprints(*file.text);
    std::size_t kept = 0;
    for (const analyzer::Finding& f : findings.list) {
        std::uint64_t fingerprint = fingerprints.next(f, file.ruleset_of(f));
        if (!to_.empty()) known_->add(path, analyzer::rules()[f.code].code, fingerprint);
        if (known_->see(path, fingerprint))
            findings.known.push_back(f);
        else
            findings.list[kept++] = f;
    }
    findings.list.resize(kept);
    std::string out;
    for (const std::string& code : known_->unseen(path)) {
        const analyzer::Rule* rule = analyzer::find_rule(code);
        if (rule != nullptr && selection.contains(analyzer::index_of(*rule)))
            out += fmt::format("{}: {} of the baseline is found no longer\n", file.path, code);
    }
    return out;
}

void KnownFindings::write(bool complete) const {
    if (to_.empty()) return;
    if (!complete)
        throw Fatal(fmt::format("{}: not written, because not all files were read", to_));
    Output output(Format::json, to_);
    output.write(known_->json());
    output.finish();
}

}  // namespace untrack::cli
