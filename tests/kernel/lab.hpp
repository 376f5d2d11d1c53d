// SPDX-License-Identifier: GPL-2.0-or-later
// Hosts in network namespaces of their own, joined by veth pairs. Everything is removed at the end,
// and every wait is bounded.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/kernel/talk.hpp"

namespace untrack::test {

/// Runs a shell command, bounded to 20 seconds; its exit status.
int run(const std::string& command);
/// The same, with what it printed.
std::string output_of(const std::string& command);

/// Namespaces and the servers in them.
class Hosts {
  public:
    Hosts() = default;
    ~Hosts();
    Hosts(const Hosts&) = delete;
    Hosts& operator=(const Hosts&) = delete;

    /// Loads a file with the given restore tool; true when it was accepted.
    bool load(const std::string& host, const std::string& tool, const std::string& file) const;
    /// An echo server until the laboratory ends.
    void serve(const std::string& host, int port, bool udp = false, bool six = false);
    /// Conntrack entries of a host.
    [[nodiscard]] int entries(const std::string& host) const;
    void forget_entries(const std::string& host) const;

  protected:
    /// A new namespace; `name` tells those of one laboratory apart.
    std::string add(const std::string& name);

  private:
    std::vector<std::string> names_;
    std::vector<pid_t> servers_;
};

/// A client and a server: 192.0.2.2 and 192.0.2.1, 2001:db8:1::2 and ::1, eth0 on both.
class Lab : public Hosts {
  public:
    Lab();
    const std::string server;
    const std::string client;
};

/// A router between them: the client is 203.0.113.2 behind the router's eth0 (.1), the server
/// 198.51.100.2 behind its eth1 (.1); 2001:db8:1::2 and 2001:db8:2::2.
class RoutedLab : public Hosts {
  public:
    RoutedLab();
    const std::string client;
    const std::string router;
    const std::string server;
};

/// Skips when this is not root or a tool is missing; holds the program and a folder for files.
class KernelTest : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;
    /// The file after `untrack rewrite` with these arguments; expects success.
    [[nodiscard]] std::string rewritten(const std::string& arguments,
                                        const std::string& file) const;
    /// Whether lint reports the code.
    [[nodiscard]] bool reports(const std::string& code, const std::string& file) const;

    std::string binary_;
    std::filesystem::path folder_;
};

/// The file of a sample host.
std::string sample(const std::string& name);

}  // namespace untrack::test
