// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/kernel/talk.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace untrack::test {
namespace {

constexpr int patience = 1500;  // milliseconds
constexpr std::size_t much = 200'000;
constexpr std::size_t large = 4000;  // a datagram of three fragments

bool enter(const std::string& name) {
    int fd = ::open(("/var/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
    bool in = fd >= 0 && ::setns(fd, CLONE_NEWNET) == 0;
    if (fd >= 0) ::close(fd);
    return in;
}

struct Endpoint {
    sockaddr_storage storage{};
    socklen_t size = 0;
    int family = AF_INET;

    Endpoint(const std::string& address, int port) {
        if (address.find(':') == std::string::npos) {
            auto* in = reinterpret_cast<sockaddr_in*>(&storage);
            in->sin_family = AF_INET;
            in->sin_port = htons(static_cast<std::uint16_t>(port));
            ::inet_pton(AF_INET, address.c_str(), &in->sin_addr);
            size = sizeof *in;
        } else {
            auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
            in->sin6_family = AF_INET6;
            in->sin6_port = htons(static_cast<std::uint16_t>(port));
            ::inet_pton(AF_INET6, address.c_str(), &in->sin6_addr);
            size = sizeof *in;
            family = AF_INET6;
        }
    }
    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
};

bool ready(int fd, short events, int milliseconds = patience) {
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, milliseconds) == 1;
}

/// Reads until so many bytes have come.
bool receive(int fd, std::size_t wanted) {
    std::vector<char> buffer(65536);
    for (std::size_t have = 0; have < wanted;) {
        if (!ready(fd, POLLIN)) return false;
        ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (n <= 0) return false;
        have += static_cast<std::size_t>(n);
    }
    return true;
}

/// In the child: the exit status is the answer.
Talk talk_here(const Call& call) {
    Endpoint to(call.address, call.port);
    int fd = ::socket(to.family,
                      (call.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call.from_port != 0) {
        Endpoint own(to.family == AF_INET ? "0.0.0.0" : "::", call.from_port);
        int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(fd, own.get(), own.size) != 0) return Talk::nothing;
    }
    if (::connect(fd, to.get(), to.size) != 0 && errno != EINPROGRESS)
        return errno == ECONNREFUSED ? Talk::refused : Talk::nothing;
    if (!ready(fd, POLLOUT)) return Talk::nothing;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return error == ECONNREFUSED ? Talk::refused : Talk::nothing;
    std::string text = call.much ? "much!" : "hello";
    if (call.udp && call.much) text.resize(large);
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        return Talk::nothing;
    return receive(fd, call.much && !call.udp ? much : text.size()) ? Talk::answered
                                                                    : Talk::nothing;
}

void answer(int peer) {
    std::array<char, 64> text{};
    if (!ready(peer, POLLIN, 2000)) return;
    ssize_t n = ::recv(peer, text.data(), text.size(), 0);
    if (n <= 0) return;
    std::vector<char> reply(text.data(), text.data() + n);
    if (text[0] == 'm') reply.assign(much, 'x');
    for (std::size_t sent = 0; sent < reply.size();) {
        if (!ready(peer, POLLOUT, 3000)) return;
        ssize_t done =
            ::send(peer, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done <= 0) return;
        sent += static_cast<std::size_t>(done);
    }
    // Data in flight must not be cut off by a reset.
    ::shutdown(peer, SHUT_WR);
    if (ready(peer, POLLIN, 3000)) {
        n = ::recv(peer, text.data(), text.size(), 0);
        if (n < 0) return;
    }
}

[[noreturn]] void serve_forever(int port, bool six, bool udp) {
    Endpoint own(six ? "::" : "0.0.0.0", port);
    int fd = ::socket(own.family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (six) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(fd, own.get(), own.size) != 0) ::_exit(8);
    if (!udp && ::listen(fd, 16) != 0) ::_exit(8);
    ::alarm(120);  // a laboratory never lasts longer
    for (;;) {
        if (udp) {
            std::array<char, large> text{};
            sockaddr_storage from{};
            socklen_t size = sizeof from;
            auto* peer = reinterpret_cast<sockaddr*>(&from);
            ssize_t n = ::recvfrom(fd, text.data(), text.size(), 0, peer, &size);
            if (n > 0 && ::sendto(fd, text.data(), static_cast<std::size_t>(n), 0, peer, size) != n)
                continue;  // its way back is closed: the client finds out
            continue;
        }
        int peer = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0) continue;
        answer(peer);
        ::close(peer);
    }
}

}  // namespace

Talk call_from(const std::string& name, const Call& call) {
    pid_t pid = ::fork();
    if (pid == 0) {
        if (!enter(name)) ::_exit(9);
        ::alarm(15);
        ::_exit(static_cast<int>(talk_here(call)));
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 9;
    return code <= 2 ? static_cast<Talk>(code) : Talk::nothing;
}

pid_t serve_in(const std::string& name, int port, bool six, bool udp) {
    pid_t pid = ::fork();
    if (pid == 0) {
        if (!enter(name)) ::_exit(9);
        serve_forever(port, six, udp);
    }
    return pid;
}

int socket_in(const std::string& name, int domain, int type, int protocol) {
    int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int fd = -1;
    if (home >= 0 && enter(name)) fd = ::socket(domain, type | SOCK_CLOEXEC, protocol);
    if (home >= 0) {
        if (::setns(home, CLONE_NEWNET) != 0) ::_exit(9);  // never go on in the wrong place
        ::close(home);
    }
    return fd;
}

}  // namespace untrack::test
