// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/rewrite_report.hpp"

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

/// Reasons that are about no line of the file have offset 0 and a witness, or none.
std::uint32_t line_of(const RewrittenFile& file, const rewriter::Reason& reason) {
    return reason.offset == 0 || file.lines == nullptr ? 0 : file.lines->place(reason.offset).line;
}

}  // namespace

std::string rewrite_text(const RewrittenFile& file) {
    std::string out;
    for (const rewriter::Reason& reason : file.outcome.reasons) {
        std::uint32_t line = line_of(file, reason);
        std::string place = line == 0 ? file.path : fmt::format("{}:{}", file.path, line);
        out += fmt::format("{}: refused [{}]: {}\n", place, reason.code, reason.message);
    }
    for (const rewriter::Service& idle : file.outcome.idle)
        out += fmt::format("{}: {}: no connection to it gets through; left as it is\n", file.path,
                           rewriter::to_words(idle));
    for (const rewriter::Reason& reason : file.outcome.forced) {
        std::uint32_t line = line_of(file, reason);
        std::string place = line == 0 ? file.path : fmt::format("{}:{}", file.path, line);
        out += fmt::format("{}: forced [{}]: {}\n", place, reason.code, reason.message);
    }
    for (const rewriter::Reason& open : file.outcome.residue)
        out += fmt::format("{}: stays open by nature: {}\n", file.path, open.message);
    return out;
}

std::string rewrite_json(const std::vector<RewrittenFile>& files) {
    Json list = Json::array();
    for (const RewrittenFile& file : files) {
        Json reasons = Json::array();
        auto reason_json = [&](const rewriter::Reason& r) {
            Json reason{{"code", r.code}, {"message", r.message}, {"line", line_of(file, r)}};
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
        list.push_back({{"path", file.path},
                        {"status", status_name(file)},
                        {"reasons", std::move(reasons)},
                        {"forced", std::move(forced)},
                        {"idle", std::move(idle)},
                        {"edits", std::move(edits)},
                        {"residue", std::move(residue)}});
    }
    Json out{{"version", 1}, {"files", std::move(list)}};
    return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace untrack::report
