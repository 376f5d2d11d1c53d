// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes of one input. Everything else refers to them by TextRange; they never move or change.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/text_range.hpp"

namespace untrack {

/// Why an input could not be read: a sentence for a person, without the path.
struct ReadError {
    std::string message;
};

/// An input file, mapped or in memory. Moving it keeps its bytes where they are.
class SourceFile {
  public:
    /// The largest input in bytes: offsets are 32 bits, and lines must be countable beyond the end.
    static constexpr std::size_t max_size = 0xfffffff0U;

    /// Maps a regular file; reads anything else (a pipe, a device, /proc) to its end.
    static tl::expected<SourceFile, ReadError> open(std::string path);
    /// Reads standard input to its end; its path is "<stdin>".
    static tl::expected<SourceFile, ReadError> read_stdin();
    static SourceFile from_text(std::string path, std::string_view text);

    SourceFile(SourceFile&& other) noexcept;
    SourceFile& operator=(SourceFile&& other) noexcept;
    SourceFile(const SourceFile&) = delete;
    SourceFile& operator=(const SourceFile&) = delete;
    ~SourceFile();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string_view text() const { return {data_, size_}; }
    [[nodiscard]] std::string_view text(TextRange range) const {
        return text().substr(range.begin, range.size());
    }

  private:
    SourceFile() = default;
    static tl::expected<SourceFile, ReadError> read_all(int fd, std::string path);
    void release() noexcept;

    std::string path_;
    const char* data_ = "";
    std::size_t size_ = 0;
    bool mapped_ = false;
};

}  // namespace untrack
