// SPDX-License-Identifier: GPL-2.0-or-later
// One spelling for what nft may spell in several ways, by its tokens.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fmt/format.h>

#include "model/nft_scope.hpp"

namespace untrack::model {

using nft::Node;

namespace {

constexpr unsigned deepest = 16;
/// Longer lists of elements are told apart by their hash.
constexpr std::size_t longest_list = 240;

constexpr std::pair<std::string_view, std::string_view> operators[] = {
    {"and", "&"}, {"or", "|"}, {"xor", "^"}, {"lshift", "<<"}, {"rshift", ">>"}, {"eq", "=="},
    {"ne", "!="}, {"lt", "<"}, {"gt", ">"},  {"le", "<="},     {"ge", ">="},
};
/// Keys of meta that may stand alone where a match begins; nft lists them with "meta", and those of
/// interfaces without.
constexpr std::string_view meta_keys[] = {"mark", "skuid", "skgid", "nftrace", "rtclassid"};

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
           c == ':' || c == '/' || c == '*';
}

/// Numbers in one base; everything else as it is.
std::string spelled(std::string_view word) {
    for (auto [from, to] : operators)
        if (word == from) return std::string(to);
    if (!word.starts_with("0x") && !word.starts_with("0X")) return std::string(word);
    std::uint64_t n = 0;
    auto read = std::from_chars(word.data() + 2, word.data() + word.size(), n, 16);
    if (read.ec != std::errc() || read.ptr != word.data() + word.size()) return std::string(word);
    return std::to_string(n);
}

class Tokens {
  public:
    explicit Tokens(std::string_view text) : text_(text) {}

    /// Quoted strings, $variables, @sets, words, single signs; blanks and comments are passed over.
    bool next(std::string_view& token) {
        for (;;) {
            while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0)
                ++at_;
            if (at_ < text_.size() && text_[at_] == '\\') {
                ++at_;  // the line goes on
                continue;
            }
            if (at_ == text_.size() || text_[at_] != '#') break;
            at_ = std::min(text_.find('\n', at_), text_.size());
        }
        if (at_ == text_.size()) return false;
        std::size_t begin = at_++;
        char first = text_[begin];
        if (first == '"') {
            at_ = std::min(text_.find('"', at_), text_.size() - 1) + 1;
        } else if (first == '$' || first == '@' || is_word(first)) {
            while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        } else if (at_ < text_.size() &&
                   std::string_view("=<>").find(text_[at_]) != std::string_view::npos &&
                   std::string_view("=!<>").find(first) != std::string_view::npos) {
            ++at_;
        }
        token = text_.substr(begin, at_ - begin);
        return true;
    }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::string NftScope::canonical(const Node& node, bool with_elements) const {
    return canonical(tree_.text_of(node), with_elements, deepest);
}

std::string NftScope::canonical(std::string_view text, bool with_elements, unsigned depth) const {
    std::string out;
    Tokens tokens(text);
    bool first = true;
    for (std::string_view token; tokens.next(token); first = false) {
        if (first && token == "meta") {
            std::string_view key;
            if (!tokens.next(key)) key = {};
            bool interface = key.starts_with("iif") || key.starts_with("oif");
            out = interface ? std::string(key) : fmt::format("meta {}", key);
            continue;
        }
        if (!out.empty()) out += ' ';
        auto variable = token.front() == '$' ? variables_.find(token.substr(1)) : variables_.end();
        if (variable != variables_.end() && depth > 0) {
            out += canonical(tree_.text_of(*variable->second), with_elements, depth - 1);
        } else if (first && std::find(std::begin(meta_keys), std::end(meta_keys), token) !=
                                std::end(meta_keys)) {
            out += fmt::format("meta {}", token);
        } else {
            out += token.front() == '"' ? std::string(token) : spelled(token);
            if (with_elements && token.front() == '@' && depth > 0)
                out += elements_of(token.substr(1), depth - 1);
        }
    }
    return out;
}

/// The same name may be of another set in another file.
std::string NftScope::elements_of(std::string_view name, unsigned depth) const {
    const NftSet* named = set(name);
    if (named == nullptr) return {};
    std::string all;
    for (const Node* body : named->bodies) all += canonical(tree_.text_of(*body), false, depth);
    if (all.size() > longest_list) {
        std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
        for (char c : all) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
        all = fmt::format("{{ {} bytes, {:016x} }}", all.size(), hash);
    }
    return all.empty() ? all : " " + all;
}

}  // namespace untrack::model
