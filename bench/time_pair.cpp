// SPDX-License-Identifier: GPL-2.0-or-later
// untrack_time_pair RUNS COMMAND [COMMAND ...]: runs whole processes in turn, so that the noise of
// a busy machine meets all alike, and prints for each command the median wall time in seconds and
// the peak memory in MiB. Output goes to a file, because grep does less work when it goes to
// /dev/null. Exit codes 0 and 1 are answers; any other is an error.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Measured {
    std::vector<double> seconds;
    double peak_mib = 0;
};

/// False when the command failed.
bool run_once(const char* command, const char* output, Measured& into) {
    auto start = std::chrono::steady_clock::now();
    pid_t pid = ::fork();
    if (pid == 0) {
        int fd = ::open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::dup2(fd, STDOUT_FILENO);
        ::execl("/bin/sh", "sh", "-c", command, nullptr);
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    if (pid < 0 || ::wait4(pid, &status, 0, &usage) != pid) return false;
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        std::fprintf(stderr, "untrack_time_pair: exit status %d: %s\n", WEXITSTATUS(status),
                     command);
        return false;
    }
    into.seconds.push_back(took.count());
    into.peak_mib = std::max(into.peak_mib, static_cast<double>(usage.ru_maxrss) / 1024);
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    int runs = argc > 2 ? std::atoi(argv[1]) : 0;
    if (runs < 1) {
        std::fputs("usage: untrack_time_pair RUNS COMMAND [COMMAND ...]\n", stderr);
        return 2;
    }
    char output[] = "/tmp/untrack-time-XXXXXX";
    int fd = ::mkstemp(output);
    if (fd < 0) {
        std::perror("untrack_time_pair: mkstemp");
        return 1;
    }
    ::close(fd);
    std::vector<Measured> all(static_cast<std::size_t>(argc - 2));
    bool good = true;
    for (int run = 0; good && run < runs; ++run)
        for (std::size_t i = 0; good && i < all.size(); ++i)
            good = run_once(argv[i + 2], output, all[i]);
    ::unlink(output);
    if (!good) return 1;
    for (Measured& m : all) {
        std::sort(m.seconds.begin(), m.seconds.end());
        std::printf("%.4f %.1f\n", m.seconds[m.seconds.size() / 2], m.peak_mib);
    }
    return 0;
}
