// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/kernel/probe.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/kernel/talk.hpp"

namespace untrack::test {
namespace {

/// "ut-probe" and the packet's number, at the end of every packet.
constexpr std::array<char, 8> cookie{'u', 't', '-', 'p', 'r', 'o', 'b', 'e'};

void put16(std::vector<std::uint8_t>& p, std::size_t at, unsigned n) {
    p[at] = static_cast<std::uint8_t>(n >> 8U);
    p[at + 1] = static_cast<std::uint8_t>(n);
}

std::uint32_t sum(const std::uint8_t* p, std::size_t size) {
    std::uint32_t s = 0;
    for (std::size_t i = 0; i < size; ++i)
        s += i % 2 == 0 ? static_cast<unsigned>(p[i]) << 8U : p[i];
    return s;
}
std::uint16_t checksum(std::uint32_t s) {
    while ((s >> 16U) != 0) s = (s & 0xffffU) + (s >> 16U);
    return static_cast<std::uint16_t>(~s);
}

std::vector<std::uint8_t> packet(const Probe& probe, std::uint32_t number) {
    bool error = probe.protocol == 1 && probe.icmp_type != 8;
    std::size_t head = probe.protocol == 6 ? 20 : error ? 36 : 8;
    std::vector<std::uint8_t> p(20 + head + cookie.size() + sizeof number);
    p[0] = 0x45;
    put16(p, 2, static_cast<unsigned>(p.size()));
    p[8] = 64;
    p[9] = probe.protocol;
    ::inet_pton(AF_INET, probe.source.c_str(), &p[12]);
    ::inet_pton(AF_INET, probe.destination.c_str(), &p[16]);
    std::memcpy(&p[20 + head], cookie.data(), cookie.size());
    std::memcpy(&p[20 + head + cookie.size()], &number, sizeof number);
    auto size = static_cast<unsigned>(p.size() - 20);
    if (probe.protocol == 1) {
        p[20] = probe.icmp_type;
        p[21] = probe.icmp_code;
        if (error) {
            // From the packet's destination to its source, UDP.
            p[28] = 0x45;
            put16(p, 30, 28 + 12);
            p[36] = 64;
            p[37] = 17;
            std::memcpy(&p[40], &p[16], 4);
            std::memcpy(&p[44], &p[12], 4);
            put16(p, 38, checksum(sum(&p[28], 20)));
            put16(p, 48, probe.source_port);
            put16(p, 50, probe.destination_port);
            put16(p, 52, 8 + 12);
        } else {
            put16(p, 24, number & 0xffffU);
        }
        put16(p, 22, checksum(sum(&p[20], size)));
        return p;
    }
    put16(p, 20, probe.source_port);
    put16(p, 22, probe.destination_port);
    if (probe.protocol == 6) {
        p[27] = 1;
        p[32] = 0x50;
        p[33] = probe.tcp_flags.value_or(probe.syn ? 0x02 : 0x10);
        put16(p, 34, 1024);
    } else {
        put16(p, 24, size);
    }
    std::uint32_t pseudo = sum(&p[12], 8) + probe.protocol + size;
    put16(p, probe.protocol == 6 ? 36 : 26, checksum(pseudo + sum(&p[20], size)));
    return p;
}

/// Takes the numbers out of what the socket has.
void drain(int fd, std::set<std::size_t>& seen) {
    std::array<std::uint8_t, 2048> buffer{};
    for (;;) {
        ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0) return;
        if (n < 32) continue;
        const std::uint8_t* end = buffer.data() + n;
        std::uint32_t number = 0;
        if (std::memcmp(end - 12, cookie.data(), cookie.size()) != 0) continue;
        std::memcpy(&number, end - 4, sizeof number);
        seen.insert(number);
    }
}

}  // namespace

std::set<std::size_t> deliver(const std::string& from, const std::string& to,
                              const std::vector<Probe>& probes) {
    std::set<std::size_t> seen;
    int sender = socket_in(from, AF_INET, SOCK_RAW, IPPROTO_RAW);
    std::array<int, 3> receivers{socket_in(to, AF_INET, SOCK_RAW, IPPROTO_TCP),
                                 socket_in(to, AF_INET, SOCK_RAW, IPPROTO_UDP),
                                 socket_in(to, AF_INET, SOCK_RAW, IPPROTO_ICMP)};
    for (int fd : receivers) {
        int size = 8 << 20;
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    }
    for (std::size_t i = 0; i < probes.size(); ++i) {
        std::vector<std::uint8_t> p = packet(probes[i], static_cast<std::uint32_t>(i));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        std::memcpy(&address.sin_addr, &p[16], 4);
        // What OUTPUT drops is an error of this call: not seen, and that is all.
        if (::sendto(sender, p.data(), p.size(), 0, reinterpret_cast<sockaddr*>(&address),
                     sizeof address) < 0)
            continue;
        if (i % 64 == 63)
            for (int fd : receivers) drain(fd, seen);
    }
    ::usleep(150'000);
    for (int fd : receivers) {
        drain(fd, seen);
        ::close(fd);
    }
    ::close(sender);
    return seen;
}

}  // namespace untrack::test
