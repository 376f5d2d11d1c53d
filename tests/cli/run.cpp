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

Ran shell(const std::string& command, const fs::path& folder) {
    const char* binary = std::getenv("UNTRACK_BIN");
    Folder scratch;
    write(scratch.path() / "script",
          "untrack() { timeout 60 " + std::string(binary == nullptr ? "untrack" : binary) +
              " \"$@\"; }\ncd '" + folder.string() + "' || exit 99\n" + command + "\n");
    std::string line = "sh " + (scratch.path() / "script").string() + " >" +
                       (scratch.path() / "out").string() + " 2>" +
                       (scratch.path() / "err").string();
    int status = std::system(line.c_str());
    Ran ran;
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ran.out = read(scratch.path() / "out");
    ran.err = read(scratch.path() / "err");
    return ran;
}

}  // namespace untrack::test
