// SPDX-License-Identifier: GPL-2.0-or-later
// Ctrl-C while files are replaced.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

namespace untrack::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP end the program as always, but never in the middle of
/// a replacement: a file is old or new, and nothing is left beside it. Signals that the program was
/// started to ignore (nohup) stay ignored. Make it before other threads, so that they inherit the
/// blocked signals.
class Interruption {
  public:
    /// `last_words` is printed on stderr before the end.
    explicit Interruption(std::function<std::string()> last_words);
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;
    ~Interruption();

    /// To be held while a file is replaced. Does not return once the program is about to end.
    [[nodiscard]] std::shared_lock<std::shared_mutex> replacing();

  private:
    void wait();

    std::function<std::string()> last_words_;
    sigset_t signals_{};
    sigset_t before_{};
    std::shared_mutex replacing_;
    std::atomic<bool> ending_ = false;    ///< the program
    std::atomic<bool> finished_ = false;  ///< this object
    std::thread waiter_;
};

}  // namespace untrack::cli
