// SPDX-License-Identifier: GPL-2.0-or-later
// lint's reports for other programs: golden outputs (UNTRACK_UPDATE_GOLDEN=1 writes them again),
// and the samples' reports against schemas.
#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

const fs::path source = UNTRACK_SOURCE_DIR;

/// Characters of two and four bytes, a byte that is no UTF-8, a control character, what XML and
/// workflow commands escape, a fix, and a related line.
const std::string awkward =
    "*filter\n:INPUT ACCEPT [0:0]\n"
    "-A INPUT -m comment --comment \"B\xc3\xbcro \xf0\x9f\x98\x80 <&> 100%\" -m state --state NEW "
    "-j ACCEPT\n"
    "-A INPUT -m comment --comment \"\xff\x01\" -m state --state NEW -j ACCEPT\n"
    "-A INPUT -p tcp -m tcp --dport 80 -j DROP\n"
    "-A INPUT -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n";

std::string lint(const std::string& format, const fs::path& folder, const std::string& files) {
    Ran ran = shell("untrack lint --format " + format + ' ' + files, folder);
    EXPECT_LE(ran.code, 1) << ran.err;
    EXPECT_EQ(ran.err, "");
    return ran.out;
}

/// Without what changes with the documentation and the release.
std::string lasting(const std::string& sarif) {
    Json j = Json::parse(sarif);
    Json& driver = j["runs"][0]["tool"]["driver"];
    driver["version"] = driver["semanticVersion"] = "VERSION";
    for (Json& rule : driver["rules"]) {
        std::string code = rule["id"];
        EXPECT_EQ(rule["help"]["markdown"], shell("untrack explain " + code).out);
        EXPECT_EQ(rule["help"]["text"], rule["help"]["markdown"]);
        rule["help"] = "PAGE";
    }
    return j.dump(1) + "\n";
}

std::vector<fs::path> sample_files() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(source / "rules-samples"))
        for (const char* name : {"before.iptables", "before.ip6tables", "before.nft"})
            if (fs::exists(entry.path() / name)) found.push_back(entry.path() / name);
    std::sort(found.begin(), found.end());
    return found;
}

/// All samples in one report.
std::string all_samples() {
    std::string all;
    for (const fs::path& file : sample_files()) all += fs::relative(file, source).string() + ' ';
    return all;
}

/// What is wrong with the documents by the schema; nothing when they are right.
std::string against(const std::string& schema, const fs::path& folder, const std::string& files,
                    bool& missing) {
    Ran ran = shell("python3 '" + (source / "tests/schema/validate.py").string() + "' '" +
                        (source / schema).string() + "' " + files,
                    folder);
    missing = ran.code == 77 || ran.code == 127;
    return ran.code == 0 ? std::string() : ran.out + ran.err;
}

#define EXPECT_VALID(schema, folder, files)                                               \
    do {                                                                                  \
        bool missing = false;                                                             \
        std::string wrong = against(schema, folder, files, missing);                      \
        if (missing) GTEST_SKIP() << "python3-jsonschema is needed: scripts/setup --dev"; \
        EXPECT_EQ(wrong, "");                                                             \
    } while (false)

}  // namespace

TEST(Formats, SayWhatIsExpected) {
    Folder f;
    f.file("a,b:c%.rules", awkward);
    f.file("clean", "*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n");
    bool update = std::getenv("UNTRACK_UPDATE_GOLDEN") != nullptr;
    for (const char* format : {"json", "sarif", "github", "gitlab", "junit", "checkstyle"}) {
        std::string text = lint(format, f.path(), "a,b:c%.rules clean");
        if (format == std::string("sarif")) text = lasting(text);
        fs::path golden = source / "tests/cli/expected" / (std::string("lint.") + format);
        if (update) {
            fs::create_directories(golden.parent_path());
            write(golden, text);
        }
        EXPECT_EQ(text, read(golden)) << format;
    }
}

TEST(Formats, CountColumnsInCharacters) {
    Folder f;
    f.file("rules", awkward);
    Json sarif = Json::parse(lint("sarif", f.path(), "--select UT101 rules"));
    EXPECT_EQ(sarif["runs"][0]["columnKind"], "unicodeCodePoints");
    std::vector<std::size_t> columns;
    for (const Json& result : sarif["runs"][0]["results"])
        columns.push_back(result["locations"][0]["physicalLocation"]["region"]["startColumn"]);
    // 52 bytes stand before the first match, ü is two of them and the face four; a wrong byte is
    // one character.
    EXPECT_EQ(columns, (std::vector<std::size_t>{49, 36}));
    Json json = Json::parse(lint("json", f.path(), "--select UT101 rules"));
    EXPECT_EQ(json["findings"][0]["column"], 53) << "bytes";
}

TEST(Formats, OfSarifNameTheLinesAFindingSpeaksOf) {
    Folder f;
    f.file("rules", awkward);
    Json result =
        Json::parse(lint("sarif", f.path(), "--select UT302 rules"))["runs"][0]["results"][0];
    EXPECT_EQ(result["locations"][0]["physicalLocation"]["region"]["startLine"], 4);
    EXPECT_EQ(result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 3);
    EXPECT_EQ(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "filter/INPUT");
    Json region = result["fixes"][0]["artifactChanges"][0]["replacements"][0]["deletedRegion"];
    EXPECT_EQ(region["startLine"], 4);
    EXPECT_EQ(region["startColumn"], 1);
    EXPECT_EQ(region["endLine"], 5);
    EXPECT_EQ(region["endColumn"], 1) << "the line end goes, too";
}

TEST(Formats, FitTheirSchemas) {
    Folder f;
    f.file("awkward", awkward);
    std::string files = all_samples() + "'" + (f.path() / "awkward").string() + "'";
    f.file("lint", lint("json", source, files));
    EXPECT_VALID("docs/schema/lint.json", f.path(), "lint");
    f.file("sarif", lint("sarif", source, files));
    EXPECT_VALID("tests/schema/sarif.json", f.path(), "sarif");
    std::string gitlab = lint("gitlab", source, files);
    f.file("gitlab", gitlab);
    EXPECT_VALID("tests/schema/gitlab.json", f.path(), "gitlab");
    std::set<std::string> fingerprints;
    for (const Json& finding : Json::parse(gitlab))
        EXPECT_TRUE(fingerprints.insert(finding["fingerprint"]).second) << finding;
}

TEST(Formats, OfTheOtherCommandsFitTheirSchemas) {
    Folder f;
    std::string verified;
    std::string traced;
    std::size_t conversions = 0;
    std::string input = "untrack rewrite -q --port 80,443/tcp ";
    f.file("rewrite", shell(input + "--format json " + all_samples(), source).out);
    EXPECT_VALID("docs/schema/rewrite.json", f.path(), "rewrite");
    for (const fs::path& file : sample_files()) {
        std::string before = "'" + file.string() + "'";
        std::string packet = file.extension() == ".ip6tables"
                                 ? "tcp [2001:db8::9]:40000 > [2001:db8::1]:80 syn in eth0"
                                 : "tcp 203.0.113.9:40000 > 192.0.2.1:80 syn in eth0";
        traced += shell("untrack trace --format json --packet '" + packet + "' " + before).out;
        if (shell(input + "--format text='" + (f.path() / "after").string() + "' " + before).code !=
            0)
            continue;
        for (const char* how : {"", "--port 80,443/tcp"}) {
            std::string name = "verify" + std::to_string(++conversions);
            Ran ran = shell("untrack verify -q --format json " + std::string(how) + ' ' + before +
                            ' ' + (f.path() / "after").string());
            f.file(name, ran.out);
            verified += name + ' ';
        }
    }
    EXPECT_GE(conversions, 20U);
    f.file("trace.jsonl", traced);
    EXPECT_VALID("docs/schema/trace.json", f.path(), "trace.jsonl");
    EXPECT_VALID("docs/schema/verify.json", f.path(), verified);
}

TEST(Formats, ASchemaRefusesWhatIsWrong) {
    Folder f;
    f.file("lint", R"({"version":1,"files":[],"findings":[],"conntrack":[]})");
    bool missing = false;
    std::string wrong = against("docs/schema/lint.json", f.path(), "lint", missing);
    if (missing) GTEST_SKIP() << "python3-jsonschema is needed: scripts/setup --dev";
    EXPECT_NE(wrong.find("'summary' is a required property"), std::string::npos) << wrong;
}

TEST(Formats, OfXmlFitTheirSchemas) {
    if (shell("xmllint --version").code != 0)
        GTEST_SKIP() << "xmllint is needed: scripts/setup --dev";
    Folder f;
    f.file("awkward", awkward);
    std::string files = all_samples() + "'" + (f.path() / "awkward").string() + "'";
    for (const std::string format : {"junit", "checkstyle"}) {
        f.file(format, lint(format, source, files));
        Ran ran = shell("xmllint --noout --schema '" +
                            (source / "tests/schema" / (format + ".xsd")).string() + "' " + format,
                        f.path());
        EXPECT_EQ(ran.code, 0) << ran.err;
    }
    std::string failures = "string(//testsuite[@name='" + (f.path() / "awkward").string() +
                           "']/testcase[1]/failure/@message)";
    EXPECT_NE(shell("xmllint --xpath \"" + failures + "\" junit", f.path()).out, "\n");
}

TEST(Formats, OfOtherProgramsAreForFindings) {
    Folder f;
    f.file("rules", awkward);
    for (const char* command :
         {"rewrite --port 80/tcp", "trace --packet 'tcp 203.0.113.9:40000 > 192.0.2.1:80'",
          "verify rules"}) {
        Ran ran = shell(std::string("untrack ") + command + " --format sarif rules", f.path());
        EXPECT_EQ(ran.code, 2) << command;
        EXPECT_NE(ran.err.find("there are the formats text and json\n"), std::string::npos)
            << ran.err;
    }
    Ran ran = shell("untrack lint --format yaml rules", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("gitlab, junit and checkstyle\n"), std::string::npos) << ran.err;
}
