// SPDX-License-Identifier: GPL-2.0-or-later
#include "parser/nft/ahead.hpp"

#include <cstring>
#include <iterator>
#include <new>
#include <system_error>

#include "parser/nft/blocks.hpp"

namespace untrack::parser::nft {
namespace {

/// How far a chain is looked for behind a cut.
constexpr std::size_t most_bytes_to_a_chain = std::size_t{1} << 14U;
/// What a run may be longer than it should, inside its last item.
constexpr std::size_t most_runs_long = 4;

/// Where the line after p begins, or the end.
const char* next_line(const char* p, const char* end) {
    const void* newline = std::memchr(p, '\n', static_cast<std::size_t>(end - p));
    return newline == nullptr ? end : static_cast<const char*>(newline) + 1;
}

bool begins_chain(const char* line, const char* end) {
    while (line != end && (*line == ' ' || *line == '\t')) ++line;
    constexpr std::string_view word = "chain ";
    return std::string_view(line, static_cast<std::size_t>(end - line)).starts_with(word);
}

template <typename Item>
void append(std::vector<Item>& to, std::vector<Item>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

AheadReader::AheadReader(std::string_view text, std::size_t threads, std::size_t run_bytes)
    : text_(text), most_ahead_(4 * threads) {
    guess(run_bytes);
    try {
        while (others_.size() + 1 < threads) others_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
        // No more threads are allowed: those that are there do.
    }
}

AheadReader::~AheadReader() {
    std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

const char* AheadReader::first() const {
    return runs_.empty() ? nullptr : runs_.front().begin;
}

/// At every cut the next chain, if one is near, or else a rule of a long chain.
void AheadReader::guess(std::size_t run_bytes) {
    const char* end = text_.data() + text_.size();
    for (std::size_t cut = run_bytes; cut + run_bytes / 2 < text_.size(); cut += run_bytes) {
        const char* line = next_line(text_.data() + cut, end);
        const char* chain = line;
        const char* far =
            line + std::min(most_bytes_to_a_chain, static_cast<std::size_t>(end - line));
        while (chain < far && !begins_chain(chain, end)) chain = next_line(chain, end);
        bool found = chain < far;
        const char* begin = found ? chain : line;
        if (begin == end || (!runs_.empty() && begin <= runs_.back().begin)) continue;
        runs_.push_back({begin, found ? Items::table : Items::chain});
    }
}

void AheadReader::read(std::size_t i) {
    Run& run = runs_[i];
    const char* end = text_.data() + text_.size();
    const char* stop = i + 1 < runs_.size() ? runs_[i + 1].begin : end;
    const auto bytes = static_cast<std::size_t>(stop - run.begin);
    run.tree.text = text_;
    run.tree.nodes.reserve(bytes / 12 + 16);
    TreeBuilder b(run.tree);
    Input in(text_.data(), end, "");
    TreeBuilder::go_to(in, run.begin);
    b.push(in, Kind::file, run.begin, run.begin);
    b.depth = depth(run.what);
    b.end_at({stop, b.depth,
              static_cast<std::size_t>(end - stop) > most_runs_long * bytes
                  ? stop + most_runs_long * bytes
                  : end});
    if (run.what == Items::table)
        match_items<Items::table>(in, b);
    else
        match_items<Items::chain>(in, b);
    run.end = in.current();
    run.good = run.tree.errors.empty() && !b.has_searched_in_vain();
    if (!run.good) run.tree = {};
}

/// Reads the next run that nobody has begun, if it is not too far ahead; unlocked meanwhile.
bool AheadReader::read_next(std::unique_lock<std::mutex>& lock) {
    unread_ = std::max(unread_, next_);
    if (unread_ == runs_.size() || unread_ >= next_ + most_ahead_) return false;
    std::size_t i = unread_++;
    runs_[i].state = State::begun;
    lock.unlock();
    try {
        read(i);
    } catch (const std::bad_alloc&) {
        runs_[i].good = false;  // the builder will need as much, and says so
    }
    lock.lock();
    // The builder may have gone past it meanwhile.
    if (runs_[i].state == State::dropped)
        runs_[i].tree = {};
    else
        runs_[i].state = State::done;
    changed_.notify_all();
    return true;
}

void AheadReader::serve() {
    std::unique_lock lock(mutex_);
    while (!stopped_ && next_ != runs_.size())
        if (!read_next(lock)) changed_.wait(lock);
}

void AheadReader::arrive(Input& in, TreeBuilder& b, Items what) {
    std::unique_lock lock(mutex_);
    auto drop = [&] {
        Run& run = runs_[next_++];
        if (run.state == State::done) run.tree = {};
        run.state = State::dropped;
    };
    while (next_ != runs_.size()) {
        Run& run = runs_[next_];
        const char* p = in.current();
        if (run.begin > p) break;
        bool here = run.begin == p && run.what == what && b.depth == depth(what) && !b.tracking &&
                    !b.quiet && run.state != State::waiting;
        while (here && run.state != State::done)
            if (!read_next(lock)) changed_.wait(lock);
        if (here && run.good) {
            b.nodes.insert(b.nodes.end(), run.tree.nodes.begin() + 1, run.tree.nodes.end());
            append(b.tree.comments, run.tree.comments);
            append(b.tree.notes, run.tree.notes);
            TreeBuilder::go_to(in, run.end);
        }
        drop();
    }
    b.boundary = next_ == runs_.size() ? nullptr : runs_[next_].begin;
    changed_.notify_all();
}

}  // namespace untrack::parser::nft
