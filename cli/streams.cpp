// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/streams.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/common.hpp"

namespace untrack::cli {
namespace {

bool reader_loss_was_ignored = false;

/// Signal handlers may do little more than this.
template <std::size_t N>
[[noreturn]] void end_with(const char (&message)[N], int code) {
    [[maybe_unused]] ssize_t lost = ::write(STDERR_FILENO, message, N - 1);
    std::_Exit(code);
}

void on_abort(int) {
    end_with("untrack: internal error: an assertion failed; please report it\n", exit_bug);
}

/// A mapped file's pages beyond a new, earlier end.
void on_bus_error(int) {
    end_with("untrack: an input was cut short while it was read: run again\n", exit_usage);
}

}  // namespace

void prepare_process() {
    // Opened the wrong way round, so that reading or writing them stays an error.
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            std::_Exit(exit_usage);
    reader_loss_was_ignored = std::signal(SIGPIPE, SIG_IGN) == SIG_IGN;
    std::signal(SIGABRT, on_abort);
    std::signal(SIGBUS, on_bus_error);
}

void complain(std::string_view message) {
    print_error(fmt::format("untrack: {}\n", message));
}

void print_error(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;  // there is nobody left to tell; the exit code still says it
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

void write_out(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EPIPE && !reader_loss_was_ignored) {
            std::signal(SIGPIPE, SIG_DFL);
            std::raise(SIGPIPE);
        }
        if (n < 0)
            throw Fatal(fmt::format("standard output cannot be written: {}", std::strerror(errno)));
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

bool is_terminal(int stream) {
    const char* terminal = std::getenv("TERM");
    return ::isatty(stream) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

bool use_color(std::string_view when, int stream) {
    if (when != "auto") return when == "always";
    const char* no_color = std::getenv("NO_COLOR");
    return (no_color == nullptr || *no_color == '\0') && is_terminal(stream);
}

}  // namespace untrack::cli
