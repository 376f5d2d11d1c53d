// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/cli/run.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace untrack::test {
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
}

void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

Folder::Folder() {
    std::string name = (fs::temp_directory_path() / "untrack-cli-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
}
Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}
std::string Folder::file(const std::string& name, const std::string& text) const {
    write(path_ / name, text);
    return path_ / name;
}

namespace {

/// A word as sh reads it back.
std::string quoted(const std::string& word) {
    std::string out = "'";
    for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

}  // namespace

Ran shell(const std::string& command, const fs::path& folder) {
    Ran ran;
    const char* binary = std::getenv("UNTRACK_BIN");
    if (binary == nullptr) {
        ran.err = "UNTRACK_BIN names no program to test";
        return ran;
    }
    Folder scratch;
    auto scratched = [&](const char* name) { return quoted((scratch.path() / name).string()); };
    write(scratch.path() / "script", "untrack() { " + quoted(binary) + " \"$@\"; }\ncd " +
                                         quoted(folder.string()) + " || exit 99\n" + command +
                                         "\n");
    std::string line = "timeout -k 5 60 sh " + scratched("script") + " </dev/null >" +
                       scratched("out") + " 2>" + scratched("err");
    int status = std::system(line.c_str());
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ran.out = read(scratch.path() / "out");
    ran.err = read(scratch.path() / "err");
    return ran;
}

Ran run(const std::vector<std::string>& arguments, const std::string& standard_input,
        const fs::path& folder) {
    Folder scratch;
    std::string command = "untrack";
    for (const std::string& argument : arguments) command += " " + quoted(argument);
    return shell(command + " <" + quoted(scratch.file("in", standard_input)), folder);
}

}  // namespace untrack::test
