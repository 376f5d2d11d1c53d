// SPDX-License-Identifier: GPL-2.0-or-later
// Inside of lower(): one rule's options grouped by the match or target they belong to, and the
// hands that give them meaning.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/ruleset.hpp"
#include "parser/iptables/syntax.hpp"

namespace untrack::model {

namespace ipt = parser::iptables;

/// One -m (or the match that -p implies, or the target): its options in order.
struct ExtensionUse {
    ipt::ExtensionId extension = ipt::no_extension;  ///< none: not in the table
    std::string_view name;                           ///< as written after -m or -j
    std::vector<const ipt::Option*> options;
};

/// Reads the options of one line.
class LineReader {
  public:
    LineReader(Ruleset& ruleset, const ipt::SyntaxTree& tree) : ruleset_(ruleset), tree_(tree) {}

    void set_line(const ipt::Line& line) {
        line_ = &line;
        line_end_ = line.begin + static_cast<std::uint32_t>(tree_.content(line).size());
    }
    [[nodiscard]] const ipt::Line& line() const { return *line_; }
    [[nodiscard]] const ipt::SyntaxTree& tree() const { return tree_; }

    [[nodiscard]] ipt::OptionWords words(const ipt::Option& option) const {
        return {tree_, line_end_, option};
    }
    /// The n-th value of an option; it lives as long as the ruleset. Empty when there is none.
    std::string_view value(const ipt::Option& option, unsigned n = 0) {
        if (n == 0 && option.value_size != 0) return tree_.plain_value(option);  // nearly all
        return read_value(option, n);
    }
    [[nodiscard]] TextRange range(const ipt::Option& option) const {
        return ipt::OptionWords::whole(tree_, *line_, option);
    }
    [[nodiscard]] static bool negated(const ipt::Option& option) {
        return (option.flags & (ipt::Option::negated | ipt::Option::negated_after)) != 0;
    }
    void problem(const ipt::Option& option, std::string message) {
        ruleset_.problems.push_back({range(option), std::move(message)});
    }
    /// The options as canonical text: full names, "!" first, single blanks, values without
    /// quotation marks.
    std::string canonical(const ExtensionUse& use, bool without_negation = false);

  private:
    std::string_view read_value(const ipt::Option& option, unsigned n);

    Ruleset& ruleset_;
    const ipt::SyntaxTree& tree_;
    const ipt::Line* line_ = nullptr;
    std::uint32_t line_end_ = 0;
    std::string storage_;
};

/// Appends the matches of one rule to the ruleset.
class MatchLowering {
  public:
    MatchLowering(Ruleset& ruleset, LineReader& reader) : ruleset_(ruleset), reader_(reader) {}

    /// An option of iptables itself: -s -d -p -i -o -f. Others are not for here.
    void base(const ipt::Option& option);
    /// A whole -m.
    void extension(const ExtensionUse& use);

  private:
    void address(const ipt::Option& option, MatchKind kind);
    void interface(const ipt::Option& option, MatchKind kind);
    void ports(const ipt::Option& option, MatchKind kind, bool list, bool refuse_reversed);
    void tcp(const ExtensionUse& use);
    void plain_ports(const ExtensionUse& use);
    void multiport(const ExtensionUse& use);
    void icmp(const ExtensionUse& use);
    void state(const ExtensionUse& use);
    void conntrack(const ExtensionUse& use);
    void mark(const ExtensionUse& use);
    void iprange(const ExtensionUse& use);
    void addrtype(const ExtensionUse& use);
    void opaque(const ExtensionUse& use);
    void opaque_option(const ExtensionUse& use, const ipt::Option& option);
    void opaque_text(std::string_view text, bool negated, OpaqueNature nature);
    Match& add(MatchKind kind, bool negated);

    Ruleset& ruleset_;
    LineReader& reader_;
};

/// Notes the uses of a rule of which iptables 1.8.9 might refuse something (refusals.hpp). Most
/// rules have none.
void note_unusual(std::span<const ExtensionUse> uses, const ipt::SyntaxTree& tree, TableId table,
                  const Rule& rule, Ruleset& ruleset);

/// The arguments of DNAT, SNAT, REDIRECT, MASQUERADE or NETMAP.
Translation lower_translation(Family family, LineReader& reader, const ExtensionUse& use,
                              TargetKind target);
/// Gives a rule its target.
void lower_target(Ruleset& ruleset, LineReader& reader, const ExtensionUse& use, bool is_goto,
                  Rule& rule);

}  // namespace untrack::model
