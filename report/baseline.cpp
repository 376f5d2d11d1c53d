// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/baseline.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "analyzer/fingerprint.hpp"
#include "report/packet_json.hpp"

namespace untrack::report {
namespace {

constexpr const char* no_baseline =
    "this is no baseline: `lint --write-baseline FILE' makes one, and nobody else can";

bool read_fingerprint(const std::string& text, std::uint64_t& value) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && end == text.data() + text.size() && text.size() == 16;
}

}  // namespace

tl::expected<Baseline, std::string> Baseline::parse(std::string_view text) {
    // Without exceptions: what is no JSON is a discarded value.
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("baseline") || !json["baseline"].is_object())
        return tl::make_unexpected(no_baseline);
    if (json.value("version", Json()) != Json(1))
        return tl::make_unexpected("this baseline is of another version: write it again");
    Baseline out;
    for (const auto& [path, entries] : json["baseline"].items()) {
        if (!entries.is_array()) return tl::make_unexpected(no_baseline);
        for (const Json& entry : entries) {
            bool words = entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                         entry[1].is_string();
            std::uint64_t fingerprint = 0;
            if (!words || !read_fingerprint(entry[1].get<std::string>(), fingerprint))
                return tl::make_unexpected(no_baseline);
            out.add(path, entry[0].get<std::string>(), fingerprint);
        }
    }
    return out;
}

std::string Baseline::json() const {
    std::string out = "{\"version\":1,\"baseline\":{";
    bool first_file = true;
    for (const auto& [path, entries] : files_) {
        out += fmt::format("{}\n{}:[", first_file ? "" : ",",
                           Json(path).dump(-1, ' ', false, Json::error_handler_t::replace));
        first_file = false;
        std::vector<std::string> lines;
        lines.reserve(entries.size());
        for (const auto& [fingerprint, entry] : entries)
            lines.push_back(fmt::format("\n[\"{}\",\"{}\"]", entry.code,
                                        analyzer::fingerprint_text(fingerprint)));
        std::sort(lines.begin(), lines.end());
        for (std::size_t i = 0; i < lines.size(); ++i) out += (i == 0 ? "" : ",") + lines[i];
        out += "]";
    }
    return out + "}}\n";
}

void Baseline::add(const std::string& path, std::string_view code, std::uint64_t fingerprint) {
    files_[path].insert_or_assign(fingerprint, Entry{std::string(code)});
}

bool Baseline::see(const std::string& path, std::uint64_t fingerprint) {
    auto file = files_.find(path);
    if (file == files_.end()) return false;
    auto entry = file->second.find(fingerprint);
    if (entry == file->second.end()) return false;
    entry->second.seen = true;
    return true;
}

std::vector<std::string> Baseline::unseen(const std::string& path) const {
    std::vector<std::string> codes;
    auto file = files_.find(path);
    if (file == files_.end()) return codes;
    for (const auto& [fingerprint, entry] : file->second)
        if (!entry.seen) codes.push_back(entry.code);
    std::sort(codes.begin(), codes.end());
    return codes;
}

}  // namespace untrack::report
