// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/streams.hpp"

namespace untrack::cli {
namespace {

constexpr std::size_t width = 30;
constexpr std::string_view clear_line = "\r\x1b[K";

}  // namespace

Progress::Progress(std::size_t files)
    : files_(files > 1 && is_terminal(STDERR_FILENO) ? files : 0) {}

void Progress::say(std::string_view messages, std::size_t done) {
    if (files_ == 0) return print_error(messages);
    std::size_t full = width * done / files_;
    print_error(fmt::format("{}{}[{:#<{}}{:.<{}}] {}/{}", clear_line, messages, "", full, "",
                            width - full, done, files_));
    drawn_ = true;
}

void Progress::end() {
    if (drawn_) print_error(clear_line);
    drawn_ = false;
}

}  // namespace untrack::cli
