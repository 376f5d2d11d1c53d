// SPDX-License-Identifier: GPL-2.0-or-later
// What rewrite prints, lint finds nothing wrong with: a conversion has no UT2 error that its input
// had not. The sample hosts always, and real files when a folder with them stands beside the
// checkout.
#include <filesystem>
#include <gtest/gtest.h>
#include <map>

#include "analyzer/driver.hpp"
#include "base/source_file.hpp"
#include "model/guess_family.hpp"
#include "rewriter/rewrite.hpp"
#include "tests/unit/rewriter/rehearsal.hpp"
#include "tests/unit/ruleset_text.hpp"

using namespace untrack;
namespace fs = std::filesystem;

namespace {

struct Error {
    int times = 0;
    std::string message;  ///< of the last; it names lines by number
};

/// The errors by "CODE TEXT OF THE LINE".
std::map<std::string, Error> errors(const test::Loaded& l) {
    model::IptablesText rules(l.tree, l.ruleset);
    analyzer::FileContext file(rules, model::KernelProfile::modern);
    std::map<std::string, Error> out;
    for (const analyzer::Finding& f :
         analyzer::lint(file, analyzer::Selection::make({"UT2"}, {}).value()).list) {
        if (f.severity != analyzer::Severity::error) continue;
        std::string_view rest = l.file.text().substr(f.range.begin);
        Error& error = out[std::string(analyzer::rules()[f.code].code) + " " +
                           std::string(rest.substr(0, rest.find('\n')))];
        ++error.times;
        error.message = f.message;
    }
    return out;
}

/// Converts the file for each role and service; the number of conversions made.
int convert(const fs::path& path, const test::Loaded& before,
            std::initializer_list<const char*> services) {
    int made = 0;
    std::map<std::string, Error> known = errors(before);
    for (rewriter::Role role : {rewriter::Role::server, rewriter::Role::router})
        for (const char* service : services) {
            rewriter::Request request;
            request.services.push_back(rewriter::parse_service(service).value());
            request.role = role;
            rewriter::Outcome outcome = rewriter::rewrite(before.tree, before.ruleset, request);
            if (outcome.status != rewriter::Status::rewritten) continue;
            ++made;
            test::Loaded after(apply_edits(before.file.text(), outcome.edits),
                               before.ruleset.family);
            // Concrete flows through another engine than the one that proved it.
            rewriter::RehearsalResult flows =
                rewriter::rehearse(before.ruleset, after.ruleset, request);
            EXPECT_TRUE(flows.failures.empty() && !flows.loopback_lost)
                << path << " for " << service << ": "
                << (flows.failures.empty() ? "a flow over lo" : flows.failures.front().message);
            for (const auto& [place, error] : errors(after))
                EXPECT_LE(error.times, known[place].times)
                    << path << " for " << service
                    << (role == rewriter::Role::server ? ", server: " : ", router: ") << place
                    << ": " << error.message;
        }
    return made;
}

}  // namespace

TEST(ConversionLint, SamplesHaveNoNewError) {
    int made = 0;
    for (const auto& dir : fs::directory_iterator(fs::path(UNTRACK_SOURCE_DIR) / "rules-samples"))
        for (const char* name : {"before.iptables", "before.ip6tables"}) {
            auto file = SourceFile::open((dir.path() / name).string());
            if (!file) continue;
            test::Loaded before(file->text(), std::string_view(name) == "before.ip6tables"
                                                  ? model::Family::ip6
                                                  : model::Family::ip);
            if (before.tree.errors.empty())
                made +=
                    convert(dir.path(), before, {"22,80,443/tcp", "80/tcp", "53/udp", "123/udp"});
        }
    EXPECT_GE(made, 35);
}

TEST(ConversionLint, RealFilesHaveNoNewError) {
    fs::path corpus = fs::path(UNTRACK_SOURCE_DIR).parent_path() / "shared" / "corpus" / "dev";
    if (!fs::exists(corpus)) GTEST_SKIP() << "no corpus beside the checkout";
    int made = 0;
    for (const char* kind : {"iptables", "ip6tables", "iptables-derived", "ip6tables-derived"})
        for (const auto& entry : fs::directory_iterator(corpus / kind)) {
            auto file = SourceFile::open(entry.path().string());
            // What iptables-save made of a file says the same once more.
            if (!file || !entry.is_regular_file() || entry.path().extension() == ".saved") continue;
            auto tree = parser::iptables::parse(file->text());
            test::Loaded before(file->text(), model::guess_family(file->path(), tree).family);
            if (before.tree.errors.empty())
                made += convert(entry.path().filename(), before, {"22,80,443/tcp"});
        }
    EXPECT_GE(made, 40);
}
