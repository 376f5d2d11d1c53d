// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/kernel/lab.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace untrack::test {

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

Hosts::~Hosts() {
    for (pid_t pid : servers_) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    for (const std::string& name : names_) run("ip netns del " + name);
}

std::string Hosts::add(const std::string& name) {
    static int number = 0;
    std::string full = "ut-" + name + std::to_string(::getpid()) + "-" + std::to_string(number++);
    names_.push_back(full);
    run("ip netns add " + full + " && ip -n " + full + " link set lo up");
    return full;
}

bool Hosts::load(const std::string& host, const std::string& tool, const std::string& file) const {
    return run("ip netns exec " + host + " " + tool + " " + file) == 0;
}

void Hosts::serve(const std::string& host, int port, bool udp, bool six) {
    servers_.push_back(serve_in(host, port, six, udp));
    ::usleep(100'000);
}

int Hosts::entries(const std::string& host) const {
    return std::atoi(output_of("ip netns exec " + host + " conntrack -C").c_str());
}
void Hosts::forget_entries(const std::string& host) const {
    run("ip netns exec " + host + " conntrack -F");
}

namespace {

/// One end of a cable.
struct End {
    std::string host, device, v4, v6;
};

void join(const End& a, const End& b) {
    run("ip link add " + a.device + " netns " + a.host + " type veth peer name " + b.device +
        " netns " + b.host);
    for (const End* end : {&a, &b})
        run("ip -n " + end->host + " addr add " + end->v4 + " dev " + end->device + " && ip -n " +
            end->host + " addr add " + end->v6 + " dev " + end->device + " nodad && ip -n " +
            end->host + " link set " + end->device + " up");
}

}  // namespace

Lab::Lab() : server(add("s")), client(add("c")) {
    join({server, "eth0", "192.0.2.1/24", "2001:db8:1::1/64"},
         {client, "eth0", "192.0.2.2/24", "2001:db8:1::2/64"});
}

RoutedLab::RoutedLab() : client(add("c")), router(add("r")), server(add("s")) {
    join({client, "eth0", "203.0.113.2/24", "2001:db8:1::2/64"},
         {router, "eth0", "203.0.113.1/24", "2001:db8:1::1/64"});
    join({server, "eth0", "198.51.100.2/24", "2001:db8:2::2/64"},
         {router, "eth1", "198.51.100.1/24", "2001:db8:2::1/64"});
    run("ip -n " + client + " route add default via 203.0.113.1 && ip -n " + client +
        " -6 route add default via 2001:db8:1::1");
    run("ip -n " + server + " route add default via 198.51.100.1 && ip -n " + server +
        " -6 route add default via 2001:db8:2::1");
    // Packets with any source address are to reach the rules.
    run("ip netns exec " + router +
        " sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
        "net.ipv4.conf.all.rp_filter=0 "
        "net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0");
}

void KernelTest::SetUp() {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: network namespaces cannot be made";
    for (const char* tool :
         {"ip", "conntrack", "iptables-legacy-restore", "iptables-nft-restore", "nft"})
        if (run(std::string("command -v ") + tool) != 0)
            GTEST_SKIP() << tool << " is not installed";
    const char* binary = std::getenv("UNTRACK_BIN");
    ASSERT_NE(binary, nullptr) << "UNTRACK_BIN must name the program";
    binary_ = binary;
    folder_ = std::filesystem::temp_directory_path() / ("ut-kernel-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
}

void KernelTest::TearDown() {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
}

std::string KernelTest::write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
}

std::string KernelTest::rewritten(const std::string& arguments, const std::string& file) const {
    std::string out = folder_ / ("after" + std::filesystem::path(file).extension().string());
    EXPECT_EQ(run(binary_ + " rewrite " + arguments + " " + file + " > " + out), 0)
        << arguments << " " << file;
    return out;
}

bool KernelTest::reports(const std::string& code, const std::string& file) const {
    return output_of(binary_ + " lint --select " + code + " " + file).find("[" + code + "]") !=
           std::string::npos;
}

std::string sample(const std::string& name) {
    std::filesystem::path folder =
        std::filesystem::path(UNTRACK_SOURCE_DIR) / "rules-samples" / name;
    for (const char* other : {"before.ip6tables", "before.nft"})
        if (std::filesystem::exists(folder / other)) return folder / other;
    return folder / "before.iptables";
}

}  // namespace untrack::test
