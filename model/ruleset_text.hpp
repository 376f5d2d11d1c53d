// SPDX-License-Identifier: GPL-2.0-or-later
// The text that a ruleset was made from, in whatever language it is written: where rules and their
// parts stand, how they are spelled, and what a changed text would mean.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/line_index.hpp"
#include "base/made_once.hpp"
#include "base/text_range.hpp"
#include "model/ruleset.hpp"

namespace untrack::parser::iptables {
struct SyntaxTree;
}
namespace untrack::parser::nft {
struct SyntaxTree;
}

namespace untrack::model {

/// What cannot be read. The message lives as long as the tree and the ruleset.
struct TextError {
    TextRange range;
    std::string_view message;
};

/// A file whose bytes a ruleset's text holds: the one that was read, or one that it includes.
struct TextPart {
    std::uint32_t begin = 0;  ///< where it stands in Ruleset::text
    std::string_view text;
    std::string_view path;
    mutable MadeOnce<LineIndex> lines;
};

/// Where something stands in its file.
struct TextPlace {
    std::string_view path;
    LineColumn at;
};

/// One ruleset's text. It refers to the ruleset and its tree; both must outlive it, and neither may
/// move. Any number of threads may ask.
class RulesetText {
  public:
    explicit RulesetText(const Ruleset& r) : ruleset(r) { add_part(0, r.path); }
    virtual ~RulesetText() = default;
    RulesetText(const RulesetText&) = delete;
    RulesetText& operator=(const RulesetText&) = delete;

    const Ruleset& ruleset;

    /// As reports call it: "iptables", "ip6tables".
    [[nodiscard]] virtual std::string_view language() const = 0;
    /// The tree of an iptables file, for what is about its spelling; nullptr in other languages.
    [[nodiscard]] virtual const parser::iptables::SyntaxTree* iptables() const { return nullptr; }
    /// The same of nftables text.
    [[nodiscard]] virtual const parser::nft::SyntaxTree* nft() const { return nullptr; }

    /// A rule as it is shown: all of it, without its line end. Rules of the ruleset that stand
    /// together in the text have the same.
    [[nodiscard]] virtual TextRange range(const Rule& rule) const = 0;
    /// What the rule does ("-j NAME"); all of it when it only counts.
    [[nodiscard]] virtual TextRange target_range(const Rule& rule) const = 0;
    /// The first use of one of these matches, by their names in iptables ("-m NAME"); the whole
    /// rule when none is written out.
    [[nodiscard]] virtual TextRange match_range(const Rule& rule,
                                                std::span<const std::string_view> names) const = 0;
    /// What has to be cut out so that the rule is gone.
    [[nodiscard]] virtual TextRange removal_range(const Rule& rule) const = 0;
    /// The same for rules that differ in blanks and counters alone.
    [[nodiscard]] virtual std::string plain_text(const Rule& rule) const = 0;
    /// The rule for the answers to packets of this one, as an admin would write it for the chain at
    /// that hook: source and destination swapped; for answers that leave by the interface, if one
    /// is named.
    [[nodiscard]] virtual std::string answering_rule(const Rule& rule, Hook hook,
                                                     std::string_view out_interface) const = 0;

    /// Whether the rule asks a set by its name, whose elements others may change while the ruleset
    /// is loaded.
    [[nodiscard]] virtual bool asks_named_set(const Rule& /*rule*/) const { return false; }

    /// The ruleset again, with its target_texts.
    [[nodiscard]] virtual Ruleset with_target_texts() const = 0;
    /// What a changed text would mean, with target_texts: for packets, not for its places. The text
    /// must outlive it.
    [[nodiscard]] virtual Ruleset reread(std::string_view changed) const = 0;

    /// The file that has the byte.
    [[nodiscard]] const TextPart& part(std::uint32_t offset) const;
    [[nodiscard]] const LineIndex& lines(const TextPart& part) const {
        return part.lines.get([&] { return make_lines(part); });
    }
    [[nodiscard]] TextPlace place(std::uint32_t offset) const {
        const TextPart& p = part(offset);
        return {p.path, lines(p).place(offset - p.begin)};
    }
    /// Where the rule begins in its file, from 1.
    [[nodiscard]] std::uint32_t line_number(const Rule& rule) const {
        return place(range(rule).begin).at.line;
    }
    [[nodiscard]] std::string_view at(TextRange range) const {
        return ruleset.text.substr(range.begin, range.size());
    }
    /// Syntax errors and the ruleset's problems, in the order of their places.
    [[nodiscard]] std::vector<TextError> errors() const;

  protected:
    /// What stands behind the parts that are there, to the end of the text or to the next part.
    void add_part(std::uint32_t begin, std::string_view path);

  private:
    [[nodiscard]] virtual LineIndex make_lines(const TextPart& part) const {
        return LineIndex(part.text);
    }
    [[nodiscard]] virtual std::vector<TextError> syntax_errors() const = 0;

    std::deque<TextPart> parts_;
};

}  // namespace untrack::model
