// SPDX-License-Identifier: GPL-2.0-or-later
// What holds for a file, and where each value comes from, as people and programs read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace untrack::report {

struct ConfigValue {
    std::string key;  ///< "select", "severity.UT203", "services.role"
    std::string value;
    std::string path;  ///< of the configuration file that says it; empty otherwise
    std::uint32_t line = 0;
    std::string flag;  ///< that says it; empty otherwise
};

struct ConfigReport {
    std::string path;                 ///< what it holds for
    std::string file;                 ///< the configuration file; empty when there is none
    std::vector<ConfigValue> values;  ///< lists have a value for each word
    /// The codes of the lint rules that run, with their severities.
    std::vector<std::pair<std::string, std::string>> rules;
};

/// A line for each value; the rules in a paragraph.
std::string config_text(const ConfigReport& report);
std::string config_json(const ConfigReport& report);

}  // namespace untrack::report
