// SPDX-License-Identifier: GPL-2.0-or-later
// The language server as an editor meets it.
#include <gtest/gtest.h>

#include "tests/cli/lsp_client.hpp"
#include "tests/cli/run.hpp"

using namespace untrack::test;
using Json = nlohmann::json;

namespace {

const std::string uri = "file:///tmp/a%20host/rules.v4";
/// UT501 at the state match of line 1, with a fix that is safe or not.
const std::string old_state = "*filter\n-A INPUT -m state --state NEW -j ACCEPT\nCOMMIT\n";

Json position(int line, int character) {
    return {{"line", line}, {"character", character}};
}

Json range(int line, int begin, int end) {
    return {{"start", position(line, begin)}, {"end", position(line, end)}};
}

Json at(const std::string& document, int line, int character) {
    return {{"textDocument", {{"uri", document}}}, {"position", position(line, character)}};
}

Json actions_at(const std::string& document, int line, int character) {
    return {{"textDocument", {{"uri", document}}},
            {"range", range(line, character, character)},
            {"context", {{"diagnostics", Json::array()}}}};
}

void change(LspClient& client, int version, const Json& changes) {
    client.notify("textDocument/didChange", {{"textDocument", {{"uri", uri}, {"version", version}}},
                                             {"contentChanges", changes}});
}

/// The first diagnostic of that code; null when there is none.
Json find(const Json& published, const std::string& code) {
    for (const Json& d : published.at("diagnostics"))
        if (d.at("code") == code) return d;
    return nullptr;
}

int bye(LspClient& client) {
    EXPECT_EQ(client.request("shutdown", nullptr).at("result"), nullptr);
    client.notify("exit", nullptr);
    return client.wait();
}

}  // namespace

TEST(Lsp, ASessionFromBeginToEnd) {
    LspClient client;
    Json capabilities = client.initialize();
    EXPECT_EQ(capabilities.at("positionEncoding"), "utf-16");
    EXPECT_EQ(capabilities.at("textDocumentSync").at("change"), 2);
    client.open(uri, old_state);
    Json published = client.diagnostics(uri);
    EXPECT_EQ(published.at("version"), 1);
    Json found = find(published, "UT501");
    ASSERT_FALSE(found.is_null()) << published;
    EXPECT_EQ(found.at("severity"), 3);
    EXPECT_EQ(found.at("source"), "untrack");
    EXPECT_EQ(found.at("range").at("start").at("line"), 1);

    Json hover = client.request("textDocument/hover",
                                at(uri, 1, found.at("range").at("start").at("character")));
    EXPECT_EQ(hover.at("result").at("contents").at("kind"), "markdown");
    std::string pages = hover.at("result").at("contents").at("value");
    EXPECT_NE(pages.find(shell("untrack explain UT501").out), std::string::npos);
    EXPECT_EQ(client.request("textDocument/hover", at(uri, 0, 0)).at("result"), nullptr);

    client.notify("textDocument/didClose", {{"textDocument", {{"uri", uri}}}});
    EXPECT_TRUE(client.diagnostics(uri).at("diagnostics").empty());
    EXPECT_EQ(bye(client), 0);
}

TEST(Lsp, FindingsAreThoseOfLint) {
    Folder f;
    for (const std::string& text :
         {old_state, std::string("table ip t {\n chain c {\n  type filter hook input priority 0; "
                                 "policy drop;\n  ct state != new,established drop\n }\n}\n")}) {
        std::string file = f.file("rules", text);
        Json wanted = Json::parse(shell("untrack lint --format json " + file).out).at("findings");
        LspClient client;
        client.initialize();
        client.open("file://" + file, text);
        Json got = client.diagnostics("file://" + file).at("diagnostics");
        ASSERT_EQ(got.size(), wanted.size());
        ASSERT_FALSE(got.empty());
        for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].at("code"), wanted[i].at("code"));
            EXPECT_EQ(got[i].at("range").at("start"),
                      position(wanted[i].at("line").get<int>() - 1,
                               wanted[i].at("column").get<int>() - 1));
            EXPECT_EQ(got[i].at("range").at("end"),
                      position(wanted[i].at("end_line").get<int>() - 1,
                               wanted[i].at("end_column").get<int>() - 1));
        }
    }
}

TEST(Lsp, FixesAreEditsOfTheDocument) {
    for (bool versioned : {false, true}) {
        LspClient client;
        client.initialize({{"workspace", {{"workspaceEdit", {{"documentChanges", versioned}}}}}});
        client.open(uri, old_state);
        Json start = find(client.diagnostics(uri), "UT501").at("range").at("start");
        Json actions =
            client.request("textDocument/codeAction", actions_at(uri, 1, start.at("character")))
                .at("result");
        ASSERT_FALSE(actions.empty());
        Json action;
        for (const Json& a : actions)
            if (a.at("diagnostics").at(0).at("code") == "UT501") action = a;
        ASSERT_FALSE(action.is_null()) << actions;
        EXPECT_EQ(action.at("kind"), "quickfix");
        Json edits;
        if (versioned) {
            const Json& change = action.at("edit").at("documentChanges").at(0);
            EXPECT_EQ(change.at("textDocument"), (Json{{"uri", uri}, {"version", 1}}));
            edits = change.at("edits");
        } else {
            edits = action.at("edit").at("changes").at(uri);
        }
        // What the editor does with them: the last ones first, so that places stay true.
        ASSERT_FALSE(edits.empty());
        Json changes = Json::array();
        for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit)
            changes.push_back({{"range", edit->at("range")}, {"text", edit->at("newText")}});
        change(client, 2, changes);
        Json after = client.diagnostics(uri);
        EXPECT_EQ(after.at("version"), 2);
        EXPECT_TRUE(find(after, "UT501").is_null()) << after;
        EXPECT_FALSE(find(after, "UT101").is_null()) << "it is a state match still";
        EXPECT_TRUE(
            client.request("textDocument/codeAction", actions_at(uri, 0, 0)).at("result").empty());
        EXPECT_EQ(bye(client), 0);
    }
}

TEST(Lsp, OtherKindsOfActionsAreNotAskedOfUs) {
    LspClient client;
    client.initialize();
    client.open(uri, old_state);
    Json start = find(client.diagnostics(uri), "UT501").at("range").at("start");
    Json params = actions_at(uri, 1, start.at("character"));
    params["context"]["only"] = {"refactor"};
    EXPECT_TRUE(client.request("textDocument/codeAction", params).at("result").empty());
}

TEST(Lsp, ColumnsAreUnitsOfUtf16OrBytes) {
    // A letter of two bytes and one unit, a face of four bytes and two units.
    const std::string text =
        "*filter\n-A INPUT -m comment --comment \"\xc3\xa9\xf0\x9f\x98\x80\" -m state --state NEW "
        "-j ACCEPT\nCOMMIT\n";
    const int bytes = static_cast<int>(text.find("-m state")) - 8;
    for (bool utf8 : {false, true}) {
        LspClient client;
        Json encodings = utf8 ? Json{"utf-16", "utf-8"} : Json{"utf-16", "utf-32"};
        Json capabilities = client.initialize({{"general", {{"positionEncodings", encodings}}}});
        EXPECT_EQ(capabilities.at("positionEncoding"), utf8 ? "utf-8" : "utf-16");
        client.open(uri, text);
        Json start = find(client.diagnostics(uri), "UT501").at("range").at("start");
        int column = utf8 ? bytes : bytes - 3;
        EXPECT_EQ(start, position(1, column));
        EXPECT_NE(client.request("textDocument/hover", at(uri, 1, column)).at("result"), nullptr);
        // Replace "state" of "-m state" in the editor's columns.
        change(client, 2,
               Json::array({{{"range", range(1, column, column + 23)},
                             {"text", "-m conntrack --ctstate NEW "}}}));
        EXPECT_TRUE(find(client.diagnostics(uri), "UT501").is_null());
    }
}

TEST(Lsp, ChangesAreWholeTextsOrRangesOneAfterTheOther) {
    LspClient client;
    client.initialize();
    client.open(uri, "");
    EXPECT_TRUE(client.diagnostics(uri).at("diagnostics").empty());
    change(client, 2, Json::array({{{"text", old_state}}}));
    EXPECT_FALSE(find(client.diagnostics(uri), "UT501").is_null());
    // A line before, then the rule's old line, which is one further down, away.
    change(client, 3,
           Json::array(
               {{{"range", range(0, 0, 0)}, {"text", "# a comment\r\n"}},
                {{"range", {{"start", position(2, 0)}, {"end", position(3, 0)}}}, {"text", ""}}}));
    Json published = client.diagnostics(uri);
    EXPECT_EQ(published.at("version"), 3);
    EXPECT_TRUE(find(published, "UT501").is_null()) << published;
    // Places behind the end of a line or text are their ends.
    change(client, 4,
           Json::array({{{"range", {{"start", position(90, 7)}, {"end", position(99, 9)}}},
                         {"text", old_state}}}));
    EXPECT_EQ(find(client.diagnostics(uri), "UT501").at("range").at("start").at("line"), 4);
    client.notify("textDocument/didSave",
                  {{"textDocument", {{"uri", uri}}}, {"text", "*filter\nCOMMIT\n"}});
    EXPECT_TRUE(find(client.diagnostics(uri), "UT501").is_null());
}

TEST(Lsp, TheLanguageIsSeenFromTheTextOrNamed) {
    LspClient client;
    client.initialize();
    struct Row {
        const char* text;
        const char* language;
        const char* code;
    };
    for (const Row& row :
         {Row{"#!/bin/sh\niptables -A INPUT -j DROP\n", "", "UT904"},
          Row{"int main() { return 0; }\n", "c", nullptr}, Row{"ipv4 things {\n", "nft", "UT901"},
          Row{"*filter\n-A INPUT -p icmp -j ACCEPT\nCOMMIT\n", "ip6tables", "UT512"},
          Row{"table ip t {\n chain c {\n  jump nowhere\n }\n}\n", "", "UT306"}}) {
        client.open(uri, row.text, row.language);
        Json published = client.diagnostics(uri);
        if (row.code == nullptr) {
            EXPECT_TRUE(published.at("diagnostics").empty()) << published;
        } else {
            EXPECT_FALSE(find(published, row.code).is_null()) << row.text << published;
        }
    }
}

TEST(Lsp, ManyKeysAreOneLint) {
    LspClient client;
    client.initialize();
    client.open(uri, old_state);
    client.diagnostics(uri);
    // All in one write: the server has them at once.
    std::string bytes;
    for (int version = 2; version < 200; ++version) {
        std::string body =
            Json{
                {"jsonrpc", "2.0"},
                {"method", "textDocument/didChange"},
                {"params",
                 {{"textDocument", {{"uri", uri}, {"version", version}}},
                  {"contentChanges", Json::array({{{"range", range(0, 0, 0)}, {"text", "#\n"}}})}}}}
                .dump();
        bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    client.send_raw(bytes);
    int lints = 0;
    Json published;
    do {
        published = client.diagnostics(uri);
        ++lints;
    } while (published.at("version") != 199 && lints < 199);
    EXPECT_EQ(find(published, "UT501").at("range").at("start").at("line"), 199);
    EXPECT_LT(lints, 100);
}

TEST(Lsp, WhatIsCancelledIsSaidSo) {
    LspClient client;
    client.initialize();
    auto message = [](const Json& json) {
        std::string body = json.dump();
        return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    };
    client.open(uri, old_state);
    client.diagnostics(uri);
    client.send_raw(
        message({{"id", "a"}, {"method", "textDocument/hover"}, {"params", at(uri, 1, 12)}}) +
        message({{"id", "b"}, {"method", "textDocument/hover"}, {"params", at(uri, 1, 12)}}) +
        message({{"method", "$/cancelRequest"}, {"params", {{"id", "b"}}}}));
    EXPECT_TRUE(client.answer("a").contains("result"));
    EXPECT_EQ(client.answer("b").at("error").at("code"), -32800);
    client.notify("$/cancelRequest", {{"id", "never"}});
    EXPECT_EQ(bye(client), 0);
}

TEST(Lsp, WrongMessagesAreAnsweredAndSurvived) {
    LspClient client;
    EXPECT_EQ(client.request("textDocument/hover", at(uri, 0, 0)).at("error").at("code"), -32002);
    client.notify("textDocument/didOpen", 7);
    client.initialize();
    EXPECT_EQ(client.request("initialize", Json::object()).at("error").at("code"), -32600);
    EXPECT_EQ(client.request("no/such", nullptr).at("error").at("code"), -32601);
    EXPECT_EQ(client.request("textDocument/hover", nullptr).at("error").at("code"), -32602);
    EXPECT_EQ(
        client.request("textDocument/hover", at("file:///other", 0, 0)).at("error").at("code"),
        -32602);
    client.notify("$/unknown", Json::object());
    client.notify("textDocument/unknown", Json::array());
    struct Row {
        std::string body;
        int code;
    };
    for (const Row& row :
         {Row{"{", -32700}, Row{"", -32700}, Row{"\"\xff\"", -32700}, Row{"[]", -32600},
          Row{"7", -32600}, Row{std::string(300000, '['), -32700},
          Row{std::string(300000, '[') + std::string(300000, ']'), -32600}}) {
        client.send_raw("Content-Length: " + std::to_string(row.body.size()) +
                        "\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n" +
                        row.body);
        EXPECT_EQ(client.answer(nullptr).at("error").at("code"), row.code)
            << row.body.substr(0, 20);
    }
    client.send({{"id", 900}});
    EXPECT_EQ(client.answer(900).at("error").at("code"), -32600);
    client.send({{"id", 901}, {"result", nullptr}});
    for (const Json& params :
         {Json(nullptr), Json{{"textDocument", 1}}, Json{{"textDocument", {{"uri", uri}}}},
          Json{{"textDocument", {{"uri", uri}, {"version", "x"}, {"text", 1}}}}})
        for (const char* method : {"didOpen", "didChange", "didSave", "didClose"})
            client.notify(std::string("textDocument/") + method, params);
    client.open(uri, old_state);
    EXPECT_FALSE(find(client.diagnostics(uri), "UT501").is_null());
    change(client, 2, "no list");
    change(client, 3, Json::array({{{"range", {{"start", -1}}}, {"text", ""}}}));
    EXPECT_EQ(client.request("textDocument/codeAction", at(uri, 0, 0)).at("error").at("code"),
              -32602);
    bool logged = false;
    for (const Json& note : client.notes)
        logged = logged || note.at("method") == "window/logMessage";
    EXPECT_TRUE(logged);
    client.request("shutdown", nullptr);
    EXPECT_EQ(client.request("textDocument/hover", at(uri, 0, 0)).at("error").at("code"), -32600);
    client.notify("exit", nullptr);
    EXPECT_EQ(client.wait(), 0);
}

TEST(Lsp, EndsOfInputHaveExitCodes) {
    {
        LspClient client;
        client.close_input();
        EXPECT_EQ(client.wait(), 1);
    }
    {
        LspClient client;
        client.initialize();
        client.notify("exit", nullptr);
        EXPECT_EQ(client.wait(), 1) << "without a shutdown";
    }
    {
        LspClient client;
        client.initialize();
        client.request("shutdown", nullptr);
        client.close_input();
        EXPECT_EQ(client.wait(), 0);
    }
    {
        LspClient client;
        client.initialize();
        client.send_raw("Content-Length: 100\r\n\r\n{\"half\":");
        client.close_input();
        EXPECT_EQ(client.wait(), 1);
    }
    for (const std::string& header :
         {std::string("Content-Length: -5\r\n\r\n"), std::string("Content-Length: ten\r\n\r\n"),
          std::string("Content-Length: 99999999999999999999999999\r\n\r\n"),
          std::string("Content-Type: x\r\n\r\n"), std::string("\r\n\r\n"),
          std::string(100000, 'x')}) {
        LspClient client;
        client.send_raw(header);
        EXPECT_EQ(client.answer(nullptr).at("error").at("code"), -32700);
        EXPECT_EQ(client.wait(), 2) << header.substr(0, 40);
    }
}

TEST(Lsp, AHugeLengthTakesNoMemoryAndNoTime) {
    LspClient client;
    client.initialize();
    client.send_raw("Content-Length: 9999999999999\r\n\r\n{\"jsonrpc\":\"2.0\"");
    EXPECT_EQ(client.answer(nullptr).at("error").at("code"), -32600);
    client.close_input();
    EXPECT_EQ(client.wait(), 1);
}
