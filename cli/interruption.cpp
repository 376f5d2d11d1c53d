// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/interruption.hpp"

#include <pthread.h>
#include <unistd.h>

#include "cli/streams.hpp"

namespace untrack::cli {

Interruption::Interruption(std::function<std::string()> last_words)
    : last_words_(std::move(last_words)) {
    ::sigemptyset(&signals_);
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL)
            ::sigaddset(&signals_, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    waiter_ = std::thread([this] { wait(); });
}

Interruption::~Interruption() {
    finished_ = true;
    // Whichever of them is waited for wakes the thread.
    for (int signal : {SIGINT, SIGTERM, SIGHUP})
        if (::sigismember(&signals_, signal) == 1) {
            ::pthread_kill(waiter_.native_handle(), signal);
            break;
        }
    waiter_.join();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::shared_lock<std::shared_mutex> Interruption::replacing() {
    while (ending_) ::pause();
    return std::shared_lock(replacing_);
}

void Interruption::wait() {
    int signal = 0;
    if (::sigismember(&signals_, SIGINT) != 1 && ::sigismember(&signals_, SIGTERM) != 1 &&
        ::sigismember(&signals_, SIGHUP) != 1)
        return;
    if (::sigwait(&signals_, &signal) != 0 || finished_) return;
    ending_ = true;
    std::unique_lock none_is_replaced(replacing_);
    print_error(last_words_());
    struct sigaction ends {};
    ends.sa_handler = SIG_DFL;
    ::sigaction(signal, &ends, nullptr);
    sigset_t only{};
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::raise(signal);
}

}  // namespace untrack::cli
