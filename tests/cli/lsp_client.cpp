// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/cli/lsp_client.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace untrack::test {

using Json = nlohmann::json;

LspClient::LspClient(const std::vector<std::string>& arguments) {
    // A server that ends early makes the next write fail, not this program end.
    ::signal(SIGPIPE, SIG_IGN);
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) std::abort();
    const char* program = std::getenv("UNTRACK_BIN");
    std::string path = program == nullptr ? "untrack" : program;
    std::vector<std::string> words{"untrack", "lsp"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    if (child_ == 0) {
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::execvp(path.c_str(), argv.data());
        ::_exit(99);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
}

LspClient::~LspClient() {
    close_input();
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    ::close(from_);
}

void LspClient::send_raw(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::write(to_, bytes.data(), bytes.size());
        if (n <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void LspClient::send(const Json& message) {
    std::string body = message.dump();
    send_raw("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void LspClient::notify(const std::string& method, const Json& params) {
    send({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

int LspClient::ask(const std::string& method, const Json& params) {
    send({{"jsonrpc", "2.0"}, {"id", next_id_}, {"method", method}, {"params", params}});
    return next_id_++;
}

bool LspClient::read_some() {
    pollfd input{from_, POLLIN, 0};
    if (::poll(&input, 1, 30000) <= 0) return false;
    std::array<char, 65536> bytes;
    ssize_t n = ::read(from_, bytes.data(), bytes.size());
    if (n <= 0) return false;
    buffer_.append(bytes.data(), static_cast<std::size_t>(n));
    return true;
}

std::optional<Json> LspClient::next() {
    for (;;) {
        std::size_t end = buffer_.find("\r\n\r\n");
        if (end != std::string::npos) {
            constexpr std::string_view header = "Content-Length: ";
            EXPECT_TRUE(buffer_.starts_with(header)) << buffer_.substr(0, end);
            std::size_t size = std::stoul(buffer_.substr(header.size(), end - header.size()));
            if (buffer_.size() >= end + 4 + size) {
                Json message = Json::parse(buffer_.substr(end + 4, size));
                buffer_.erase(0, end + 4 + size);
                EXPECT_EQ(message.at("jsonrpc"), "2.0");
                return message;
            }
        }
        if (!read_some()) return std::nullopt;
    }
}

Json LspClient::answer(const Json& id) {
    while (auto message = next()) {
        if (message->contains("id") && message->at("id") == id && !message->contains("method"))
            return *message;
        notes.push_back(*message);
    }
    ADD_FAILURE() << "no answer to " << id;
    return Json::object();
}

Json LspClient::diagnostics(const std::string& uri) {
    auto wanted = [&](const Json& m) {
        return m.contains("method") && m.at("method") == "textDocument/publishDiagnostics" &&
               m.at("params").at("uri") == uri;
    };
    for (std::size_t i = 0; i < notes.size(); ++i) {
        if (!wanted(notes[i])) continue;
        Json params = notes[i].at("params");
        notes.erase(notes.begin() + static_cast<std::ptrdiff_t>(i));
        return params;
    }
    while (auto message = next()) {
        if (wanted(*message)) return message->at("params");
        notes.push_back(*message);
    }
    ADD_FAILURE() << "no diagnostics of " << uri;
    return {{"diagnostics", Json::array()}, {"version", -1}};
}

Json LspClient::initialize(const Json& capabilities) {
    Json answer =
        request("initialize",
                {{"processId", nullptr}, {"rootUri", nullptr}, {"capabilities", capabilities}});
    notify("initialized", Json::object());
    return answer.at("result").at("capabilities");
}

void LspClient::open(const std::string& uri, const std::string& text, const std::string& language) {
    notify("textDocument/didOpen",
           {{"textDocument",
             {{"uri", uri}, {"languageId", language}, {"version", 1}, {"text", text}}}});
}

void LspClient::close_input() {
    if (to_ >= 0) ::close(to_);
    to_ = -1;
}

int LspClient::wait() {
    for (int i = 0; i < 3000; ++i) {
        int status = 0;
        if (::waitpid(child_, &status, WNOHANG) == child_) {
            child_ = -1;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        ::usleep(10000);
    }
    return -1;
}

}  // namespace untrack::test
