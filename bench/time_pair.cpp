// SPDX-License-Identifier: GPL-2.0-or-later
// untrack_time_pair --a CMD --b CMD: runs whole processes in turn (a b a b ...), so that the noise
// of a busy machine meets both alike, and prints median, spread and peak memory of each and the
// ratio of the medians. Output goes to a file that is overwritten, not to /dev/null: grep stops at
// its first match there.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr const char* usage =
    "usage: untrack_time_pair [--runs N] [--limit SECONDS] [--once-over SECONDS]\n"
    "                         [--ok CODES] --a COMMAND [--ok CODES] --b COMMAND\n"
    "  --runs N             runs of each, after one to warm up (5)\n"
    "  --limit SECONDS      a run that takes longer is stopped, and is an error (600)\n"
    "  --once-over SECONDS  a command whose first run took longer is not run again (never)\n"
    "  --ok CODES           exit statuses of the next command that are answers, as 0,1 (0)\n";

struct Command {
    char name;
    const char* text;
    std::vector<int> ok;
    std::vector<double> seconds = {};
    double peak_mib = 0;
};

struct Options {
    int runs = 5, limit = 600;
    double once_over = 1e9;
    std::vector<Command> commands = {};
};

double now() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

bool number(const char*& at, int& value) {
    auto [end, error] = std::from_chars(at, at + std::strlen(at), value);
    at = end;
    return error == std::errc() && value >= 0;
}

bool whole_number(const char* text, int& value) {
    return number(text, value) && *text == '\0' && value > 0;
}

bool codes(const char* text, std::vector<int>& ok) {
    ok.clear();
    for (int code = 0; number(text, code);) {
        ok.push_back(code);
        if (*text == '\0') return true;
        if (*text++ != ',') break;
    }
    return false;
}

bool read_options(int argc, char** argv, Options& options) {
    std::vector<int> ok = {0};
    for (int i = 1; i < argc; i += 2) {
        const std::string option = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        int seconds = 0;
        if (option == "--runs") {
            if (!whole_number(value, options.runs)) return false;
        } else if (option == "--limit") {
            if (!whole_number(value, options.limit)) return false;
        } else if (option == "--once-over") {
            if (!whole_number(value, seconds)) return false;
            options.once_over = seconds;
        } else if (option == "--ok") {
            if (!codes(value, ok)) return false;
        } else if (options.commands.size() < 2 &&
                   option == (options.commands.empty() ? "--a" : "--b") && *value != '\0') {
            options.commands.push_back({option[2], value, ok});
            ok = {0};
        } else {
            return false;
        }
    }
    return options.commands.size() == 2;
}

/// The seconds it took, negative when the command failed.
double run(Command& command, const char* output, int limit) {
    // Before the clock starts: else a short run would pay for what a long one wrote.
    if (::truncate(output, 0) != 0) {
        std::perror("untrack_time_pair: truncate");
        return -1;
    }
    double start = now();
    pid_t pid = ::fork();
    if (pid == 0) {
        int fd = ::open(output, O_WRONLY);
        if (fd < 0 || ::dup2(fd, STDOUT_FILENO) < 0) ::_exit(126);
        ::alarm(static_cast<unsigned>(limit));  // outlives exec
        ::execl("/bin/sh", "sh", "-c", command.text, nullptr);
        ::_exit(127);
    }
    int status = 0;
    rusage used{};
    pid_t ended = -1;
    if (pid > 0) do {
            ended = ::wait4(pid, &status, 0, &used);
        } while (ended < 0 && errno == EINTR);
    double took = now() - start;
    if (ended != pid || pid <= 0) {
        std::perror("untrack_time_pair");
        return -1;
    }
    if (WIFSIGNALED(status)) {
        std::fprintf(stderr, "untrack_time_pair: ended by signal %d%s: %s\n", WTERMSIG(status),
                     WTERMSIG(status) == SIGALRM ? " (took too long)" : "", command.text);
        return -1;
    }
    int code = WEXITSTATUS(status);
    if (std::find(command.ok.begin(), command.ok.end(), code) == command.ok.end()) {
        std::fprintf(stderr, "untrack_time_pair: exit status %d: %s\n", code, command.text);
        return -1;
    }
    command.peak_mib = std::max(command.peak_mib, static_cast<double>(used.ru_maxrss) / 1024);
    return took;
}

bool run_all(Options& options, const char* output) {
    std::vector<Command*> turn;
    for (Command& command : options.commands) {
        double first = run(command, output, options.limit);
        if (first < 0) return false;
        // Who takes that long is not helped by a warm cache: its first run counts.
        if (first > options.once_over) {
            command.seconds.push_back(first);
        } else {
            turn.push_back(&command);
        }
    }
    for (int i = 0; i < options.runs; ++i) {
        for (Command* command : turn) {
            double took = run(*command, output, options.limit);
            if (took < 0) return false;
            command->seconds.push_back(took);
        }
    }
    return true;
}

double median(const std::vector<double>& sorted) {
    std::size_t middle = sorted.size() / 2;
    return sorted.size() % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!read_options(argc, argv, options)) {
        std::fputs(usage, stderr);
        return 2;
    }
    const char* folder = std::getenv("TMPDIR");
    std::string output = std::string(folder != nullptr ? folder : "/tmp") + "/untrack-time-XXXXXX";
    int fd = ::mkstemp(output.data());
    if (fd < 0) {
        std::perror("untrack_time_pair: mkstemp");
        return 1;
    }
    ::close(fd);
    bool good = run_all(options, output.c_str());
    ::unlink(output.c_str());
    if (!good) return 1;
    for (Command& c : options.commands) {
        std::sort(c.seconds.begin(), c.seconds.end());
        std::printf("%c %.4f s, %.4f to %.4f in %zu runs, peak %.1f MiB\n", c.name,
                    median(c.seconds), c.seconds.front(), c.seconds.back(), c.seconds.size(),
                    c.peak_mib);
    }
    std::printf("a/b %.4f\n",
                median(options.commands[0].seconds) / median(options.commands[1].seconds));
    return 0;
}
