// SPDX-License-Identifier: GPL-2.0-or-later
// The only place that writes files: a crash leaves the old bytes or the new ones, never a mixture.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace untrack::rewriter {

/// A file that is written beside its place and moved there when it is whole. Mode, owner, access
/// lists and labels of a file that is replaced are kept; a symbolic link stays one. What is no
/// regular file (a pipe, a device) is written directly.
class FileWriter {
  public:
    /// The error is a sentence without the path, as all errors here.
    static tl::expected<FileWriter, std::string> create(const std::string& path);
    FileWriter(FileWriter&& other) noexcept;
    FileWriter& operator=(FileWriter&&) = delete;
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;
    /// Leaves nothing behind of what was not committed.
    ~FileWriter();

    /// Why it failed, or an empty string.
    std::string write(std::string_view text);
    /// Puts the new file in its place, safe from a crash. With a backup suffix the old file is kept
    /// under its name and that suffix.
    std::string commit(const std::string& backup_suffix = {});

  private:
    FileWriter(int fd, std::string target, std::string temporary)
        : fd_(fd), target_(std::move(target)), temporary_(std::move(temporary)) {}
    /// Gives the new file what the old one has besides its bytes.
    std::string keep_attributes(int old) const;

    int fd_;
    std::string target_;
    std::string temporary_;  ///< empty: the target itself is written
};

/// Replaces the contents of a regular file by a FileWriter, if it still holds `before`. Returns why
/// it failed, or an empty string.
std::string replace_file(const std::string& path, std::string_view before, std::string_view after,
                         const std::string& backup_suffix);

/// How many names (hard links) the file has: all but the one that is replaced keep the old bytes. 0
/// when it cannot be looked at.
unsigned long count_names(const std::string& path);

}  // namespace untrack::rewriter
