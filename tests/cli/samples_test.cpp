// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the sample hosts say what their `expected` folders hold, and the tools that load
// such files take those hosts. UNTRACK_UPDATE_GOLDEN=1 writes `expected` again.
#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <vector>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> samples() {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(fs::path(UNTRACK_SOURCE_DIR) / "rules-samples"))
        if (entry.is_directory()) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
}

/// What iptables-restore says to a ruleset, in a network namespace that ends with it.
Ran restored(const std::string& tool, const std::string& file) {
    return shell("PATH=$PATH:/usr/sbin:/sbin; unshare -n " + tool + "-restore --test <'" + file +
                 "'");
}

}  // namespace

TEST(SampleCommands, SayWhatIsExpected) {
    ASSERT_GE(samples().size(), 20U);
    bool update = std::getenv("UNTRACK_UPDATE_GOLDEN") != nullptr;
    for (const fs::path& sample : samples()) {
        EXPECT_TRUE(fs::exists(sample / "README.md")) << sample;
        std::istringstream commands(read(sample / "commands"));
        std::set<std::string> names;
        for (std::string line; std::getline(commands, line);) {
            std::size_t colon = line.find(": ");
            ASSERT_NE(colon, std::string::npos) << sample << ": " << line;
            std::string name = line.substr(0, colon);
            EXPECT_TRUE(names.insert(name).second) << sample << ": " << name << " twice";
            Ran ran = shell(line.substr(colon + 2), sample);
            std::string text = ran.out + "# exit " + std::to_string(ran.code) + "\n";
            if (!ran.err.empty()) text += "# stderr\n" + ran.err;
            fs::path golden = sample / "expected" / name;
            if (update) {
                fs::create_directories(golden.parent_path());
                write(golden, text);
            }
            EXPECT_EQ(text, read(golden)) << sample.filename() << ", " << name;
        }
        EXPECT_FALSE(names.empty()) << sample;
        for (const auto& entry : fs::directory_iterator(sample / "expected"))
            EXPECT_TRUE(names.contains(entry.path().filename())) << entry.path() << " is nobody's";
    }
}

TEST(SampleHosts, AreTakenByTheToolsUnlessAFindingSaysOtherwise) {
    if (shell("unshare -n true").code != 0) GTEST_SKIP() << "needs a network namespace of its own";
    Folder scratch;
    std::size_t rewritten = 0;
    for (const fs::path& sample : samples()) {
        if (fs::exists(sample / "before.nft")) continue;
        bool six = fs::exists(sample / "before.ip6tables");
        std::string file = sample / (six ? "before.ip6tables" : "before.iptables");
        std::string findings = read(sample / "findings");
        bool readable = true;
        for (const char* code : {"UT901", "UT503", "UT510"})
            readable = readable && findings.find(code) == std::string::npos;
        Ran after = run({"rewrite", "--port", "80,443/tcp", file});
        if (readable && after.code == 0) ++rewritten;
        for (const char* back_end : {"-legacy", "-nft"}) {
            std::string tool = std::string(six ? "ip6tables" : "iptables") + back_end;
            Ran loaded = restored(tool, file);
            EXPECT_EQ(loaded.code == 0, readable) << tool << " " << file << "\n" << loaded.err;
            if (!readable || after.code != 0) continue;
            loaded = restored(tool, scratch.file("after", after.out));
            EXPECT_EQ(loaded.code, 0) << tool << ", rewritten " << file << "\n" << loaded.err;
        }
    }
    EXPECT_GE(rewritten, 10U);
}

TEST(SampleHosts, OfNftablesAreTakenByNft) {
    if (shell("unshare -n true").code != 0) GTEST_SKIP() << "needs a network namespace of its own";
    Folder scratch;
    std::size_t rewritten = 0;
    bool flowtables = shell(
                          "unshare -n nft -c 'add table ip t; add flowtable ip t f { hook ingress "
                          "priority 0; devices = { lo }; }'")
                          .code == 0;
    // Older kernels want the devices of chains to be there.
    auto checked = [](const std::string& file) {
        return "unshare -n sh -c 'ip link add eth0 type veth peer name eth1; nft -c -f \"" + file +
               "\"'";
    };
    for (const fs::path& sample : samples()) {
        std::string file = sample / "before.nft";
        if (!fs::exists(file)) continue;
        if (!flowtables && read(file).find("flowtable") != std::string::npos) continue;
        std::string findings = read(sample / "findings");
        bool readable = findings.find("UT504") == std::string::npos;
        Ran loaded = shell(checked("before.nft"), sample);
        EXPECT_EQ(loaded.code == 0, readable) << file << "\n" << loaded.err;
        Ran after = shell("untrack rewrite --port 80,443/tcp before.nft", sample);
        if (!readable || after.code != 0) continue;
        ++rewritten;
        loaded = shell(checked(scratch.file("after", after.out)), sample);
        EXPECT_EQ(loaded.code, 0) << file << " rewritten\n" << loaded.err;
    }
    EXPECT_GE(rewritten, 5U);
}
