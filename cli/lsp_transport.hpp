// SPDX-License-Identifier: GPL-2.0-or-later
// Messages of the language server protocol on the standard streams: headers, then a body.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace untrack::cli {

/// Reads standard input, as far as it is there.
class LspReader {
  public:
    /// Larger bodies are passed over, in bytes.
    static constexpr std::size_t largest_body = std::size_t{512} << 20U;

    struct Message {
        std::string body;
        bool too_large = false;  ///< the body is passed over
    };

    /// Waits until there is a message; false at the end of the input, or when `broken`.
    bool wait();
    /// Takes in what can be read without waiting, so that a cancellation overtakes what it cancels.
    void take_in();
    /// All messages that have come, the oldest first.
    std::deque<Message> messages;
    /// Headers without a length that can be read: where the next message begins is unknown.
    [[nodiscard]] bool broken() const { return broken_; }

  private:
    void read_some();
    void cut();
    bool cut_header();

    std::string buffer_;
    std::size_t missing_ = 0;  ///< bytes of the body that are still to come
    bool in_body_ = false;
    bool ended_ = false;
    bool broken_ = false;
    bool passed_over_ = false;
    std::string body_;  ///< as far as it has come
};

/// Writes one message to standard output.
void write_lsp_message(std::string_view body);

}  // namespace untrack::cli
