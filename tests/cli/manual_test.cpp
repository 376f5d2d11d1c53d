// SPDX-License-Identifier: GPL-2.0-or-later
// Manual pages and completions, which the build has the program write from its own command line.
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sstream>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& program) {
    return shell("command -v " + program).code == 0;
}

/// What the program writes, in a folder that goes away with it.
class Generated {
  public:
    Generated() {
        Ran ran = run({"generate", folder_.path()});
        EXPECT_EQ(ran.code, 0) << ran.err;
    }
    [[nodiscard]] fs::path operator/(const std::string& name) const {
        return folder_.path() / name;
    }

  private:
    Folder folder_;
};

/// The subcommands that --help names.
std::vector<std::string> subcommands() {
    std::istringstream help(shell("untrack --help").out);
    std::vector<std::string> names;
    bool inside = false;
    for (std::string line; std::getline(help, line);) {
        if (inside && line.starts_with("  "))
            names.push_back(line.substr(2, line.find(' ', 2) - 2));
        inside = inside || line == "Subcommands:";
    }
    return names;
}

std::set<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    std::set<std::string> words;
    for (std::string word; in >> word;) words.insert(word);
    return words;
}

/// The long options that --help lists.
std::set<std::string> options_of(const std::string& subcommand) {
    static const std::regex line("\\n  (-[a-zA-Z],)?(--[a-z-]+)(,(--[a-z-]+))?");
    std::string help = shell("untrack " + subcommand + " --help").out;
    std::set<std::string> found;
    for (std::sregex_iterator it(help.begin(), help.end(), line), end; it != end; ++it)
        for (std::size_t name : {2, 4})
            if ((*it)[name].matched) found.insert((*it)[name]);
    EXPECT_GT(found.size(), 3U) << help;
    return found;
}

/// A manual page as plain text.
std::string rendered(const fs::path& page) {
    Ran ran =
        shell("MANWIDTH=200 LC_ALL=C.UTF-8 man --warnings -l " + page.string() + " | col -bx");
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "") << page;
    return ran.out;
}

/// What bash offers for the last of the words; a word such as --x=y is given as bash splits it.
std::set<std::string> bash_offers(const fs::path& script, const std::vector<std::string>& words) {
    std::string command = "bash -c '. " + script.string() + "; COMP_WORDS=(";
    for (const std::string& word : words) command += word.empty() ? "\"\" " : "\"" + word + "\" ";
    command +=
        "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _untrack; printf \"%s\\n\" "
        "\"${COMPREPLY[@]}\"'";
    Ran ran = shell(command, UNTRACK_SOURCE_DIR);
    EXPECT_EQ(ran.code, 0) << command;
    EXPECT_EQ(ran.err, "") << command;
    return words_of(ran.out);
}

}  // namespace

TEST(Manual, EverySubcommandHasAPageThatNamesItsOptions) {
    Generated g;
    auto subs = subcommands();
    EXPECT_TRUE(std::count(subs.begin(), subs.end(), "lint"));
    EXPECT_FALSE(std::count(subs.begin(), subs.end(), "generate")) << "it is for the build";
    std::size_t pages = 0;
    for (const auto& entry : fs::directory_iterator(g / "man1")) pages += entry.is_regular_file();
    EXPECT_EQ(pages, subs.size() + 1);
    bool man = has("man") && has("col");
    for (const std::string& sub : subs) {
        SCOPED_TRACE(sub);
        fs::path page = g / ("man1/untrack-" + sub + ".1");
        std::string text;
        if (man) {
            text = rendered(page);
        } else {
            text = std::regex_replace(read(page), std::regex(R"(\\-)"), "-");
        }
        for (const std::string& option : options_of(sub))
            EXPECT_NE(text.find(option), std::string::npos) << option;
        for (const char* section : {"NAME", "SYNOPSIS", "OPTIONS", "SEE ALSO"})
            EXPECT_NE(text.find(section), std::string::npos) << section;
    }
    if (man) {
        std::string text = rendered(g / "man1/untrack.1");
        for (const std::string& sub : subs)
            EXPECT_NE(text.find("untrack-" + sub + "(1)"), std::string::npos);
    }
    if (!man) GTEST_SKIP() << "no man to show the pages";
}

TEST(Manual, MandocHasNothingToSay) {
    if (!has("mandoc")) GTEST_SKIP() << "no mandoc";
    Generated g;
    for (const auto& entry : fs::directory_iterator(g / "man1")) {
        Ran ran = shell("mandoc -Tlint -Wwarning " + entry.path().string());
        EXPECT_EQ(ran.out + ran.err, "") << entry.path();
    }
}

TEST(Manual, TheSameProgramWritesTheSameBytes) {
    Generated a;
    Generated b;
    for (const char* file : {"man1/untrack-lint.1", "completions/bash/untrack",
                             "completions/zsh/_untrack", "completions/fish/untrack.fish"}) {
        EXPECT_FALSE(read(a / file).empty()) << file;
        EXPECT_EQ(read(a / file), read(b / file)) << file;
    }
}

TEST(Completion, BashOffersWhatTheCommandLineTakes) {
    if (!has("bash")) GTEST_SKIP() << "no bash";
    Generated g;
    fs::path script = g / "completions/bash/untrack";
    EXPECT_EQ(shell("bash -n " + script.string()).err, "");
    auto subs = subcommands();
    EXPECT_EQ(bash_offers(script, {"untrack", ""}), std::set(subs.begin(), subs.end()));
    EXPECT_EQ(bash_offers(script, {"untrack", "li"}), (std::set<std::string>{"lint"}));
    for (const std::string& sub : subs)
        EXPECT_EQ(bash_offers(script, {"untrack", sub, "--"}), options_of(sub)) << sub;
    const std::set<std::string> severities{"info", "warning", "error"};
    EXPECT_EQ(bash_offers(script, {"untrack", "lint", "--fail-on", ""}), severities);
    EXPECT_EQ(bash_offers(script, {"untrack", "lint", "--fail-on", "="}), severities);
    EXPECT_EQ(bash_offers(script, {"untrack", "lint", "--fail-on", "=", "w"}),
              (std::set<std::string>{"warning"}));
    EXPECT_EQ(bash_offers(script, {"untrack", "--color", "never", "lint", "--fail-on", "e"}),
              (std::set<std::string>{"error"}));
    EXPECT_EQ(bash_offers(script,
                          {
                              "untrack",
                              "lint",
                              "--select",
                              "UT1,UT20",
                          })
                  .count("UT1,UT203"),
              1U);
    EXPECT_EQ(bash_offers(script, {"untrack", "lint", "--select", "one-s"}),
              (std::set<std::string>{"one-sided-notrack"}));
    EXPECT_EQ(bash_offers(script, {"untrack", "explain", "UT203"}),
              (std::set<std::string>{"UT203"}));
    EXPECT_EQ(bash_offers(script, {"untrack", "lint", "READ"}),
              (std::set<std::string>{"README.md"}));
    EXPECT_EQ(bash_offers(script, {"untrack", "lint", "--format", "json", "=", "READ"}),
              (std::set<std::string>{"README.md"}));
    EXPECT_TRUE(bash_offers(script, {"untrack", "rewrite", "--port", ""}).empty());
}

TEST(Completion, WhatBashOffersIsTaken) {
    if (!has("bash")) GTEST_SKIP() << "no bash";
    Generated g;
    fs::path script = g / "completions/bash/untrack";
    Folder f;
    std::string file = f.file("rules", "*filter\nCOMMIT\n");
    auto offered = [&](const std::string& option) {
        auto offers = bash_offers(script, {"untrack", "lint", option, ""});
        EXPECT_FALSE(offers.empty()) << option;
        return offers;
    };
    auto taken = [&](const std::string& option, const std::string& value) {
        Ran ran = run({"lint", option, value, file});
        EXPECT_EQ(ran.code, 0) << option << " " << value << "\n" << ran.err;
    };
    for (const char* option : {"--fail-on", "--kernel", "--color", "--format", "--family"})
        for (const std::string& value : offered(option)) taken(option, value);
    for (const char* option : {"--select", "--ignore"}) {
        std::string list;
        for (const std::string& value : offered(option)) list += (list.empty() ? "" : ",") + value;
        taken(option, list);
    }
    for (const std::string& code : bash_offers(script, {"untrack", "rewrite", "--force", ""}))
        EXPECT_EQ(run({"rewrite", "--port", "80/tcp", "--force", code, file}).code, 0) << code;
}

TEST(Completion, FishOffersTheSame) {
    if (!has("fish")) GTEST_SKIP() << "no fish";
    Generated g;
    fs::path script = g / "completions/fish/untrack.fish";
    Folder home;
    auto offers = [&](const std::string& line) {
        Ran ran = shell("HOME=" + home.path().string() + " fish -c 'source " + script.string() +
                        "; complete -C \"" + line + "\"' | cut -f1");
        EXPECT_EQ(ran.code, 0) << ran.err;
        return words_of(ran.out);
    };
    auto subs = subcommands();
    EXPECT_EQ(offers("untrack "), std::set(subs.begin(), subs.end()));
    EXPECT_EQ(offers("untrack lint --fail-on "),
              (std::set<std::string>{"info", "warning", "error"}));
    EXPECT_EQ(offers("untrack lint --fail-on=w"), (std::set<std::string>{"--fail-on=warning"}));
    EXPECT_EQ(offers("untrack lint --select UT1,UT203").count("UT1,UT203"), 1U);
    EXPECT_TRUE(offers("untrack lint --nothing").empty());
    EXPECT_EQ(offers("untrack verify --ro"), (std::set<std::string>{"--role"}));
}

TEST(Completion, ZshReadsItsScript) {
    if (!has("zsh")) GTEST_SKIP() << "no zsh";
    Generated g;
    Ran ran = shell("zsh -n " + (g / "completions/zsh/_untrack").string());
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
}
