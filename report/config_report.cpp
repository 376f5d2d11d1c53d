// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/config_report.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "report/packet_json.hpp"

namespace untrack::report {
namespace {

std::string origin(const ConfigValue& value) {
    if (!value.flag.empty()) return value.flag;
    return value.path.empty() ? "default" : fmt::format("{}:{}", value.path, value.line);
}

}  // namespace

std::string config_text(const ConfigReport& report) {
    std::string out = report.file.empty()
                          ? fmt::format("{}: no configuration file\n", report.path)
                          : fmt::format("{}: configured by {}\n", report.path, report.file);
    std::size_t key_width = 0;
    std::size_t value_width = 0;
    for (const ConfigValue& v : report.values) {
        key_width = std::max(key_width, v.key.size());
        value_width = std::max(value_width, v.value.size());
    }
    for (const ConfigValue& v : report.values)
        out += fmt::format("  {:<{}}  {:<{}}  {}\n", v.key, key_width, v.value, value_width,
                           origin(v));
    out += "Rules that run:";
    constexpr std::size_t widest = 80;
    std::size_t column = widest;
    for (const auto& [code, severity] : report.rules) {
        if (column + code.size() + 1 > widest) {
            out += "\n ";
            column = 1;
        }
        out += ' ' + code;
        column += code.size() + 1;
    }
    return out + (report.rules.empty() ? " none\n" : "\n");
}

std::string config_json(const ConfigReport& report) {
    Json values = Json::array();
    for (const ConfigValue& v : report.values) {
        Json value{{"key", v.key}, {"value", v.value}};
        value["from"] = !v.flag.empty() ? "flag" : v.path.empty() ? "default" : "file";
        if (!v.flag.empty()) value["flag"] = v.flag;
        if (!v.path.empty()) {
            value["path"] = v.path;
            value["line"] = v.line;
        }
        values.push_back(std::move(value));
    }
    Json rules = Json::array();
    for (const auto& [code, severity] : report.rules)
        rules.push_back({{"code", code}, {"severity", severity}});
    Json all{{"version", 1},
             {"path", report.path},
             {"file", report.file.empty() ? Json() : Json(report.file)},
             {"values", std::move(values)},
             {"rules", std::move(rules)}};
    return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace untrack::report
