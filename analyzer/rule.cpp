// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/rule.hpp"

#include <iterator>

namespace untrack::analyzer {

#define RULE(code, function, name, severity, summary) void function(const FileContext&, Reporter&);
#define INPUT(code, name, severity, summary)
#include "analyzer/rules.def"
#undef INPUT
#undef RULE

namespace {

constexpr Rule registry[] = {
#define RULE(code, function, name, severity, summary) \
    {#code, name, Severity::severity, summary, function},
#define INPUT(code, name, severity, summary) {#code, name, Severity::severity, summary, nullptr},
#include "analyzer/rules.def"
#undef INPUT
#undef RULE
};

}  // namespace

std::span<const Rule> rules() {
    return registry;
}

const Rule* find_rule(std::string_view code_or_name) {
    for (const Rule& rule : registry)
        if (rule.code == code_or_name || rule.name == code_or_name) return &rule;
    return nullptr;
}

}  // namespace untrack::analyzer
