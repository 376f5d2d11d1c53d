// SPDX-License-Identifier: GPL-2.0-or-later
// Large files on several threads: while one builds the tree, others read runs of items further on,
// guessing where items begin. When the builder comes to the beginning of a run, it takes what was
// read; a wrong guess it never comes to, or the run has errors, and then it reads by itself. So the
// tree is what one thread would have built.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "parser/nft/builder.hpp"

namespace untrack::parser::nft {

class AheadReader {
  public:
    /// `threads` with the builder's own; runs are of about `run_bytes`.
    AheadReader(std::string_view text, std::size_t threads, std::size_t run_bytes);
    ~AheadReader();
    AheadReader(const AheadReader&) = delete;
    AheadReader& operator=(const AheadReader&) = delete;

    /// Where the first run begins; nullptr when there is none.
    [[nodiscard]] const char* first() const;
    /// The builder is where a line begins, at or behind its boundary, among items of that kind:
    /// takes the runs that begin here, and sets the next boundary.
    void arrive(Input& in, TreeBuilder& b, Items what);

  private:
    enum class State : std::uint8_t { waiting, begun, done, dropped };
    struct Run {
        const char* begin;
        Items what;
        State state = State::waiting;
        bool good = false;
        const char* end = nullptr;
        SyntaxTree tree = {};
    };
    void guess(std::size_t run_bytes);
    void read(std::size_t i);
    bool read_next(std::unique_lock<std::mutex>& lock);
    void serve();
    [[nodiscard]] static unsigned depth(Items what) { return what == Items::table ? 1 : 2; }

    std::string_view text_;
    std::vector<Run> runs_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t unread_ = 0;  ///< the first run that may still be begun
    std::size_t next_ = 0;    ///< the first run that the builder has not passed
    std::size_t most_ahead_;
    bool stopped_ = false;
    std::vector<std::jthread> others_;
};

}  // namespace untrack::parser::nft
