// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewriter/write_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace untrack::rewriter {
namespace {

std::string error_text(std::string_view what) {
    return fmt::format("{}: {}", what, std::strerror(errno));
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace

std::string replace_file(const std::string& path, std::string_view text,
                         const std::string& backup_suffix) {
    // The file itself, not a link to it, is replaced.
    char* resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return error_text("cannot be found");
    std::string target(resolved);
    std::free(resolved);
    struct stat st {};
    if (::stat(target.c_str(), &st) != 0) return error_text("cannot be looked at");
    std::string name = target + ".untrack-XXXXXX";
    std::vector<char> temporary(name.begin(), name.end());
    temporary.push_back('\0');
    int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (fd < 0) return error_text("no file can be made beside it");
    bool owner_kept = ::fchown(fd, st.st_uid, st.st_gid) == 0 ||
                      (st.st_uid == ::geteuid() && st.st_gid == ::getegid());
    std::string failure;
    if (!write_all(fd, text) || ::fsync(fd) != 0) {
        failure = error_text("cannot be written");
    } else if (!owner_kept) {
        failure = error_text("its owner cannot be kept");
    } else if (::fchmod(fd, st.st_mode & 07777U) != 0) {
        failure = error_text("its mode cannot be kept");
    }
    ::close(fd);
    if (failure.empty() && !backup_suffix.empty()) {
        std::string backup = target + backup_suffix;
        if (::link(target.c_str(), backup.c_str()) != 0)
            failure = error_text(fmt::format("no backup {} can be made", backup));
    }
    if (failure.empty() && ::rename(temporary.data(), target.c_str()) != 0)
        failure = error_text("cannot be replaced");
    if (!failure.empty()) {
        ::unlink(temporary.data());
        return failure;
    }
    // The rename itself must survive a crash.
    std::string directory = target.substr(0, target.rfind('/') + 1);
    int dir = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        ::fsync(dir);
        ::close(dir);
    }
    return {};
}

}  // namespace untrack::rewriter
