// SPDX-License-Identifier: GPL-2.0-or-later
// A bar on the terminal for what takes many files.
#pragma once

#include <cstddef>
#include <string_view>

namespace untrack::cli {

/// Draws on standard error, if that is a terminal, and keeps out of the way of messages.
class Progress {
  public:
    /// With fewer than two files there is no bar.
    explicit Progress(std::size_t files);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { end(); }

    /// Prints messages (whole lines) above the bar, which then stands at `done` files.
    void say(std::string_view messages, std::size_t done);
    /// Takes the bar away.
    void end();

  private:
    std::size_t files_;
    bool drawn_ = false;
};

}  // namespace untrack::cli
