// SPDX-License-Identifier: GPL-2.0-or-later
// Many pieces of work over the processors, their results in order: the same input gives the same
// bytes however many threads there are.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace untrack {

/// Calls work(i) for every i below `count` on at most `threads` threads, this one among them, and
/// take(i, result) on this thread, in order. Few results wait at any time. What `work` throws for i
/// is thrown here at i's turn. One thread, or one piece: nothing is started.
template <typename Work, typename Take>
void in_order(std::size_t count, std::size_t threads, Work work, Take take) {
    threads = std::min(threads, count);
    if (threads <= 1) {
        for (std::size_t i = 0; i < count; ++i) take(i, work(i));
        return;
    }
    using Result = std::invoke_result_t<Work, std::size_t>;
    struct Slot {
        std::optional<Result> result;
        std::exception_ptr error;
    };
    std::vector<Slot> slots(count);
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t next = 0;
    std::size_t taken = 0;
    bool stopped = false;
    const std::size_t ahead = 4 * threads;

    auto may_begin = [&] { return next < count && next < taken + ahead; };
    auto do_next = [&](std::unique_lock<std::mutex>& lock) {
        std::size_t i = next++;
        lock.unlock();
        Slot slot;
        try {
            slot.result.emplace(work(i));
        } catch (...) {
            slot.error = std::current_exception();
        }
        lock.lock();
        slots[i] = std::move(slot);
        changed.notify_all();
    };
    auto serve = [&] {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [&] { return stopped || next == count || may_begin(); });
            if (stopped || next == count) return;
            do_next(lock);
        }
    };

    std::vector<std::jthread> others;
    struct Stop {  // before the threads are joined, whatever is thrown
        std::mutex& mutex;
        std::condition_variable& changed;
        bool& stopped;
        ~Stop() {
            std::scoped_lock lock(mutex);
            stopped = true;
            changed.notify_all();
        }
    } stop{mutex, changed, stopped};
    try {
        while (others.size() + 1 < threads) others.emplace_back(serve);
    } catch (const std::system_error&) {
        // No more threads are allowed: those that are there do.
    }
    for (std::size_t i = 0; i < count; ++i) {
        Slot slot;
        {
            std::unique_lock lock(mutex);
            while (!slots[i].result && !slots[i].error) {
                if (may_begin()) {
                    do_next(lock);
                } else {
                    changed.wait(lock);
                }
            }
            slot = std::move(slots[i]);
            slots[i] = {};
            taken = i + 1;
            changed.notify_all();
        }
        if (slot.error) std::rethrow_exception(slot.error);
        take(i, std::move(*slot.result));
    }
}

}  // namespace untrack
