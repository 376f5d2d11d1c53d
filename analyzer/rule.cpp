// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/rule.hpp"

#include <iterator>

namespace untrack::analyzer {

#define RULE(code, function, name, severity, summary) void function(const FileContext&, Reporter&);
#define IPTABLES_RULE(code, function, name, severity, summary) \
    void function(const FileContext&, const parser::iptables::SyntaxTree&, Reporter&);
#define NFT_RULE(code, function, name, severity, summary) \
    void function(const FileContext&, const parser::nft::SyntaxTree&, Reporter&);
#define LANGUAGE_RULE(code, of_iptables, of_nft, name, severity, summary)                 \
    void of_iptables(const FileContext&, const parser::iptables::SyntaxTree&, Reporter&); \
    void of_nft(const FileContext&, const parser::nft::SyntaxTree&, Reporter&);
#define HOST_RULE(code, function, name, severity, summary) \
    void function(const HostContext&, HostReporter&);
#define COMMENT_RULE(code, name, severity, summary)
#define INPUT(code, name, severity, summary)
#include "analyzer/rules.def"
#undef INPUT
#undef COMMENT_RULE
#undef HOST_RULE
#undef LANGUAGE_RULE
#undef NFT_RULE
#undef IPTABLES_RULE
#undef RULE

namespace {

template <void (*run)(const FileContext&, const parser::iptables::SyntaxTree&, Reporter&)>
void on_iptables(const FileContext& file, Reporter& report) {
    if (const auto* tree = file.text.iptables()) run(file, *tree, report);
}

template <void (*run)(const FileContext&, const parser::nft::SyntaxTree&, Reporter&)>
void on_nft(const FileContext& file, Reporter& report) {
    if (const auto* tree = file.text.nft()) run(file, *tree, report);
}

template <void (*iptables)(const FileContext&, const parser::iptables::SyntaxTree&, Reporter&),
          void (*nft)(const FileContext&, const parser::nft::SyntaxTree&, Reporter&)>
void on_language(const FileContext& file, Reporter& report) {
    on_iptables<iptables>(file, report);
    on_nft<nft>(file, report);
}

constexpr Rule registry[] = {
#define RULE(code, function, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::rulesets, function},
#define IPTABLES_RULE(code, function, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::iptables_text, on_iptables<function>},
#define NFT_RULE(code, function, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::nft_text, on_nft<function>},
#define LANGUAGE_RULE(code, of_iptables, of_nft, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::rulesets, on_language<of_iptables, of_nft>},
#define HOST_RULE(code, function, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::rulesets, nullptr, function},
#define COMMENT_RULE(code, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::rulesets, nullptr},
#define INPUT(code, name, severity, summary) \
    {#code, name, Severity::severity, summary, Subject::unread_files, nullptr},
#include "analyzer/rules.def"
#undef INPUT
#undef COMMENT_RULE
#undef HOST_RULE
#undef LANGUAGE_RULE
#undef NFT_RULE
#undef IPTABLES_RULE
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
