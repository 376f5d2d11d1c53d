// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the program as a person would, and keeps what it said.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace untrack::test {

struct Ran {
    int code = -1;  ///< exit status; 128 and the signal's number when one ended it, 124 out of time
    std::string out;
    std::string err;
};

/// Runs a command line as sh does, "untrack" in it being the program under test (UNTRACK_BIN), for
/// at most a minute and with nothing to read.
Ran shell(const std::string& command, const std::filesystem::path& folder = ".");

/// Runs the program with these arguments, whatever bytes are in them.
Ran run(const std::vector<std::string>& arguments, const std::string& standard_input = {},
        const std::filesystem::path& folder = ".");

/// The bytes of a file; empty when there is none.
std::string read(const std::filesystem::path& path);
void write(const std::filesystem::path& path, const std::string& text);

/// A folder of its own that goes away with it.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Writes a file in it.
    std::string file(const std::string& name, const std::string& text) const;

  private:
    std::filesystem::path path_;
};

}  // namespace untrack::test
