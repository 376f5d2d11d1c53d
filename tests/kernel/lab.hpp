// SPDX-License-Identifier: GPL-2.0-or-later
// Two hosts in network namespaces of their own: a client and a server joined by a veth pair.
// Everything is removed at the end, and every wait is bounded.
#pragma once

#include <string>

namespace untrack::test {

/// What came of trying to talk to a port.
enum class Talk { answered, refused, nothing };

/// Runs a shell command, bounded to 20 seconds; its exit status.
int run(const std::string& command);
/// The same, with what it printed.
std::string output_of(const std::string& command);

class Lab {
  public:
    Lab();
    ~Lab();
    Lab(const Lab&) = delete;
    Lab& operator=(const Lab&) = delete;

    /// 192.0.2.1 is the server, 192.0.2.2 the client; 2001:db8:1::1 and ::2.
    [[nodiscard]] const std::string& server() const { return server_; }
    [[nodiscard]] const std::string& client() const { return client_; }

    /// Loads a file with the given restore tool in the server's namespace; true when it was
    /// accepted.
    bool load(const std::string& tool, const std::string& file) const;
    /// An echo server on a TCP port of the server, until the laboratory ends.
    void serve(int port, bool six);
    /// Connects from a namespace, sends a word and waits for its echo.
    [[nodiscard]] Talk talk(const std::string& from, const std::string& address, int port) const;
    /// Conntrack entries in the server's namespace.
    [[nodiscard]] int entries() const;
    void forget_entries() const;

  private:
    std::string server_;
    std::string client_;
    std::string servers_;  ///< process ids
};

}  // namespace untrack::test
