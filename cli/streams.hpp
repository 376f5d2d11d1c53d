// SPDX-License-Identifier: GPL-2.0-or-later
// The three standard streams, and what ends the program while it uses them.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace untrack::cli {

/// What cannot be gone on with (an output that cannot be written): a sentence for a person.
struct Fatal : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A closed standard stream's number must not go to a file that is opened next: messages would land
/// in a ruleset. A reader that goes away ends the program only where write_out says so, and an
/// assertion or an input that shrinks under the program end it with a message and the contract's
/// exit code.
void prepare_process();

/// "untrack: MESSAGE" on stderr.
void complain(std::string_view message);
/// Text for standard error; that it cannot be written is no reason to stop half-way.
void print_error(std::string_view text);
/// Writes to stdout; when nobody reads any more the program ends as if killed by SIGPIPE. Throws
/// Fatal when it cannot be written.
void write_out(std::string_view text);

/// Whether the stream of that number is a terminal that can do more than print.
bool is_terminal(int stream);
/// Whether --color WHEN (auto, always, never) wants colours on the stream of that number: auto
/// means a terminal and no NO_COLOR.
bool use_color(std::string_view when, int stream);

}  // namespace untrack::cli
