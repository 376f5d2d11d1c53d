// SPDX-License-Identifier: GPL-2.0-or-later
// Many files over the processors, their results in the files' order: the same input gives the same
// bytes however many threads there are.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

namespace untrack::cli {

/// Calls work(i) for every i below `count` on at most `jobs` threads, and take(i, result) on this
/// thread, in order. Few results wait at any time. What `work` throws for i is thrown here at i's
/// turn.
template <typename Work, typename Take>
void in_order(std::size_t count, std::size_t jobs, Work work, Take take) {
    using Result = std::invoke_result_t<Work, std::size_t>;
    struct Slot {
        std::optional<Result> result;
        std::exception_ptr error;
    };
    jobs = std::min(jobs, count);
    std::vector<Slot> slots(count);
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t next = 0;
    std::size_t taken = 0;
    bool stopped = false;
    const std::size_t ahead = 4 * jobs;

    auto serve = [&] {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [&] { return stopped || next == count || next < taken + ahead; });
            if (stopped || next == count) return;
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
        }
    };

    std::vector<std::jthread> threads;
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
        while (jobs > 1 && threads.size() < jobs) threads.emplace_back(serve);
    } catch (const std::system_error&) {
        // No more threads are allowed: those that are there do.
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (threads.empty()) {
            take(i, work(i));
            continue;
        }
        Slot slot;
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return slots[i].result || slots[i].error; });
            slot = std::move(slots[i]);
            taken = i + 1;
            changed.notify_all();
        }
        if (slot.error) std::rethrow_exception(slot.error);
        take(i, std::move(*slot.result));
    }
}

}  // namespace untrack::cli
