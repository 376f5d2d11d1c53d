// SPDX-License-Identifier: GPL-2.0-or-later
// Clients and servers of the laboratory: real sockets in a namespace, every wait bounded.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace untrack::test {

/// What came of trying to talk to a port.
enum class Talk { answered, refused, nothing };

struct Call {
    std::string address;
    int port = 0;
    bool udp = false;
    int from_port = 0;  ///< 0: any
    /// Ask for 200 000 bytes, in full packets, in place of an echo; of UDP, the echo of 4000.
    bool much = false;
};

/// Calls from a namespace.
Talk call_from(const std::string& name, const Call& call);

/// Serves a port in a namespace until it is killed, two minutes at most: the process.
pid_t serve_in(const std::string& name, int port, bool six, bool udp);

/// A socket that belongs to a namespace, though the caller does not; -1 when there is none.
int socket_in(const std::string& name, int domain, int type, int protocol);

}  // namespace untrack::test
