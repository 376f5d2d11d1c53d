// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/parallel.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <stdexcept>
#include <string>

namespace untrack {
namespace {

TEST(Parallel, TakesAllResultsInOrderWithAnyNumberOfThreads) {
    for (std::size_t threads : {0U, 1U, 2U, 3U, 8U})
        for (std::size_t count : {0U, 1U, 2U, 7U, 500U}) {
            std::vector<std::size_t> taken;
            in_order(
                count, threads,
                [](std::size_t i) {
                    if (i % 5 == 0) std::this_thread::yield();
                    return std::to_string(i);
                },
                [&](std::size_t i, std::string&& result) {
                    EXPECT_EQ(result, std::to_string(i));
                    taken.push_back(i);
                });
            ASSERT_EQ(taken.size(), count) << threads;
            for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(taken[i], i);
        }
}

TEST(Parallel, OneThreadOrOnePieceStartsNoOther) {
    for (auto [count, threads] : {std::pair{100U, 1U}, std::pair{1U, 8U}}) {
        std::set<std::thread::id> seen;
        in_order(
            count, threads,
            [&](std::size_t) {
                seen.insert(std::this_thread::get_id());
                return 0;
            },
            [](std::size_t, int) {});
        EXPECT_EQ(seen, std::set{std::this_thread::get_id()});
    }
}

TEST(Parallel, FewResultsWaitForTheirTurn) {
    constexpr std::size_t threads = 3;
    std::atomic<std::size_t> begun = 0;
    in_order(
        200, threads,
        [&](std::size_t i) {
            ++begun;
            return i;
        },
        [&](std::size_t i, std::size_t) { EXPECT_LE(begun, i + 1 + 4 * threads); });
}

TEST(Parallel, ThrowsWhatTheWorkThrewAtItsTurn) {
    for (std::size_t threads : {1U, 4U}) {
        std::size_t taken = 0;
        auto run = [&] {
            in_order(
                100, threads,
                [](std::size_t i) {
                    if (i >= 37) throw std::runtime_error(std::to_string(i));
                    return i;
                },
                [&](std::size_t, std::size_t) { ++taken; });
        };
        try {
            run();
            ADD_FAILURE() << "nothing was thrown";
        } catch (const std::runtime_error& e) {
            EXPECT_STREQ(e.what(), "37");
        }
        EXPECT_EQ(taken, 37U);
    }
}

TEST(Parallel, WhatTakesMayThrow) {
    EXPECT_THROW(in_order(
                     100, 4, [](std::size_t i) { return i; },
                     [](std::size_t i, std::size_t) {
                         if (i == 20) throw std::runtime_error("enough");
                     }),
                 std::runtime_error);
}

}  // namespace
}  // namespace untrack
