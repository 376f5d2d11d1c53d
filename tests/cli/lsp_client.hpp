// SPDX-License-Identifier: GPL-2.0-or-later
// An editor's side of the language server protocol, over pipes.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace untrack::test {

class LspClient {
  public:
    /// Starts `untrack lsp`.
    explicit LspClient(const std::vector<std::string>& arguments = {"--stdio"});
    ~LspClient();
    LspClient(const LspClient&) = delete;
    LspClient& operator=(const LspClient&) = delete;

    /// Bytes as they are.
    void send_raw(std::string_view bytes);
    void send(const nlohmann::json& message);
    void notify(const std::string& method, const nlohmann::json& params);
    /// Sends a request; its id.
    int ask(const std::string& method, const nlohmann::json& params);

    /// The next message; nothing at the end, or when none comes for half a minute.
    std::optional<nlohmann::json> next();
    /// The answer with that id; what comes before it is kept in `notes`.
    nlohmann::json answer(const nlohmann::json& id);
    nlohmann::json request(const std::string& method, const nlohmann::json& params) {
        return answer(ask(method, params));
    }
    /// The next diagnostics of the document.
    nlohmann::json diagnostics(const std::string& uri);
    /// initialize and initialized; the server's capabilities.
    nlohmann::json initialize(const nlohmann::json& capabilities = nlohmann::json::object());
    void open(const std::string& uri, const std::string& text, const std::string& language = "");

    /// Closes the server's input.
    void close_input();
    /// The exit status, as a shell has it; -1 when it does not end.
    int wait();

    std::vector<nlohmann::json> notes;

  private:
    bool read_some();

    pid_t child_ = -1;
    int to_ = -1;
    int from_ = -1;
    int next_id_ = 1;
    std::string buffer_;
};

}  // namespace untrack::test
