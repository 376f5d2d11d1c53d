// SPDX-License-Identifier: GPL-2.0-or-later
// untrack lsp: lint as a language server for editors, over the standard streams.
#include <deque>
#include <fmt/format.h>
#include <map>
#include <set>

#include "analyzer/rule.hpp"
#include "cli/lsp_document.hpp"
#include "cli/lsp_transport.hpp"
#include "cli/rule_pages.hpp"
#include "cli/streams.hpp"

namespace untrack::cli {
namespace {

using report::Json;

enum ErrorCode : int {
    parse_error = -32700,
    invalid_request = -32600,
    method_not_found = -32601,
    invalid_params = -32602,
    server_not_initialized = -32002,
    request_cancelled = -32800,
};

/// What a request is answered with when it cannot be done.
struct Refusal {
    int code;
    std::string message;
};

const Json& member(const Json& object, std::string_view key) {
    static const Json none;
    if (!object.is_object()) return none;
    auto it = object.find(key);
    return it == object.end() ? none : *it;
}

/// A string that must be there.
std::string text_member(const Json& object, std::string_view key) {
    const Json& value = member(object, key);
    if (!value.is_string())
        throw Refusal{invalid_params, fmt::format("{}: a string is wanted", key)};
    return value.get<std::string>();
}

report::LspPosition position_member(const Json& object, std::string_view key) {
    auto position = report::read_lsp_position(member(object, key));
    if (!position)
        throw Refusal{invalid_params, fmt::format("{}: a line and a character are wanted", key)};
    return *position;
}

std::int64_t version_of(const Json& document) {
    const Json& version = member(document, "version");
    return version.is_number_integer() ? version.get<std::int64_t>() : 0;
}

std::string_view page_of(std::string_view code) {
    for (const RulePage& page : rule_pages())
        if (page.code == code) return page.text;
    return {};
}

class Server {
  public:
    Server(const Context& context, const analyzer::Selection& selection)
        : context_(context), selection_(selection) {}

    int run() {
        while (!ended_) {
            reader_.take_in();
            fetch();
            // Documents are linted when the editor has nothing more to say, not at every key.
            if (queue_.empty()) {
                publish();
                if (!reader_.wait()) break;
                continue;
            }
            Json message = std::move(queue_.front());
            queue_.pop_front();
            handle(message);
        }
        if (reader_.broken()) {
            answer_error(nullptr, parse_error,
                         "a header without a Content-Length that can be read");
            complain("lsp: a header without a Content-Length that can be read");
            return exit_usage;
        }
        // As the protocol has it: 1 when it is left without a shutdown.
        return shut_down_ ? exit_ok : exit_findings;
    }

  private:
    /// From bytes to messages; cancellations are heard at once.
    void fetch() {
        for (; !reader_.messages.empty(); reader_.messages.pop_front()) {
            const LspReader::Message& raw = reader_.messages.front();
            if (raw.too_large) {
                answer_error(nullptr, invalid_request, "the message is too large");
                continue;
            }
            Json message = Json::parse(raw.body, nullptr, false);
            if (message.is_discarded()) {
                answer_error(nullptr, parse_error, "the message is no JSON");
            } else if (!message.is_object()) {
                answer_error(nullptr, invalid_request, "the message is no object");
            } else if (member(message, "method") == "$/cancelRequest") {
                cancel(member(member(message, "params"), "id"));
            } else {
                queue_.push_back(std::move(message));
            }
        }
    }

    /// What has been answered already cannot be cancelled.
    void cancel(const Json& id) {
        for (const Json& message : queue_)
            if (!id.is_null() && member(message, "id") == id) cancelled_.insert(id.dump());
    }

    void handle(const Json& message) {
        const Json& id = member(message, "id");
        const Json& method = member(message, "method");
        bool is_request = id.is_number() || id.is_string();
        if (!method.is_string()) {
            // Answers to what was never asked are passed over.
            if (!message.contains("result") && !message.contains("error"))
                answer_error(is_request ? id : Json(), invalid_request, "there is no method");
            return;
        }
        std::string name = method.get<std::string>();
        try {
            if (!is_request) return notification(name, member(message, "params"));
            if (cancelled_.erase(id.dump()) != 0)
                throw Refusal{request_cancelled, "the request was cancelled"};
            answer(id, request(name, member(message, "params")));
        } catch (const Refusal& refusal) {
            if (is_request) {
                answer_error(id, refusal.code, refusal.message);
            } else {
                log(fmt::format("{}: {}", name, refusal.message));
            }
        } catch (const std::bad_alloc&) {
            std::string why = "there is not enough memory for this document";
            if (is_request) {
                answer_error(id, invalid_request, why);
            } else {
                log(why);
            }
        }
    }

    Json request(const std::string& method, const Json& params) {
        if (method == "initialize") return initialize(params);
        if (!initialized_) throw Refusal{server_not_initialized, "initialize comes first"};
        if (shut_down_) throw Refusal{invalid_request, "nothing comes between shutdown and exit"};
        if (method == "shutdown") {
            shut_down_ = true;
            return nullptr;
        }
        if (method == "textDocument/hover") return hover(params);
        if (method == "textDocument/codeAction") return code_actions(params);
        throw Refusal{method_not_found, fmt::format("there is no method {}", method)};
    }

    void notification(const std::string& method, const Json& params) {
        if (method == "exit") {
            ended_ = true;
            return;
        }
        if (!initialized_ || shut_down_) return;
        if (method == "textDocument/didOpen") return opened(params);
        if (method == "textDocument/didChange") return changed(params);
        if (method == "textDocument/didSave") return saved(params);
        if (method == "textDocument/didClose") return closed(params);
        // All others are passed over, as the protocol has it.
    }

    Json initialize(const Json& params) {
        if (initialized_) throw Refusal{invalid_request, "initialize comes once"};
        initialized_ = true;
        const Json& capabilities = member(params, "capabilities");
        const Json& encodings = member(member(capabilities, "general"), "positionEncodings");
        if (encodings.is_array())
            for (const Json& encoding : encodings)
                if (encoding == "utf-8") encoding_ = report::PositionEncoding::utf8;
        versioned_edits_ = member(member(member(capabilities, "workspace"), "workspaceEdit"),
                                  "documentChanges") == true;
        const Json& formats =
            member(member(member(capabilities, "textDocument"), "hover"), "contentFormat");
        if (formats.is_array())
            markdown_ = std::find(formats.begin(), formats.end(), "markdown") != formats.end();
        bool utf8 = encoding_ == report::PositionEncoding::utf8;
        return {{"capabilities",
                 {{"positionEncoding", utf8 ? "utf-8" : "utf-16"},
                  {"textDocumentSync",
                   {{"openClose", true}, {"change", 2}, {"save", {{"includeText", true}}}}},
                  {"hoverProvider", true},
                  {"codeActionProvider", {{"codeActionKinds", Json::array({"quickfix"})}}}}},
                {"serverInfo", {{"name", "untrack"}, {"version", UNTRACK_VERSION}}}};
    }

    /// The open document that the parameters name.
    LspText& document(const Json& params) {
        std::string uri = text_member(member(params, "textDocument"), "uri");
        auto it = documents_.find(uri);
        if (it == documents_.end())
            throw Refusal{invalid_params, fmt::format("{} is not open", uri)};
        return it->second;
    }

    void opened(const Json& params) {
        const Json& item = member(params, "textDocument");
        std::string uri = text_member(item, "uri");
        std::string text = text_member(item, "text");
        const Json& language = member(item, "languageId");
        documents_.erase(uri);
        documents_.try_emplace(uri, uri,
                               language.is_string() ? language.get<std::string>() : std::string(),
                               version_of(item), std::move(text), encoding_);
    }

    void changed(const Json& params) {
        LspText& text = document(params);
        const Json& changes = member(params, "contentChanges");
        if (!changes.is_array()) throw Refusal{invalid_params, "contentChanges: a list is wanted"};
        for (const Json& change : changes) {
            std::string with = text_member(change, "text");
            const Json& range = member(change, "range");
            if (range.is_null()) {
                text.replace(std::move(with));
            } else {
                text.replace(position_member(range, "start"), position_member(range, "end"), with);
            }
        }
        text.set_version(version_of(member(params, "textDocument")));
    }

    void saved(const Json& params) {
        LspText& text = document(params);
        const Json& whole = member(params, "text");
        if (whole.is_string()) text.replace(whole.get<std::string>());
        text.distrust();
    }

    void closed(const Json& params) {
        LspText& text = document(params);
        std::string uri = text.document().uri;
        documents_.erase(uri);
        notify("textDocument/publishDiagnostics", {{"uri", uri}, {"diagnostics", Json::array()}});
    }

    void publish() {
        for (auto& [uri, text] : documents_) {
            if (text.is_current()) continue;
            try {
                text.lint(context_, selection_);
            } catch (const std::bad_alloc&) {
                log(fmt::format("{}: there is not enough memory for this document", uri));
                continue;
            }
            notify("textDocument/publishDiagnostics", text.diagnostics());
        }
    }

    Json hover(const Json& params) {
        LspText& text = document(params);
        report::LspPosition at = position_member(params, "position");
        publish();
        std::string pages;
        const analyzer::Finding* first = nullptr;
        std::set<analyzer::RuleIndex> shown;
        for (const analyzer::Finding* finding :
             report::findings_at(text.document(), text.lines().offset(at))) {
            if (!shown.insert(finding->code).second) continue;
            if (first == nullptr) first = finding;
            pages += pages.empty() ? "" : "\n---\n\n";
            pages += page_of(analyzer::rules()[finding->code].code);
        }
        if (first == nullptr) return nullptr;
        return {{"contents", {{"kind", markdown_ ? "markdown" : "plaintext"}, {"value", pages}}},
                {"range", report::lsp_range(text.document(), first->range)}};
    }

    Json code_actions(const Json& params) {
        LspText& text = document(params);
        const Json& range = member(params, "range");
        report::LspPosition begin = position_member(range, "start");
        report::LspPosition end = position_member(range, "end");
        const Json& only = member(member(params, "context"), "only");
        if (only.is_array() && std::find(only.begin(), only.end(), "quickfix") == only.end())
            return Json::array();
        publish();
        std::uint32_t from = text.lines().offset(begin);
        return report::lsp_code_actions(
            text.document(), {from, std::max(text.lines().offset(end), from)}, versioned_edits_);
    }

    static void send(const Json& message) {
        write_lsp_message(message.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    static void answer(const Json& id, Json result) {
        send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
    }
    static void answer_error(const Json& id, int code, std::string_view message) {
        send({{"jsonrpc", "2.0"},
              {"id", id},
              {"error", {{"code", code}, {"message", fmt::format("untrack: {}", message)}}}});
    }
    static void notify(std::string_view method, Json params) {
        send({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
    }
    static void log(std::string_view message) {
        constexpr int error = 1;
        notify("window/logMessage",
               {{"type", error}, {"message", fmt::format("untrack: {}", message)}});
    }

    const Context& context_;
    const analyzer::Selection& selection_;
    LspReader reader_;
    std::deque<Json> queue_;
    std::set<std::string> cancelled_;  ///< ids, as JSON
    std::map<std::string, LspText> documents_;
    report::PositionEncoding encoding_ = report::PositionEncoding::utf16;
    bool versioned_edits_ = false;
    bool markdown_ = true;
    bool initialized_ = false;
    bool shut_down_ = false;
    bool ended_ = false;
};

}  // namespace

void add_lsp(CLI::App& app, Context& context) {
    CLI::App* sub = app.add_subcommand("lsp", "Serve an editor: findings, explanations and fixes");
    sub->add_flag("--stdio")->description(
        "Over the standard streams, which is the only way; editors ask for it");
    add_jobs_option(*sub, context);
    add_input_options(*sub, context);
    add_common_options(*sub, context);
    sub->callback([&context] {
        auto all = analyzer::Selection::make({}, {});
        context.exit_code = Server(context, *all).run();
    });
}

}  // namespace untrack::cli
