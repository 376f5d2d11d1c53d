// SPDX-License-Identifier: GPL-2.0-or-later
// Runs the chosen lint rules on one file, or on the files of one host.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "analyzer/rule.hpp"
#include "analyzer/selection.hpp"

namespace untrack::analyzer {

enum class Extent : std::uint8_t {
    host,  ///< the file is all that its host loads: rules about hosts are asked, too
    file,  ///< they are not: lint_host() will be, and then settle()
};

/// What the rules find in the file, by position and then code; the same with any number of threads.
/// Of a whole host it is settled.
Findings lint(const FileContext& context, const Selection& selection, std::size_t threads = 1,
              Extent extent = Extent::host);
/// The same of one file as the packets of several families meet it. What is found of one place in
/// more than one of them is said once.
Findings lint(std::span<const std::unique_ptr<FileContext>> views, const Selection& selection,
              std::size_t threads, Extent extent = Extent::host);

/// What the rules about hosts find in each of its files, in order.
std::vector<Findings> lint_host(std::span<const HostFile> files, const Selection& selection);
/// Puts a file's findings of the one kind between those of the other.
void merge(Findings& findings, Findings&& more);
/// When all of a file's findings are there: takes out what its comments suppress, names comments
/// that suppress nothing (UT902), and gives findings the severities that were asked for.
void settle(const model::RulesetText& text, const Selection& selection, Findings& findings);

}  // namespace untrack::analyzer
