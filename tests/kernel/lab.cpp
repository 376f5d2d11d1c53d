// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/kernel/lab.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace untrack::test {
namespace {

void enter(const std::string& name) {
    int fd = ::open(("/var/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) ::_exit(9);
    ::close(fd);
}

struct Endpoint {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family = AF_INET;
};

Endpoint endpoint(const std::string& address, int port) {
    Endpoint e;
    if (address.find(':') == std::string::npos) {
        auto* in = reinterpret_cast<sockaddr_in*>(&e.storage);
        in->sin_family = AF_INET;
        in->sin_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET, address.c_str(), &in->sin_addr);
        e.size = sizeof *in;
    } else {
        auto* in = reinterpret_cast<sockaddr_in6*>(&e.storage);
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET6, address.c_str(), &in->sin6_addr);
        e.size = sizeof *in;
        e.family = AF_INET6;
    }
    return e;
}

bool ready(int fd, short events, int milliseconds) {
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, milliseconds) == 1;
}

/// In the child: connect, send, wait. The exit status is the answer.
int talk_here(const std::string& address, int port) {
    constexpr int patience = 1500;
    Endpoint e = endpoint(address, port);
    int fd = ::socket(e.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&e.storage), e.size) != 0 && errno != EINPROGRESS)
        return errno == ECONNREFUSED ? 1 : 2;
    if (!ready(fd, POLLOUT, patience)) return 2;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return error == ECONNREFUSED ? 1 : 2;
    if (::send(fd, "hello", 5, MSG_NOSIGNAL) != 5 || !ready(fd, POLLIN, patience)) return 2;
    std::array<char, 8> answer{};
    return ::recv(fd, answer.data(), answer.size(), 0) == 5 ? 0 : 2;
}

[[noreturn]] void echo_forever(int port, bool six) {
    Endpoint e = endpoint(six ? "::" : "0.0.0.0", port);
    int fd = ::socket(e.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (six) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&e.storage), e.size) != 0 || ::listen(fd, 16) != 0)
        ::_exit(8);
    ::alarm(120);  // a laboratory never lasts longer
    for (;;) {
        int peer = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0) continue;
        std::array<char, 64> text{};
        if (ready(peer, POLLIN, 2000)) {
            ssize_t n = ::recv(peer, text.data(), text.size(), 0);
            if (n > 0 && ::send(peer, text.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL) != n)
                ::_exit(7);
        }
        ::close(peer);
    }
}

}  // namespace

int run(const std::string& command) {
    int status = std::system(("timeout 20 sh -c '" + command + "' >/dev/null 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

std::string output_of(const std::string& command) {
    std::FILE* pipe = ::popen(("timeout 20 sh -c '" + command + "' 2>/dev/null").c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer{};
    while (std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
        out.append(buffer.data(), n);
    ::pclose(pipe);
    return out;
}

Lab::Lab() {
    static int number = 0;
    std::string tag = std::to_string(::getpid()) + "-" + std::to_string(number++);
    server_ = "ut-s" + tag;
    client_ = "ut-c" + tag;
    run("ip netns add " + server_ + " && ip netns add " + client_ + " && ip link add eth0 netns " +
        server_ + " type veth peer name eth0 netns " + client_);
    for (const auto& [ns, last] : {std::pair{server_, "1"}, std::pair{client_, "2"}})
        run("ip -n " + ns + " addr add 192.0.2." + last + "/24 dev eth0 && ip -n " + ns +
            " addr add 2001:db8:1::" + last + "/64 dev eth0 nodad && ip -n " + ns +
            " link set lo up && ip -n " + ns + " link set eth0 up");
}

Lab::~Lab() {
    std::stringstream pids(servers_);
    for (pid_t pid = 0; pids >> pid;) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    run("ip netns del " + server_);
    run("ip netns del " + client_);
}

bool Lab::load(const std::string& tool, const std::string& file) const {
    return run("ip netns exec " + server_ + " " + tool + " " + file) == 0;
}

void Lab::serve(int port, bool six) {
    pid_t pid = ::fork();
    if (pid == 0) {
        enter(server_);
        echo_forever(port, six);
    }
    servers_ += std::to_string(pid) + " ";
    ::usleep(100'000);
}

Talk Lab::talk(const std::string& from, const std::string& address, int port) const {
    pid_t pid = ::fork();
    if (pid == 0) {
        enter(from);
        ::alarm(10);
        ::_exit(talk_here(address, port));
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    return code == 0 ? Talk::answered : code == 1 ? Talk::refused : Talk::nothing;
}

int Lab::entries() const {
    return std::atoi(output_of("ip netns exec " + server_ + " conntrack -C").c_str());
}
void Lab::forget_entries() const {
    run("ip netns exec " + server_ + " conntrack -F");
}

}  // namespace untrack::test
