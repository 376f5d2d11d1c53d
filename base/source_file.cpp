// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/source_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace untrack {
namespace {

tl::unexpected<ReadError> failure(std::string message) {
    return tl::make_unexpected(ReadError{std::move(message)});
}

tl::unexpected<ReadError> too_large() {
    return failure("is larger than 4 GiB, which is more than this program reads");
}

}  // namespace

tl::expected<SourceFile, ReadError> SourceFile::open(std::string path) {
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failure(std::strerror(errno));
    struct stat st {};
    if (::fstat(fd, &st) != 0) {
        int error = errno;
        ::close(fd);
        return failure(std::strerror(error));
    }
    if (S_ISDIR(st.st_mode)) {
        ::close(fd);
        return failure("is a directory");
    }
    // Files in /proc claim to be regular and empty: those are read like pipes.
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        auto result = read_all(fd, std::move(path));
        ::close(fd);
        return result;
    }
    if (static_cast<std::size_t>(st.st_size) > max_size) {
        ::close(fd);
        return too_large();
    }
    auto size = static_cast<std::size_t>(st.st_size);
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    int error = errno;
    if (data == MAP_FAILED) {
        auto result = read_all(fd, std::move(path));
        ::close(fd);
        if (!result) return failure(std::strerror(error));
        return result;
    }
    ::close(fd);
    SourceFile file;
    file.path_ = std::move(path);
    file.data_ = static_cast<const char*>(data);
    file.size_ = size;
    file.mapped_ = true;
    return file;
}

tl::expected<SourceFile, ReadError> SourceFile::read_stdin() {
    return read_all(STDIN_FILENO, "<stdin>");
}

SourceFile SourceFile::from_text(std::string path, std::string_view text) {
    SourceFile file;
    file.path_ = std::move(path);
    if (!text.empty()) {
        char* copy = new char[text.size()];
        std::memcpy(copy, text.data(), text.size());
        file.data_ = copy;
        file.size_ = text.size();
    }
    return file;
}

tl::expected<SourceFile, ReadError> SourceFile::read_all(int fd, std::string path) {
    std::string bytes;
    std::size_t used = 0;
    for (;;) {
        if (bytes.size() - used < 65536) bytes.resize(bytes.size() * 2 + 65536);
        ssize_t n = ::read(fd, bytes.data() + used, bytes.size() - used);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failure(std::strerror(errno));
        if (n == 0) break;
        used += static_cast<std::size_t>(n);
        if (used > max_size) return too_large();
    }
    return from_text(std::move(path), std::string_view(bytes).substr(0, used));
}

void SourceFile::release() noexcept {
    if (mapped_) {
        ::munmap(const_cast<char*>(data_), size_);
    } else if (size_ != 0) {
        delete[] data_;
    }
    data_ = "";
    size_ = 0;
    mapped_ = false;
}

SourceFile::SourceFile(SourceFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, "")),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, false)) {}

SourceFile& SourceFile::operator=(SourceFile&& other) noexcept {
    if (this != &other) {
        release();
        path_ = std::move(other.path_);
        data_ = std::exchange(other.data_, "");
        size_ = std::exchange(other.size_, 0);
        mapped_ = std::exchange(other.mapped_, false);
    }
    return *this;
}

SourceFile::~SourceFile() {
    release();
}

}  // namespace untrack
