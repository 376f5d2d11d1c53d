// SPDX-License-Identifier: GPL-2.0-or-later
#include "analyzer/directives.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>

#include "base/spelling.hpp"
#include "parser/iptables/syntax.hpp"
#include "parser/nft/syntax.hpp"

namespace untrack::analyzer {

namespace ipt = parser::iptables;
namespace nft = parser::nft;

namespace {

constexpr std::string_view keyword = "untrack:";

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// What the bytes from `at` (the keyword) up to `end` say; nothing when they are prose.
std::optional<Directive> read(std::string_view text, std::uint32_t at, std::uint32_t end) {
    auto position = static_cast<std::uint32_t>(at + keyword.size());
    while (position < end && is_blank(text[position])) ++position;
    std::uint32_t begin = position;
    auto is_letter = [](char c) {
        return c == '-' || std::isalpha(static_cast<unsigned char>(c)) != 0;
    };
    while (position < end && is_letter(text[position])) ++position;
    std::string_view verb = text.substr(begin, position - begin);
    Directive found;
    found.range = {at, position};
    found.whole_file = verb == "ignore-file";
    if (verb != "ignore" && !found.whole_file) {
        constexpr std::string_view verbs[] = {"ignore", "ignore-file"};
        std::string_view meant = nearest(verb, verbs);
        if (verb.size() < 4 || meant.empty() || distance(verb, meant) > 2) return std::nullopt;
        found.problem =
            "this suppresses nothing: it is written `untrack: ignore[UT203]' or "
            "`untrack: ignore-file[UT203]'";
        return found;
    }
    char open = position < end ? text[position] : '\0';
    if (open != '[' && open != '=') {
        found.problem =
            "a suppression names what it suppresses: `untrack: ignore[UT203]', or "
            "`untrack:ignore=UT203' in a rule's own comment";
        return found;
    }
    ++position;
    auto ends_list = [&](char c) { return open == '[' ? c == ']' : is_blank(c); };
    std::uint32_t close = position;
    while (close < end && !ends_list(text[close])) ++close;
    found.range.end = close;
    if (open == '[' && close == end) {
        found.problem = "this suppression lacks its `]'";
        return found;
    }
    while (position <= close) {
        std::uint32_t comma = position;
        while (comma < close && text[comma] != ',') ++comma;
        TextRange word{position, comma};
        while (!word.empty() && is_blank(text[word.begin])) ++word.begin;
        while (!word.empty() && is_blank(text[word.end - 1])) --word.end;
        if (!word.empty()) found.words.push_back(word);
        position = comma + 1;
    }
    if (found.words.empty()) found.problem = "this suppression names nothing between its brackets";
    return found;
}

/// Whether the keyword is the first thing that a comment from `begin` says.
bool begins_comment(std::string_view text, std::uint32_t begin, std::uint32_t at) {
    std::string_view before = text.substr(begin, at - begin);
    return before.find_first_not_of("# \t") == std::string_view::npos;
}

class IptablesComments {
  public:
    explicit IptablesComments(const ipt::SyntaxTree& tree) : tree_(tree) {}

    [[nodiscard]] std::optional<Directive> read_at(std::uint32_t at) const {
        auto after = std::upper_bound(
            tree_.lines.begin(), tree_.lines.end(), at,
            [](std::uint32_t offset, const ipt::Line& line) { return offset < line.begin; });
        auto line = static_cast<std::size_t>(after - tree_.lines.begin()) - 1;
        TextRange content = range(line);
        if (tree_.lines[line].kind == ipt::LineKind::comment) {
            if (!begins_comment(tree_.text, content.begin, at)) return std::nullopt;
            auto found = read(tree_.text, at, content.end);
            if (found) found->scope = after_comment(line);
            return found;
        }
        std::uint32_t end = end_of_comment(line, at);
        if (end == 0) return std::nullopt;
        auto found = read(tree_.text, at, end);
        if (found) found->scope = content;
        return found;
    }

  private:
    [[nodiscard]] TextRange range(std::size_t line) const {
        const ipt::Line& l = tree_.lines[line];
        return {l.begin, l.begin + static_cast<std::uint32_t>(tree_.content(l).size())};
    }

    /// The next line that says something.
    [[nodiscard]] TextRange after_comment(std::size_t line) const {
        while (++line < tree_.lines.size()) {
            ipt::LineKind kind = tree_.lines[line].kind;
            if (kind != ipt::LineKind::comment && kind != ipt::LineKind::blank) return range(line);
        }
        return {};
    }

    /// Where the value of --comment ends that has the byte; 0 when none has.
    [[nodiscard]] std::uint32_t end_of_comment(std::size_t line, std::uint32_t at) const {
        const ipt::Line& l = tree_.lines[line];
        for (const ipt::Option& option : tree_.options_of(l)) {
            if (option.key == ipt::unknown_option ||
                ipt::option_info(option.key).name != "--comment")
                continue;
            ipt::OptionWords words(tree_, l, option);
            for (ipt::Word word; words.next(word);) {
                if (at < word.range.begin || at >= word.range.end) continue;
                bool closed = word.quoted && !word.unterminated;
                return closed ? word.range.end - 1 : word.range.end;
            }
        }
        return 0;
    }

    const ipt::SyntaxTree& tree_;
};

class NftComments {
  public:
    explicit NftComments(const model::RulesetText& text) : text_(text), tree_(*text.nft()) {}

    [[nodiscard]] std::optional<Directive> read_at(std::uint32_t at) {
        if (TextRange comment = comment_with(at); !comment.empty()) {
            if (!begins_comment(tree_.text, comment.begin, at)) return std::nullopt;
            auto found = read(tree_.text, at, comment.end);
            if (found) found->scope = beside(comment);
            return found;
        }
        std::size_t node = upper(at);
        while (node > 0 && !(tree_.nodes[node - 1].kind == nft::Kind::comment &&
                             at < tree_.nodes[node - 1].end)) {
            if (tree_.nodes[node - 1].end <= at || is_statement(tree_.nodes[node - 1]))
                return std::nullopt;
            --node;
        }
        if (node == 0) return std::nullopt;
        auto found = read(tree_.text, at, end_of_string(at, tree_.nodes[node - 1].end));
        if (found) found->scope = owner(at);
        return found;
    }

  private:
    /// What suppressions can be about.
    static bool is_statement(const nft::Node& node) {
        switch (node.kind) {
            case nft::Kind::rule:
            case nft::Kind::chain:
            case nft::Kind::table:
            case nft::Kind::set:
            case nft::Kind::elements_command:
            case nft::Kind::flowtable:
            case nft::Kind::object:
            case nft::Kind::ruleset:
            case nft::Kind::many:
            case nft::Kind::include:
            case nft::Kind::define:
            case nft::Kind::undefine:
            case nft::Kind::hook:
            case nft::Kind::error:
                return true;
            default:
                return false;
        }
    }

    /// The number of nodes that begin at or before the byte.
    [[nodiscard]] std::size_t upper(std::uint32_t at) const {
        return static_cast<std::size_t>(
            std::upper_bound(
                tree_.nodes.begin(), tree_.nodes.end(), at,
                [](std::uint32_t offset, const nft::Node& node) { return offset < node.begin; }) -
            tree_.nodes.begin());
    }

    [[nodiscard]] TextRange comment_with(std::uint32_t at) const {
        auto after = std::upper_bound(
            tree_.comments.begin(), tree_.comments.end(), at,
            [](std::uint32_t offset, TextRange comment) { return offset < comment.begin; });
        if (after == tree_.comments.begin() || (after - 1)->end <= at) return {};
        return *(after - 1);
    }

    /// What the comment's line says before it; of a comment on a line of its own what comes next.
    [[nodiscard]] TextRange beside(TextRange comment) {
        std::uint32_t line = comment.begin;
        while (line > 0 && is_blank(tree_.text[line - 1])) --line;
        bool own_line = line == 0 || tree_.text[line - 1] == '\n';
        const std::vector<std::uint32_t>& all = statements();
        auto next = std::lower_bound(
            all.begin(), all.end(), comment.end,
            [&](auto node, auto offset) { return tree_.nodes[node].begin < offset; });
        if (!own_line) return next == all.begin() ? TextRange{} : scope(*(next - 1));
        if (next == all.end()) return {};
        TextRange found = scope(*next);
        return &text_.part(found.begin) == &text_.part(comment.begin) ? found : TextRange{};
    }

    /// What has the comment that holds the byte.
    [[nodiscard]] TextRange owner(std::uint32_t at) {
        const std::vector<std::uint32_t>& all = statements();
        auto next = std::upper_bound(all.begin(), all.end(), at, [&](auto offset, auto node) {
            return offset < tree_.nodes[node].begin;
        });
        while (next != all.begin()) {
            const nft::Node& node = tree_.nodes[*--next];
            if (at < node.end) return scope(*next);
        }
        return {};
    }

    /// A rule, or what is said of a chain, table or set up to the first thing in it.
    [[nodiscard]] TextRange scope(std::uint32_t node) const {
        const nft::Node& n = tree_.nodes[node];
        if (n.kind == nft::Kind::rule) return n.range();
        std::uint32_t end = n.end;
        bool block = n.has(nft::flag::braces);
        // A hook's line has the policy, too.
        if (n.kind == nft::Kind::hook)
            end =
                static_cast<std::uint32_t>(std::min(tree_.text.find('\n', end), tree_.text.size()));
        for (const nft::Node* i = &n + 1; block && i != &n + n.size; ++i)
            if (is_statement(*i) && i->kind != nft::Kind::hook) {
                end = i->begin - 1;
                break;
            }
        return {n.begin, end};
    }

    /// A string has no escapes.
    [[nodiscard]] std::uint32_t end_of_string(std::uint32_t at, std::uint32_t end) const {
        return static_cast<std::uint32_t>(std::min<std::size_t>(tree_.text.find('"', at), end));
    }

    /// The nodes that suppressions can be about, in order; made at the first use.
    [[nodiscard]] const std::vector<std::uint32_t>& statements() {
        if (statements_.empty())
            for (std::uint32_t i = 0; i < tree_.nodes.size(); ++i)
                if (is_statement(tree_.nodes[i])) statements_.push_back(i);
        return statements_;
    }

    const model::RulesetText& text_;
    const nft::SyntaxTree& tree_;
    std::vector<std::uint32_t> statements_;
};

/// Asks the comments of one language about every place of the keyword.
template <typename Comments>
std::vector<Directive> find_in(const model::RulesetText& text, Comments comments,
                               std::size_t first) {
    std::vector<Directive> out;
    std::string_view all = text.ruleset.text;
    for (std::size_t at = first; at != std::string_view::npos;
         at = all.find(keyword, at + keyword.size())) {
        auto offset = static_cast<std::uint32_t>(at);
        std::optional<Directive> found = comments.read_at(offset);
        if (!found) continue;
        if (found->whole_file) {
            const model::TextPart& part = text.part(offset);
            found->scope = {part.begin, part.begin + static_cast<std::uint32_t>(part.text.size())};
        }
        out.push_back(std::move(*found));
    }
    return out;
}

}  // namespace

std::vector<Directive> find_directives(const model::RulesetText& text) {
    std::string_view all = text.ruleset.text;
    const void* found = ::memmem(all.data(), all.size(), keyword.data(), keyword.size());
    if (found == nullptr) return {};
    auto first = static_cast<std::size_t>(static_cast<const char*>(found) - all.data());
    if (const auto* tree = text.iptables()) return find_in(text, IptablesComments(*tree), first);
    if (text.nft() != nullptr) return find_in(text, NftComments(text), first);
    return {};
}

}  // namespace untrack::analyzer
