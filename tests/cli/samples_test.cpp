// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the sample hosts say what their `expected` folders hold.
// UNTRACK_UPDATE_GOLDEN=1 writes those again.
#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <vector>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

TEST(SampleCommands, SayWhatIsExpected) {
    std::vector<fs::path> samples;
    for (const auto& entry : fs::directory_iterator(fs::path(UNTRACK_SOURCE_DIR) / "rules-samples"))
        if (entry.is_directory()) samples.push_back(entry.path());
    std::sort(samples.begin(), samples.end());
    ASSERT_GE(samples.size(), 20U);
    bool update = std::getenv("UNTRACK_UPDATE_GOLDEN") != nullptr;
    for (const fs::path& sample : samples) {
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
