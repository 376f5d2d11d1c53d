// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/lsp_transport.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <unistd.h>

#include "cli/streams.hpp"

namespace untrack::cli {
namespace {

/// All headers of a message together, in bytes.
constexpr std::size_t largest_header = std::size_t{1} << 14U;

bool same_letters(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

std::string_view trimmed(std::string_view text) {
    std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The value of Content-Length; nothing when there is none that can be read, or two.
std::optional<std::size_t> content_length(std::string_view headers) {
    std::optional<std::size_t> length;
    while (!headers.empty()) {
        std::size_t end = headers.find("\r\n");
        std::string_view line = headers.substr(0, end);
        headers = end == std::string_view::npos ? std::string_view() : headers.substr(end + 2);
        std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        if (!same_letters(trimmed(line.substr(0, colon)), "Content-Length")) continue;
        std::string_view digits = trimmed(line.substr(colon + 1));
        std::size_t value = 0;
        auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc() || stop != digits.data() + digits.size() || length)
            return std::nullopt;
        length = value;
    }
    return length;
}

}  // namespace

bool LspReader::wait() {
    while (messages.empty() && !broken_ && !ended_) read_some();
    return !messages.empty();
}

void LspReader::take_in() {
    while (!broken_ && !ended_) {
        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (::poll(&input, 1, 0) <= 0) return;
        read_some();
    }
}

void LspReader::read_some() {
    std::array<char, std::size_t{1} << 16U> bytes;
    ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
        ended_ = true;
        return;
    }
    buffer_.append(bytes.data(), static_cast<std::size_t>(n));
    cut();
}

void LspReader::cut() {
    for (;;) {
        if (!in_body_ && !cut_header()) return;
        std::size_t here = std::min(missing_, buffer_.size());
        // A length alone takes no memory: the body grows as its bytes come.
        if (!passed_over_) body_.append(buffer_, 0, here);
        buffer_.erase(0, here);
        missing_ -= here;
        if (missing_ != 0) return;
        if (!passed_over_) messages.push_back({std::move(body_), false});
        body_.clear();
        in_body_ = false;
    }
}

bool LspReader::cut_header() {
    std::size_t end = buffer_.find("\r\n\r\n");
    if (end > largest_header) {  // or there is none yet
        broken_ = buffer_.size() > largest_header;
        return false;
    }
    auto length = content_length(std::string_view(buffer_).substr(0, end));
    buffer_.erase(0, end + 4);
    if (!length) {
        broken_ = true;
        return false;
    }
    missing_ = *length;
    passed_over_ = missing_ > largest_body;
    if (passed_over_) messages.push_back({{}, true});
    in_body_ = true;
    return true;
}

void write_lsp_message(std::string_view body) {
    write_out(fmt::format("Content-Length: {}\r\n\r\n", body.size()));
    write_out(body);
}

}  // namespace untrack::cli
