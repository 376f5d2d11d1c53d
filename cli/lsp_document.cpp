// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/lsp_document.hpp"

#include <algorithm>
#include <cctype>

#include "cli/language.hpp"

namespace untrack::cli {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string path_of_uri(std::string_view uri) {
    constexpr std::string_view scheme = "file://";
    if (!uri.starts_with(scheme)) return std::string(uri);
    std::string_view rest = uri.substr(scheme.size());
    rest.remove_prefix(std::min(rest.find('/'), rest.size()));  // the host, which is this one
    std::string path;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        int high = rest[i] == '%' && i + 2 < rest.size() ? hex_digit(rest[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(rest[i + 2]) : -1;
        if (low < 0) {
            path += rest[i];
            continue;
        }
        path += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return path;
}

LspText::LspText(std::string uri, std::string_view language_id, std::int64_t version,
                 std::string text, report::PositionEncoding encoding)
    : text_(std::move(text)), encoding_(encoding) {
    if (language_id == "nft" || language_id == "nftables") language_id_ = "nft";
    if (language_id.starts_with("iptables")) language_id_ = "iptables";
    if (language_id.starts_with("ip6tables")) language_id_ = "ip6tables";
    document_.uri = std::move(uri);
    document_.version = version;
}

const report::LspLines& LspText::lines() {
    if (!lines_) lines_.emplace(text_, encoding_);
    return *lines_;
}

void LspText::replace(std::string text) {
    text_ = std::move(text);
    lines_.reset();
    current_ = false;
}

void LspText::replace(report::LspPosition begin, report::LspPosition end, std::string_view text) {
    std::uint32_t from = lines().offset(begin);
    std::uint32_t to = std::max(lines().offset(end), from);
    text_.replace(from, to - from, text);
    lines_.reset();
    current_ = false;
}

void LspText::lint(const Context& context, const analyzer::Selection& selection) {
    if (current_) return;
    document_.text = nullptr;
    document_.findings = nullptr;
    document_.lines = &lines();
    findings_.reset();
    input_.reset();
    refusal_.clear();
    current_ = true;
    std::size_t threads = job_count(context);
    std::string path = path_of_uri(document_.uri);
    Context reading = context;
    if (context.language == "auto") {
        Language guess = guess_language(text_);
        // What nobody calls a ruleset, and does not look like one, is none of our business.
        if (guess == Language::unknown && language_id_.empty()) return;
        bool other_family = guess == Language::iptables && language_id_ == "ip6tables";
        if (guess == Language::unknown || other_family) reading.language = language_id_;
    }
    auto input = read_text(SourceFile::from_text(path, text_), reading, threads);
    if (!input) {
        refusal_ = std::move(input.error());
        for (std::string_view known : {std::string_view(path), std::string_view(": "),
                                       std::string_view("error[UT904] unsupported-language: ")})
            if (refusal_.starts_with(known)) refusal_.erase(0, known.size());
        return;
    }
    input_ = std::move(*input);
    if (text_.size() < worth_threads) threads = 1;
    std::vector<std::unique_ptr<analyzer::FileContext>> views;
    for (const auto& view : input_->views)
        views.push_back(std::make_unique<analyzer::FileContext>(
            *view->text, model::KernelProfile::modern, threads));
    findings_ = std::make_unique<analyzer::Findings>(
        input_->language == model::Language::iptables
            ? analyzer::lint(*views.front(), selection, threads)
            : analyzer::lint(views, selection, threads));
    document_.text = input_->views.front()->text.get();
    document_.findings = findings_.get();
}

report::Json LspText::diagnostics() const {
    if (!refusal_.empty()) return report::lsp_diagnostics(document_, "UT904", refusal_);
    return report::lsp_diagnostics(document_);
}

}  // namespace untrack::cli
