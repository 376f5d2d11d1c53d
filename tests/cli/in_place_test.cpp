// SPDX-License-Identifier: GPL-2.0-or-later
// Files that are replaced: old or new, never a mixture, whatever happens meanwhile.
#include <csignal>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/cli/run.hpp"

using namespace untrack::test;
namespace fs = std::filesystem;

namespace {

const std::string web =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
    "ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p tcp "
    "--dport 80 -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";
const std::string rewrite = "untrack rewrite --port 80/tcp --in-place ";

std::string converted() {
    return run({"rewrite", "-q", "--port", "80/tcp"}, web).out;
}

/// How many files of the folder are new; all others must be old, and nothing may lie beside them.
std::size_t count_new(const fs::path& folder) {
    std::size_t count = 0;
    const std::string wanted = converted();
    for (const auto& entry : fs::directory_iterator(folder)) {
        EXPECT_TRUE(entry.path().filename().string().starts_with("r")) << entry.path();
        std::string text = read(entry.path());
        EXPECT_TRUE(text == web || text == wanted) << entry.path() << "\n" << text;
        count += text == wanted ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST(InPlace, KeepsEverythingButTheBytes) {
    Folder f;
    std::string file = f.file("rules", web);
    ::chmod(file.c_str(), 0604);
    bool labelled = ::setxattr(file.c_str(), "user.note", "kept", 4, 0) == 0;
    bool root = ::geteuid() == 0;
    if (root) {
        ASSERT_EQ(::chown(file.c_str(), 12, 34), 0);
    }
    Ran ran = shell(rewrite + file);
    ASSERT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(read(file), converted());
    struct stat s {};
    ASSERT_EQ(::stat(file.c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777U, 0604U);
    if (root) {
        EXPECT_EQ(s.st_uid * 1000 + s.st_gid, 12034U);
    }
    char note[8] = {};
    if (labelled) {
        EXPECT_EQ(::getxattr(file.c_str(), "user.note", note, sizeof note), 4);
    }
}

TEST(InPlace, SaysWhatBecomesOfOtherNames) {
    Folder f;
    std::string file = f.file("rules", web);
    fs::create_hard_link(file, f.path() / "other");
    fs::create_symlink("rules", f.path() / "link");
    Ran ran = shell(rewrite + "link", f.path());
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.err.find("link: rewritten; its other name (a hard link) keeps the old ruleset"),
              std::string::npos)
        << ran.err;
    EXPECT_TRUE(fs::is_symlink(f.path() / "link"));
    EXPECT_EQ(read(file), converted());
    EXPECT_EQ(read(f.path() / "other"), web);
    // One file by two names of links is one file.
    f.file("rules", web);
    ran = shell(rewrite + "--backup .old rules link ./rules", f.path());
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(read(f.path() / "rules.old"), web);
}

TEST(InPlace, ABackupIsNeverReplaced) {
    Folder f;
    std::string file = f.file("rules", web);
    f.file("rules.old", "precious");
    Ran ran = shell(rewrite + "--backup .old rules", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("rules.old is there already"), std::string::npos) << ran.err;
    EXPECT_EQ(read(f.path() / "rules.old"), "precious");
    EXPECT_EQ(read(file), web);
    for (const char* suffix : {"''", "/x", "x/../y"})
        EXPECT_EQ(shell(rewrite + "--backup " + suffix + " rules", f.path()).code, 2) << suffix;
    EXPECT_EQ(read(file), web);
}

TEST(InPlace, WhatCannotBeWrittenIsLeftAsItWas) {
    if (shell("unshare -m true").code != 0) GTEST_SKIP() << "needs a mount namespace of its own";
    Folder f;
    f.file("rules", web);
    f.file("p", "");
    ASSERT_EQ(::mkfifo((f.path() / "pipe").c_str(), 0600), 0);
    const std::string binary = std::getenv("UNTRACK_BIN");
    const std::string program = "'" + binary + "' rewrite --port 80/tcp --in-place ";
    struct Case {
        std::string command;
        const char* says;
    };
    for (const Case& c :
         {Case{"mkdir t; mount -t tmpfs -o size=8k tmpfs t; cp rules t; head -c 9999 /dev/zero "
               ">t/fill 2>p; ",
               "No space left"},
          Case{"mkdir t; mount -t tmpfs tmpfs t; cp rules t; mount -o remount,ro t; ",
               "Read-only file system"}}) {
        f.file("script", c.command + program +
                             "t/rules; code=$?; cmp rules t/rules || exit 98; "
                             "[ -z \"$(ls -A t | grep untrack)\" ] || exit 99; exit $code\n");
        Ran ran = shell("rm -rf t; unshare -m sh script", f.path());
        EXPECT_EQ(ran.code, 2) << c.command << ran.err;
        EXPECT_NE(ran.err.find("t/rules: left as it was: "), std::string::npos) << ran.err;
        EXPECT_NE(ran.err.find(c.says), std::string::npos) << ran.err;
    }
    Ran ran = shell("cat rules >pipe & " + rewrite + "pipe", f.path());
    EXPECT_EQ(ran.code, 2);
    EXPECT_NE(ran.err.find("pipe: left as it was: is no regular file"), std::string::npos)
        << ran.err;
    EXPECT_TRUE(fs::is_fifo(f.path() / "pipe"));
}

TEST(InPlace, SomebodyElsesFileIsLeftAsItWas) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    Folder f;
    fs::create_directories(f.path() / "d");
    std::string file = f.file("d/rules", web);
    ::chmod(f.path().c_str(), 0755);
    fs::copy_file(std::getenv("UNTRACK_BIN"), f.path() / "program");
    for (unsigned mode : {0755U, 0777U}) {
        ::chmod((f.path() / "d").c_str(), mode);
        Ran ran = shell(
            "setpriv --reuid=65534 --regid=65534 --clear-groups ./program rewrite --port 80/tcp "
            "--in-place d/rules",
            f.path());
        EXPECT_EQ(ran.code, 2);
        EXPECT_NE(ran.err.find(mode == 0755U ? "d/rules: left as it was: no new file can be made "
                                               "in its directory: Permission denied"
                                             : "d/rules: left as it was: its owner cannot be kept"),
                  std::string::npos)
            << ran.err;
        EXPECT_EQ(read(file), web);
        EXPECT_EQ(shell("ls -A d", f.path()).out, "rules\n");
    }
}

TEST(InPlace, AnInterruptedRunLeavesEveryFileOldOrNew) {
    Folder f;
    fs::create_directories(f.path() / "many");
    const fs::path many = f.path() / "many";
    for (const char* signal : {"INT", "TERM", "HUP"}) {
        for (int i = 0; i < 1500; ++i) f.file("many/r" + std::to_string(i), web);
        shell("touch mark", f.path());
        // A shell without job control has its background commands ignore Ctrl-C: env brings it
        // back.
        Ran ran = shell(
            "env --default-signal=INT \"$UNTRACK_BIN\" rewrite -q --port 80/tcp --in-place many & "
            "p=$!; "
            "while [ -z \"$(find many -newer mark -name 'r*' | head -1)\" ]; do :; done; kill -" +
                std::string(signal) + " $p; wait $p; echo $?",
            f.path());
        EXPECT_EQ(ran.out, std::to_string(128 + (signal == std::string("INT")    ? SIGINT
                                                 : signal == std::string("TERM") ? SIGTERM
                                                                                 : SIGHUP)) +
                               "\n");
        std::size_t done = count_new(many);
        EXPECT_GT(done, 0U);
        EXPECT_LT(done, 1500U);
        EXPECT_NE(
            ran.err.find("interrupted: " + std::to_string(done) + " of 1500 files were rewritten"),
            std::string::npos)
            << done << ran.err;
    }
    // The second run does the rest.
    for (int i = 20; i < 1500; ++i) fs::remove(many / ("r" + std::to_string(i)));
    EXPECT_EQ(shell(rewrite + "-q many", f.path()).code, 0);
    EXPECT_EQ(count_new(many), 20U);
}

TEST(InPlace, RunsOnWhereNobodyListens) {
    Folder f;
    fs::create_directories(f.path() / "many");
    auto renew = [&] {
        for (int i = 0; i < 60; ++i) f.file("many/r" + std::to_string(i), web);
    };
    for (const char* command : {" 2>&1 | head -1", " 2>&-", " 2>/dev/full"}) {
        renew();
        shell(rewrite + "many" + command, f.path());
        EXPECT_EQ(count_new(f.path() / "many"), 60U) << command;
    }
    renew();
    EXPECT_EQ(shell("trap '' HUP; " + rewrite + "-q many & p=$!; sleep 0.1; kill -HUP $p; wait $p",
                    f.path())
                  .code,
              0)
        << "as with nohup";
    EXPECT_EQ(count_new(f.path() / "many"), 60U);
}

TEST(InPlace, AFileThatChangesMeanwhileIsNotOverwritten) {
    Folder f;
    // Long enough that there is a moment between reading and writing.
    std::string theirs = web;
    for (int i = 0; i < 100'000; ++i) theirs += "# a line that takes its time\n";
    std::string mine = theirs + "# mine\n";
    std::size_t refused = 0;
    for (int i = 0; i < 60 && refused == 0; ++i) {
        f.file("rules", theirs);
        f.file("mine", mine);
        Ran ran = shell(rewrite + "-q rules & p=$!; sleep " + std::to_string(i * 0.008) +
                            "; cp mine rules; wait $p; echo $?",
                        f.path());
        std::string text = read(f.path() / "rules");
        if (ran.out != "2\n" || ran.err.find("cut short") != std::string::npos) continue;
        EXPECT_NE(ran.err.find(
                      "rules: left as it was: was changed by another program meanwhile: run again"),
                  std::string::npos)
            << ran.err;
        EXPECT_EQ(text, mine);
        ++refused;
    }
    EXPECT_EQ(refused, 1U) << "the moment was never met";
}

TEST(Streams, AReaderThatGoesAwayEndsTheProgramAsAlways) {
    Folder f;
    for (int i = 0; i < 400; ++i) f.file("r" + std::to_string(i), web);
    Ran ran = shell("{ untrack lint .; echo $? >&2; } | head -1", f.path());
    EXPECT_EQ(ran.err, "141\n");
    EXPECT_FALSE(ran.out.empty());
    ran = shell("trap '' PIPE; { untrack lint .; echo $? >&2; } | head -1", f.path());
    EXPECT_EQ(ran.err, "untrack: standard output cannot be written: Broken pipe\n2\n");
}

TEST(Streams, TooLittleMemoryIsAMessage) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's shadow does not fit any limit on memory";
#endif
    Folder f;
    std::string text = "*filter\n";
    for (int i = 0; i < 300000; ++i)
        text += "-A INPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 80 -j ACCEPT\n";
    f.file("big", text + "COMMIT\n");
    Ran ran = shell("ulimit -v 60000; untrack lint big", f.path());
    EXPECT_EQ(ran.code, 2) << ran.err;
    EXPECT_NE(ran.err.find("not enough memory"), std::string::npos) << ran.err;
    EXPECT_EQ(ran.out, "");
    // Other files are done.
    f.file("small", web);
    ran = shell("ulimit -v 60000; untrack rewrite -q --port 80/tcp --in-place --jobs 1 big small",
                f.path());
    EXPECT_EQ(ran.code, 2) << ran.err;
    EXPECT_EQ(read(f.path() / "small"), converted());
    EXPECT_EQ(ran.err, "untrack: big: there is not enough memory for this input\n");
}
