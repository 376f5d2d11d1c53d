// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/rewrite_report.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "report/packet_json.hpp"

namespace untrack::report {
namespace {

std::string_view status_name(const RewrittenFile& file) {
    if (!file.failure.empty()) return "failed";
    switch (file.outcome.status) {
        case rewriter::Status::rewritten:
            return "rewritten";
        case rewriter::Status::unchanged:
            return "unchanged";
        case rewriter::Status::refused:
            return "refused";
    }
    return {};
}

std::string place_of(const RewrittenFile& file, const rewriter::Reason& reason) {
    return reason.line == 0 ? file.path : fmt::format("{}:{}", file.path, reason.line);
}

}  // namespace

std::string rewrite_text(const RewrittenFile& file, bool residue, bool color) {
    std::string out;
    for (const rewriter::Reason& reason : file.outcome.reasons)
        out += fmt::format("{}: {}refused{} [{}]: {}\n", place_of(file, reason),
                           color ? "\x1b[1;31m" : "", color ? "\x1b[0m" : "", reason.code,
                           reason.message);
    for (const rewriter::Service& idle : file.outcome.idle)
        out += fmt::format("{}: {}: no connection to it gets through; left as it is\n", file.path,
                           rewriter::to_words(idle));
    for (const rewriter::Reason& reason : file.outcome.forced)
        out += fmt::format("{}: forced [{}]: {}\n", place_of(file, reason), reason.code,
                           reason.message);
    if (!residue) return out;
    for (const rewriter::Reason& open : file.outcome.residue)
        out += fmt::format("{}: stays open by nature: {}\n", file.path, open.message);
    return out;
}

std::string colored_diff(std::string_view diff) {
    std::string out;
    while (!diff.empty()) {
        std::string_view line = diff.substr(0, diff.find('\n'));
        diff.remove_prefix(std::min(diff.size(), line.size() + 1));
        std::string_view on = line.starts_with("---") || line.starts_with("+++") ? "\x1b[1m"
                              : line.starts_with('+')                            ? "\x1b[32m"
                              : line.starts_with('-')                            ? "\x1b[31m"
                              : line.starts_with('@')                            ? "\x1b[36m"
                                                                                 : "";
        out += fmt::format("{}{}{}\n", on, line, on.empty() ? "" : "\x1b[0m");
    }
    return out;
}

std::string rewrite_json(const std::vector<RewrittenFile>& files) {
    Json list = Json::array();
    for (const RewrittenFile& file : files) {
        Json reasons = Json::array();
        auto reason_json = [&](const rewriter::Reason& r) {
            Json reason{{"code", r.code}, {"message", r.message}, {"line", r.line}};
            if (r.witness) reason["witness"] = packet_json(*r.witness);
            return reason;
        };
        for (const rewriter::Reason& r : file.outcome.reasons) reasons.push_back(reason_json(r));
        Json forced = Json::array();
        for (const rewriter::Reason& r : file.outcome.forced) forced.push_back(reason_json(r));
        if (!file.failure.empty())
            reasons.push_back({{"code", nullptr}, {"message", file.failure}, {"line", 0}});
        Json edits = Json::array();
        for (const TextEdit& e : file.outcome.edits)
            edits.push_back({{"start", e.range.begin}, {"end", e.range.end}, {"text", e.text}});
        Json residue = Json::array();
        for (const rewriter::Reason& r : file.outcome.residue) {
            Json open{{"what", r.message}};
            if (r.witness) open["witness"] = packet_json(*r.witness);
            residue.push_back(std::move(open));
        }
        Json idle = Json::array();
        for (const rewriter::Service& s : file.outcome.idle) idle.push_back(rewriter::to_words(s));
        Json entry{{"path", file.path},
                   {"status", status_name(file)},
                   {"reasons", std::move(reasons)},
                   {"edits", std::move(edits)},
                   {"residue", std::move(residue)}};
        if (!forced.empty()) entry["forced"] = std::move(forced);
        if (!idle.empty()) entry["idle"] = std::move(idle);
        list.push_back(std::move(entry));
    }
    Json out{{"version", 1}, {"files", std::move(list)}};
    return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace untrack::report
