// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/write_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace untrack::rewriter {
namespace {

std::string error_text(std::string_view what) {
    return fmt::format("{}: {}", what, std::strerror(errno));
}

std::string directory_of(const std::string& path) {
    return path.substr(0, path.rfind('/') + 1);
}

/// The file itself, not a link to it; empty when there is none (errno says why).
std::string resolved(const std::string& path) {
    char* real = ::realpath(path.c_str(), nullptr);
    std::string target = real == nullptr ? std::string() : real;
    std::free(real);
    return target;
}

/// A new file in that directory, whose name no search for rulesets finds.
int make_temporary(const std::string& directory, mode_t mode, std::string& name) {
    for (unsigned n = 0;; ++n) {
        name = fmt::format("{}.untrack-{}-{}", directory, ::getpid(), n);
        int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
}

/// Labels and access lists go with a file; sums of its bytes do not.
bool goes_with_file(std::string_view attribute) {
    return attribute != "security.ima" && attribute != "security.evm";
}

std::string copy_extended_attributes(int from, int to) {
    ssize_t size = ::flistxattr(from, nullptr, 0);
    if (size <= 0) return {};  // none, or a file system without
    std::vector<char> names(static_cast<std::size_t>(size));
    size = ::flistxattr(from, names.data(), names.size());
    if (size < 0) return error_text("its attributes cannot be read");
    std::vector<char> value;
    for (const char* name = names.data(); name < names.data() + size;
         name += std::strlen(name) + 1) {
        if (!goes_with_file(name)) continue;
        ssize_t length = ::fgetxattr(from, name, nullptr, 0);
        if (length >= 0) {
            value.resize(static_cast<std::size_t>(length) + 1);
            length = ::fgetxattr(from, name, value.data(), value.size());
        }
        if (length < 0 ||
            ::fsetxattr(to, name, value.data(), static_cast<std::size_t>(length), 0) != 0)
            return error_text(fmt::format("its attribute {} cannot be kept", name));
    }
    return {};
}

/// Whether the rest of an open file is these bytes.
bool holds(int fd, std::string_view text) {
    std::vector<char> buffer(std::size_t{1} << 16U);
    for (;;) {
        ssize_t n = ::read(fd, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n == 0 && text.empty();
        std::string_view piece(buffer.data(), static_cast<std::size_t>(n));
        if (!text.starts_with(piece)) return false;
        text.remove_prefix(piece.size());
    }
}

}  // namespace

tl::expected<FileWriter, std::string> FileWriter::create(const std::string& path) {
    struct stat st {};
    bool exists = ::stat(path.c_str(), &st) == 0;
    if (!exists && errno != ENOENT) return tl::make_unexpected(error_text("cannot be written"));
    if (exists && !S_ISREG(st.st_mode)) {
        int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        if (fd < 0) return tl::make_unexpected(error_text("cannot be written"));
        return FileWriter(fd, path, {});
    }
    std::string target = exists ? resolved(path) : path;
    if (target.empty()) return tl::make_unexpected(error_text("cannot be found"));
    std::string temporary;
    // A file that is replaced may be secret; its own mode comes when the bytes are there.
    int fd = make_temporary(directory_of(target), exists ? 0600 : 0666, temporary);
    if (fd < 0) return tl::make_unexpected(error_text("no new file can be made in its directory"));
    return FileWriter(fd, std::move(target), std::move(temporary));
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})) {}

FileWriter::~FileWriter() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

std::string FileWriter::write(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(fd_, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_text("cannot be written");
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

std::string FileWriter::keep_attributes(int old) const {
    struct stat st {};
    if (::fstat(old, &st) != 0) return error_text("cannot be looked at");
    bool ours = st.st_uid == ::geteuid() && st.st_gid == ::getegid();
    if (::fchown(fd_, st.st_uid, st.st_gid) != 0 && !ours)
        return error_text("its owner cannot be kept");
    if (std::string why = copy_extended_attributes(old, fd_); !why.empty()) return why;
    if (::fchmod(fd_, st.st_mode & 07777U) != 0) return error_text("its mode cannot be kept");
    return {};
}

std::string FileWriter::commit(const std::string& backup_suffix) {
    if (temporary_.empty()) return {};
    if (::fsync(fd_) != 0) return error_text("cannot be written");
    int old = ::open(target_.c_str(), O_RDONLY | O_CLOEXEC);
    if (old >= 0) {
        std::string why = keep_attributes(old);
        ::close(old);
        if (!why.empty()) return why;
    } else if (errno != ENOENT) {
        return error_text("cannot be looked at");
    }
    std::string backup = backup_suffix.empty() ? std::string() : target_ + backup_suffix;
    if (!backup.empty() && ::link(target_.c_str(), backup.c_str()) != 0)
        return errno == EEXIST
                   ? fmt::format(
                         "the backup {} is there already: move it away or choose another "
                         "suffix",
                         backup)
                   : error_text(fmt::format("no backup {} can be made", backup));
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
        std::string why = error_text("cannot be replaced");
        if (!backup.empty()) ::unlink(backup.c_str());
        return why;
    }
    temporary_.clear();
    // The rename itself must survive a crash.
    std::string directory = directory_of(target_);
    int dir =
        ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        ::fsync(dir);
        ::close(dir);
    }
    return {};
}

std::string replace_file(const std::string& path, std::string_view before, std::string_view after,
                         const std::string& backup_suffix) {
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return error_text("cannot be looked at");
    if (!S_ISREG(st.st_mode)) return "is no regular file, which alone can be replaced";
    auto file = FileWriter::create(path);
    if (!file) return file.error();
    if (std::string why = file->write(after); !why.empty()) return why;
    int old = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (old < 0) return error_text("cannot be read again");
    bool unchanged = holds(old, before);
    ::close(old);
    if (!unchanged) return "was changed by another program meanwhile: run again";
    return file->commit(backup_suffix);
}

unsigned long count_names(const std::string& path) {
    struct stat st {};
    return ::stat(path.c_str(), &st) == 0 ? st.st_nlink : 0;
}

}  // namespace untrack::rewriter
