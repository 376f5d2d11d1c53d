// SPDX-License-Identifier: GPL-2.0-or-later
// Applies the fixes that findings carry, and shows of the safe ones that the file means what it
// meant: in rounds, because a fix may make room for another.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/context.hpp"
#include "base/text_edit.hpp"

namespace untrack::rewriter {

/// A text that fixes are tried on. Whoever reads files reads each draft as the first one was.
class Draft {
  public:
    Draft() = default;
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    virtual ~Draft() = default;

    /// The file's own bytes, without what it includes.
    [[nodiscard]] virtual std::string_view text() const = 0;
    /// The file as the packets of each family meet it.
    [[nodiscard]] virtual std::vector<const model::RulesetText*> views() const = 0;
    /// What is found in it, by position; asked once for each draft that was not only tried.
    virtual const analyzer::Findings& lint() = 0;
    /// The same file with another text.
    [[nodiscard]] virtual std::unique_ptr<Draft> with(std::string text) const = 0;
};

struct FixOptions {
    bool unsafe = false;  ///< also fixes that change what the ruleset does
};

struct Fixed {
    /// The text as it came to be, linted; nullptr when it stayed as it was.
    std::unique_ptr<Draft> draft;
    std::vector<TextEdit> edits;  ///< of the first text
    std::size_t findings = 0;     ///< that were fixed
    // Fixes that were left out in the end, and why.
    std::size_t unsafe = 0;      ///< they change what the ruleset does, or what it logs
    std::size_t undecided = 0;   ///< nothing is shown of them within the limits
    std::size_t unreadable = 0;  ///< the text could not be read, or loaded, with them
    std::size_t elsewhere = 0;   ///< they are about an included file
    bool settled = true;         ///< false: the rounds ended before there was nothing left to do
};

/// `first` has no syntax errors. A second run on what comes out changes nothing, if it is settled.
Fixed fix(Draft& first, const FixOptions& options);

}  // namespace untrack::rewriter
